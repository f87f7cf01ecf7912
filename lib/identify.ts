import { abortable } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import { frameOf } from "./command_queue.ts";
import { presencePayload } from "./command_data.ts";
import { DisconnectError, ReconnectCheckFailedError } from "./errors.ts";
import { DOCTOR } from "./fatal_error.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { PresenceUpdateData, SentPayload } from "./payload.ts";
import type { ShardCore } from "./shard_core.ts";
import type { IdentifyPermit } from "./times_per.ts";

const REDACTED = "[redacted]";

/** Puts the payload of op 2 together. */
export function identifyPayload(core: ShardCore): SentPayload {
  const { parts: { shardId, shardCount, intents }, options: { largeThreshold }, libraryName, token, presence } = core;
  return {
    op: GatewayOpcode.Identify,
    d: {
      token,
      intents,
      properties: { os: globalThis.navigator?.platform || "unknown", browser: libraryName, device: libraryName },
      shard: [shardId, shardCount],
      ...(largeThreshold == null ? {} : { large_threshold: largeThreshold }),
      ...(presence === null ? {} : { presence }),
    },
  };
}

/**
 * Changes what the shard identifies with. The presence is kept as it is sent: what becomes of the owner's object is no
 * concern.
 *
 * @throws {TypeError} If the presence is not one. Nothing is changed then.
 * @throws {RangeError} If an IDENTIFY would be too large, which would keep the shard away for good.
 */
export function identifyWith(core: ShardCore, change: { token?: string; presence?: PresenceUpdateData | null }): void {
  const before = { token: core.token, presence: core.presence };
  const { token = before.token, presence } = change;
  const kept = presence && JSON.parse(JSON.stringify(presencePayload(presence).d));
  try {
    Object.assign(core, { token, presence: presence === undefined ? before.presence : kept });
    frameOf(identifyPayload(core));
  } catch (error) {
    Object.assign(core, before);
    throw error;
  }
}

/**
 * Waits for the right to identify.
 *
 * @throws {DisconnectError} If the limiter failed, which may be over after a while.
 * @throws {TypeError} If what it gave is no permit.
 * @throws {ReconnectCheckFailedError} If the shard may not identify.
 */
export async function takePermit(core: ShardCore, signal: AbortSignal): Promise<IdentifyPermit> {
  const { parts: { identifyRateLimiter, shardId, shardCount } } = core;
  checkReconnect(core);
  const acquiring = attempt(async () => await identifyRateLimiter.acquire({ shardId, shardCount, signal }));
  let permit: IdentifyPermit;
  try {
    permit = await abortable(acquiring, signal);
  } catch (cause) {
    // A limiter that took no notice may give a permit all the same.
    acquiring.then((late) => late?.[Symbol.dispose]()).catch(() => {});
    signal.throwIfAborted();
    throw new DisconnectError("Cannot identify: the identifyRateLimiter failed", { cause });
  }
  if (typeof permit?.sent !== "function" || typeof permit[Symbol.dispose] !== "function") {
    throw new TypeError("Cannot identify: what the identifyRateLimiter gave is not a permit" + DOCTOR);
  }
  try {
    signal.throwIfAborted();
    checkReconnect(core);
    return permit;
  } catch (error) {
    void attempt(async () => await permit[Symbol.dispose]());
    throw error;
  }
}

/** @throws {ReconnectCheckFailedError} If the shard may not identify. */
export function checkReconnect({ shouldReconnect, parts: { shardId } }: ShardCore): void {
  if (shouldReconnect) return;
  throw new ReconnectCheckFailedError(
    `Cannot connect shard ${shardId} to the gateway: it has to identify, and shouldReconnect is false${DOCTOR}`,
  );
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
