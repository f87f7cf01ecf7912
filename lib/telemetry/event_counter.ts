import { DispatchCount } from "../observation.ts";
import type { Shard } from "../shard.ts";

/** Counts the dispatches that shards receive, by shard ids: who takes the place of a shard goes on counting. */
export class EventCounter {
  readonly #counts = new WeakMap<Shard, DispatchCount>();
  readonly #totals = new Map<number, number>();

  /** A session has just begun. */
  begin(shard: Shard, sessionId: string): void {
    this.#countOf(shard).begin(sessionId);
    this.look(shard);
  }

  /** Counts what came since the last look, and gives the total. */
  look(shard: Shard): number {
    const total = (this.#totals.get(shard.shardId) ?? 0) + this.#countOf(shard).look();
    this.#totals.set(shard.shardId, total);
    return total;
  }

  #countOf(shard: Shard): DispatchCount {
    let count = this.#counts.get(shard);
    if (count === undefined) this.#counts.set(shard, count = new DispatchCount(shard));
    return count;
  }
}
