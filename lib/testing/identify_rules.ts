import { GatewayCloseCode } from "../close_code.ts";
import { GatewayIntent } from "../intent.ts";
import { ALL_INTENTS, isFields, shardOf } from "./event_rules.ts";

/** An IDENTIFY that was understood. */
export interface Identify {
  intents: number;
  shard: readonly [shardId: number, shardCount: number];
  /** READY repeats the shard only where it was given. */
  shardGiven: boolean;
  largeThreshold: number;
  /** Payload compression. */
  compress: boolean;
}

/** Why a payload is refused. */
export interface Refusal {
  code: number;
  reason: string;
  /** Whether the client broke a rule, rather than having been set up with wrong values. */
  rule: boolean;
}

/** What an IDENTIFY is held against. */
export interface IdentifyRules {
  isToken(token: string): boolean;
  allowedIntents: number;
  shardCountMultipleOf: number | undefined;
  maxGuildsPerShard: number;
  guildIds: Iterable<string>;
}

const { UnknownOpcode, AuthenticationFailed, InvalidShard, ShardingRequired, InvalidIntents, DisallowedIntents } =
  GatewayCloseCode;

/**
 * Judges the data of an IDENTIFY.
 *
 * @see {@link https://discord.com/developers/docs/topics/gateway-events#identify}
 */
export function judgeIdentify(d: unknown, rules: IdentifyRules): Identify | Refusal {
  if (!isFields(d)) return broken(UnknownOpcode, "Data is not an object");
  if (typeof d.token !== "string") return broken(AuthenticationFailed, "Token is missing");
  // "The token inside IDENTIFY carries no prefix."
  if (/^(Bot|Bearer) /.test(d.token)) return broken(AuthenticationFailed, "Token has a prefix");
  if (!rules.isToken(d.token)) return wrong(AuthenticationFailed, "Authentication failed.");

  if (!isFields(d.properties)) return broken(UnknownOpcode, "Properties are missing");
  for (const key of ["os", "browser", "device"]) {
    const value = d.properties[key] ?? d.properties[`$${key}`];
    if (typeof value !== "string") return broken(UnknownOpcode, `Property ${key} is missing`);
  }
  const { intents, compress = false, large_threshold: threshold = 50, presence } = d;
  // From version 8 on intents are mandatory.
  if (!Number.isInteger(intents)) return wrong(InvalidIntents, "Invalid intent(s).");
  // Bitwise operators would drop what is above bit 31.
  if ((intents as number) < 0 || (intents as number) > ALL_INTENTS || ((intents as number) & ~ALL_INTENTS) !== 0) {
    return wrong(InvalidIntents, "Invalid intent(s).");
  }
  if (((intents as number) & ~rules.allowedIntents) !== 0) return wrong(DisallowedIntents, "Disallowed intent(s).");
  if (typeof compress !== "boolean") return broken(UnknownOpcode, "Compress is not a boolean");
  if (!Number.isInteger(threshold)) return broken(UnknownOpcode, "Large threshold is not an integer");
  if (presence !== undefined && presence !== null) {
    const fault = presenceFault(presence);
    if (fault !== null) return broken(UnknownOpcode, `Presence: ${fault}`);
  }

  const shard = d.shard ?? [0, 1];
  if (!isShard(shard)) return wrong(InvalidShard, "Invalid shard.");
  const [shardId, shardCount] = shard;
  if (shardCount % (rules.shardCountMultipleOf ?? 1) !== 0) return wrong(InvalidShard, "Invalid shard.");
  let guilds = 0;
  for (const id of rules.guildIds) if (shardOf(id, shardCount) === shardId) guilds++;
  if (guilds > rules.maxGuildsPerShard) return wrong(ShardingRequired, "Sharding required.");
  return {
    intents: intents as number,
    shard,
    shardGiven: d.shard !== undefined && d.shard !== null,
    // Values outside of 50 to 250 are clamped, not refused.
    largeThreshold: Math.min(250, Math.max(50, threshold as number)),
    compress,
  };
}

/** The shard that an IDENTIFY names, as far as it can be understood. */
export function shardIn(d: unknown): readonly [shardId: number, shardCount: number] {
  return isFields(d) && isShard(d.shard) ? d.shard : [0, 1];
}

function isShard(value: unknown): value is [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [id, count] = value;
  return Number.isInteger(id) && Number.isInteger(count) && id >= 0 && id < count;
}

const STATUSES = ["online", "dnd", "idle", "invisible", "offline"];

/**
 * What is wrong with a presence, or `null`.
 *
 * @see {@link https://discord.com/developers/docs/topics/gateway-events#update-presence}
 */
export function presenceFault(d: unknown): string | null {
  if (!isFields(d)) return "data is not an object";
  if (!STATUSES.includes(d.status as string)) return `status is ${JSON.stringify(d.status)}`;
  if (typeof d.afk !== "boolean") return "afk is not a boolean";
  if (d.since !== null && !Number.isInteger(d.since)) return "since is neither null nor an integer";
  if (!Array.isArray(d.activities)) return "activities is not an array";
  for (const activity of d.activities) {
    if (!isFields(activity) || typeof activity.name !== "string") return "an activity has no name";
    if (!Number.isInteger(activity.type)) return "an activity has no type";
  }
  return null;
}

function broken(code: number, reason: string): Refusal {
  return { code, reason, rule: true };
}

function wrong(code: number, reason: string): Refusal {
  return { code, reason, rule: false };
}

/**
 * The flags of an application whose privileged intents are on: GATEWAY_PRESENCE_LIMITED, GATEWAY_GUILD_MEMBERS_LIMITED and
 * GATEWAY_MESSAGE_CONTENT_LIMITED.
 */
export function applicationFlags(allowedIntents: number): number {
  const { GuildPresences, GuildMembers, MessageContent } = GatewayIntent;
  return (allowedIntents & GuildPresences ? 1 << 13 : 0) | (allowedIntents & GuildMembers ? 1 << 15 : 0) |
    (allowedIntents & MessageContent ? 1 << 19 : 0);
}
