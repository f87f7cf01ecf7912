import { invalidState } from "./check.ts";
import type { InvalidShardCountError } from "./errors.ts";
import type { GatewayBotInfo } from "./payload.ts";
import type { Shard } from "./shard.ts";
import type { RescaledData } from "./shard_events.ts";
import type { ShardFleet } from "./shard_fleet.ts";
import { withSignals } from "./with_signals.ts";

/** What a {@linkcode ShardScaling} gets from its owner. */
export interface ShardScalingOptions {
  /** The shards. */
  fleet: ShardFleet;
  /** How many identifies can be used, by an answer that has just come. */
  available: (info: GatewayBotInfo) => number;
  /** Whether sessions are stored: one for each shard. */
  isStored: boolean;
  /** Asks `GET /gateway/bot`. */
  askGateway: (signal: AbortSignal) => Promise<GatewayBotInfo>;
  /** The number of shards has changed. */
  onRescaled: (data: RescaledData) => void;
  /** The shard count is not valid, and there is no other. */
  onFailure: (error: Error) => void;
}

/** Changes the number of a manager's shards, one time after the other: when it is told to, and when the gateway is. */
export class ShardScaling {
  readonly #options: ShardScalingOptions;
  /** Shards that cannot go on because of the shard count. */
  readonly #refused = new WeakMap<Shard, InvalidShardCountError>();
  #rescaled: Promise<void> | null = null;
  #isFollowing = false;

  constructor(options: ShardScalingOptions) {
    this.#options = options;
  }

  /** The end of the rescale that is under way. It does not reject. */
  get rescaled(): Promise<void> | null {
    return this.#rescaled;
  }

  /**
   * Changes the number of shards; see {@linkcode ShardManager.rescaleShards}.
   *
   * @param lifetime The owner's: it also ends what goes on after the new shards have taken over.
   */
  async rescale(
    shardCount: number,
    shardIds: readonly number[] | undefined,
    signal: AbortSignal | undefined,
    lifetime: AbortSignal,
  ): Promise<void> {
    if (this.#rescaled !== null) {
      throw invalidState("rescale: another rescale is under way");
    }
    if (shardCount === this.#options.fleet.shardCount && this.#options.isStored) {
      throw new RangeError(
        `Cannot rescale: there are ${shardCount} shards already, and the session store can keep one session for each`,
      );
    }
    const rescaled = withSignals(
      [lifetime, signal],
      ({ signal }) => this.#rescale(shardCount, shardIds, signal, lifetime),
    );
    this.#rescaled = rescaled.catch(() => {});
    try {
      await rescaled;
    } finally {
      this.#rescaled = null;
    }
  }

  async #rescale(
    shardCount: number,
    shardIds: readonly number[] | undefined,
    signal: AbortSignal,
    lifetime: AbortSignal,
  ): Promise<void> {
    const { fleet, askGateway, onRescaled } = this.#options;
    const info = await askGateway(signal);
    const { reset_after } = info.session_start_limit;
    const needed = shardIds?.length ?? shardCount;
    const available = this.#options.available(info);
    if (available < needed) {
      throw invalidState(
        `rescale: it takes ${needed} identifies, and ${available} can be used in the next ${reset_after} ms`,
      );
    }
    onRescaled(await fleet.rescale(shardCount, shardIds, { signal, lifetime }));
  }

  /** A shard was refused because of the shard count: has as many shards as the gateway recommends now. */
  follow(shard: Shard, error: InvalidShardCountError, lifetime: AbortSignal): void {
    this.#refused.set(shard, error);
    if (!this.#isFollowing) void this.#follow(lifetime);
  }

  async #follow(lifetime: AbortSignal): Promise<void> {
    const { fleet, askGateway, onFailure } = this.#options;
    this.#isFollowing = true;
    try {
      for (;;) {
        // A rescale that is under way may replace the shards that were refused.
        await this.#rescaled;
        const [error] = [...fleet.shards.values()].flatMap((shard) =>
          shard.phase === "closed" ? this.#refused.get(shard) ?? [] : []
        );
        if (error === undefined) return;
        const { shards } = await askGateway(lifetime);
        if (this.#rescaled !== null) continue;
        if (shards === fleet.shardCount) throw error;
        await this.rescale(shards, undefined, undefined, lifetime);
      }
    } catch (error) {
      if (!lifetime.aborted) onFailure(error as Error);
    } finally {
      this.#isFollowing = false;
    }
  }
}
