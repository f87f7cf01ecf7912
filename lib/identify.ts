import { presencePayload } from "./command_data.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { PresenceUpdateData, SentPayload } from "./payload.ts";
import type { ShardCore } from "./shard_core.ts";

const REDACTED = "[redacted]";

/**
 * Puts the payload of op 2 together.
 *
 * @throws {TypeError} If the presence is not one.
 * @see {@link https://discord.com/developers/docs/events/gateway-events#identify}
 */
export function identifyPayload(core: ShardCore, presence: PresenceUpdateData | null = core.presence): SentPayload {
  const { parts: { shardId, shardCount, intents }, options: { largeThreshold }, libraryName } = core;
  return {
    op: GatewayOpcode.Identify,
    d: {
      token: core.token,
      intents,
      properties: { os: globalThis.navigator?.platform || "unknown", browser: libraryName, device: libraryName },
      shard: [shardId, shardCount],
      ...(largeThreshold == null ? {} : { large_threshold: largeThreshold }),
      ...(presence === null ? {} : { presence: presencePayload(presence).d }),
    },
  };
}

/** Adds the token to a RESUME, which the session rules make without. */
export function withToken(payload: SentPayload, token: string): SentPayload {
  return payload.op === GatewayOpcode.Resume ? { op: payload.op, d: { token, ...payload.d as object } } : payload;
}

/** A payload as it may be shown. */
export function redacted(payload: SentPayload): SentPayload {
  if (payload.op !== GatewayOpcode.Identify && payload.op !== GatewayOpcode.Resume) return payload;
  return { op: payload.op, d: { ...payload.d as object, token: REDACTED } };
}
