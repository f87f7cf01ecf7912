import { checkNumber, refuse } from "./check.ts";

/**
 * How many shards there can be: at 1,000 guilds a shard, which is what Discord recommends, enough for 131 million
 * guilds, and several times what the largest bots have. A shard is made for each: a count that is wrong by a few zeros must
 * not stop the process.
 */
export const MAX_SHARDS: number = 2 ** 17;

/**
 * The shard that receives a guild's events: "shard_id = (guild_id >> 22) % num_shards". Events without a guild go to
 * shard 0.
 *
 * @throws {TypeError} If the guild id is not a snowflake.
 * @throws {RangeError} If the shard count is out of range.
 * @see {@link https://discord.com/developers/docs/events/gateway#sharding-sharding-formula}
 */
export function shardIdOf(guildId: string | bigint, shardCount: number): number {
  checkShardCount(shardCount);
  const isSnowflake = typeof guildId === "bigint"
    ? guildId >= 0n
    : typeof guildId === "string" && /^\d{1,20}$/.test(guildId);
  if (!isSnowflake) refuse("find the shard of a guild: its id", "a snowflake", guildId);
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}

/** "Apps can identify once every 5 seconds" for each key; it is the gateway that counts, so there is a margin. */
export const IDENTIFY_WINDOW_MS: number = 5_250;

/** The key of the identify limit: "rate_limit_key = shard_id % max_concurrency". */
export function identifyKeyOf(shardId: number, maxConcurrency: number): number {
  return shardId % maxConcurrency;
}

/**
 * Checks a shard count.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is not a whole one from 1 to {@linkcode MAX_SHARDS}.
 */
export function checkShardCount(shardCount: number): void {
  checkNumber("shard: shardCount", shardCount, 1, MAX_SHARDS);
}

/**
 * Checks a shard's id against the number of shards.
 *
 * @throws {TypeError} If one of them is not a number.
 * @throws {RangeError} If it is not a whole number from 0 up to the count.
 */
export function checkShardId(shardId: number, shardCount: number): void {
  checkShardCount(shardCount);
  checkNumber("shard: shardId", shardId, 0, shardCount - 1);
}

/** The ids of all shards, from 0. */
export function allShardIds(shardCount: number): number[] {
  return Array.from({ length: shardCount }, (_, id) => id);
}
