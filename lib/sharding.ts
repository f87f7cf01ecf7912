/**
 * The shard that receives a guild's events: "shard_id = (guild_id >> 22) % num_shards". Events without a guild go to
 * shard 0.
 *
 * @throws {TypeError} If the guild id is not a snowflake.
 * @throws {RangeError} If the shard count is not a positive whole number.
 * @see {@link https://discord.com/developers/docs/events/gateway#sharding-sharding-formula}
 */
export function shardIdOf(guildId: string | bigint, shardCount: number): number {
  checkShardCount(shardCount);
  const isSnowflake = typeof guildId === "bigint"
    ? guildId >= 0n
    : typeof guildId === "string" && /^\d{1,20}$/.test(guildId);
  if (!isSnowflake) {
    const received = typeof guildId === "bigint" ? guildId : JSON.stringify(guildId);
    throw new TypeError(`Cannot find the shard of a guild: expected a snowflake, received ${received}`);
  }
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}

/** The key of the identify limit: "rate_limit_key = shard_id % max_concurrency". */
export function identifyKeyOf(shardId: number, maxConcurrency: number): number {
  return shardId % maxConcurrency;
}

/**
 * Checks a shard count.
 *
 * @throws {RangeError} If it is not a positive whole number.
 */
export function checkShardCount(shardCount: number): void {
  if (!Number.isSafeInteger(shardCount) || shardCount < 1) {
    throw new RangeError(`Cannot shard: shardCount must be a positive whole number, received ${shardCount}`);
  }
}

/**
 * Checks a shard's id against the number of shards.
 *
 * @throws {RangeError} If it is not a whole number from 0 up to the count.
 */
export function checkShardId(shardId: number, shardCount: number): void {
  checkShardCount(shardCount);
  if (!Number.isSafeInteger(shardId) || shardId < 0 || shardId >= shardCount) {
    throw new RangeError(
      `Cannot shard: shardId must be a whole number from 0 to ${shardCount - 1}, received ${shardId}`,
    );
  }
}

/** The ids of all shards, from 0. */
export function allShardIds(shardCount: number): number[] {
  return Array.from({ length: shardCount }, (_, id) => id);
}
