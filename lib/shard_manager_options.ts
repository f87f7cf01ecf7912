import type { ShardOptions } from "./shard_options.ts";
import { checkShardOptions } from "./shard_options.ts";
import { checkArray, checkNumber } from "./check.ts";
import { checkShardCount, checkShardId } from "./sharding.ts";
import type { IdentifyRateLimiter } from "./times_per.ts";

/** Options of a {@linkcode ShardManager}. */
export interface ShardManagerOptions extends ShardOptions {
  /**
   * How many shards the bot has in all.
   *
   * @default What the gateway recommends; the manager then also follows when that is not enough any more.
   */
  shardCount?: number;
  /**
   * Which of the shards to run, for a bot in several processes. Needs `shardCount`.
   *
   * @default All of them.
   */
  shardIds?: readonly number[];
  /** Decides when shards identify; give one of your own to share the limit between processes. */
  identifyRateLimiter?: IdentifyRateLimiter;
  /**
   * How many identifies of the day are never used, so that a human can still start the bot. Not with an
   * `identifyRateLimiter` of your own, which decides for itself.
   *
   * @default {0}
   */
  identifyReserve?: number;
}

/** Options of {@linkcode ShardManager.rescaleShards}. */
export interface RescaleShardsOptions {
  /** Calls it off; has no effect once the new shards have taken over. */
  signal?: AbortSignal | undefined;
}

/**
 * Checks what can be checked without a connection.
 *
 * @throws {TypeError} If an option has another type, this runtime cannot inflate the format asked for, shard ids are given
 * without a count, or a reserve with a limiter.
 * @throws {RangeError} If a number is out of range.
 */
export function checkManagerOptions(intents: number, options: ShardManagerOptions): void {
  checkShardOptions(intents, options);
  const { shardCount, shardIds, identifyRateLimiter, identifyReserve } = options;
  if (identifyReserve !== undefined) checkNumber("manage shards: identifyReserve", identifyReserve, 0);
  if (identifyReserve !== undefined && identifyRateLimiter !== undefined) {
    throw new TypeError("Cannot manage shards: identifyReserve needs the identifyRateLimiter to be left out");
  }
  if (shardCount !== undefined) checkShardIds(shardCount, shardIds);
  else if (shardIds !== undefined) throw new TypeError("Cannot manage shards: shardIds need a shardCount");
}

/**
 * Checks a shard count and the ids to run of it.
 *
 * @throws {TypeError} If something is not a number, or the ids are no array.
 * @throws {RangeError} If a number is out of range, or there is no id, or one twice.
 */
export function checkShardIds(shardCount: number, shardIds: readonly number[] | undefined): void {
  checkShardCount(shardCount);
  if (shardIds === undefined) return;
  checkArray("manage shards: shardIds", shardIds);
  if (shardIds.length === 0) throw new RangeError("Cannot manage shards: shardIds is empty");
  for (const shardId of shardIds) checkShardId(shardId, shardCount);
  if (new Set(shardIds).size < shardIds.length) {
    throw new RangeError(`Cannot manage shards: shardIds has one twice: ${shardIds.join(", ")}`);
  }
}
