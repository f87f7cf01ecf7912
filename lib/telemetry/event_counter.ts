import type { Shard } from "../shard.ts";

/**
 * Counts the dispatches that shards receive without seeing one of them: a session numbers its dispatches from 1, and the
 * difference between two looks is what came in between.
 */
export class EventCounter {
  readonly #seen = new WeakMap<Shard, { sessionId: string; sequence: number }>();
  /** By shard ids: who takes the place of a shard goes on counting. */
  readonly #totals = new Map<number, number>();

  /** A session has just begun: all of its dispatches count. */
  begin(shard: Shard, sessionId: string): void {
    this.#seen.set(shard, { sessionId, sequence: 0 });
    this.look(shard);
  }

  /** Counts what came since the last look, and gives the total. Of a session that began elsewhere only what follows counts. */
  look(shard: Shard): number {
    const { shardId, sessionId, sessionSequenceNumber } = shard;
    const sequence = sessionSequenceNumber ?? 0;
    const seen = this.#seen.get(shard);
    let total = this.#totals.get(shardId) ?? 0;
    if (sessionId !== null) {
      if (seen?.sessionId === sessionId) total += Math.max(0, sequence - seen.sequence);
      this.#seen.set(shard, { sessionId, sequence });
    }
    this.#totals.set(shardId, total);
    return total;
  }
}
