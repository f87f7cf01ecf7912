/**
 * What can be seen of a shard without listening to a single event of the gateway's.
 *
 * @module
 */
import type { Shard } from "./shard.ts";

/** The latency of a shard in seconds, or `null` where there is none: without a connection, or before the first ACK. */
export function latencyOf(shard: Shard): number | null {
  try {
    return shard.latency;
  } catch {
    return null;
  }
}

/**
 * Counts the dispatches that a shard receives: a session numbers them from 1, and the difference between two looks is
 * what came in between.
 */
export class DispatchCount {
  readonly #shard: Shard;
  #sessionId: string | null;
  #sequence: number;

  /** Of a session that has begun already only what follows counts. */
  constructor(shard: Shard) {
    this.#shard = shard;
    this.#sessionId = shard.sessionId;
    this.#sequence = shard.sessionSequenceNumber ?? 0;
  }

  /** A session has just begun: all of its dispatches count. */
  begin(sessionId: string): void {
    this.#sessionId = sessionId;
    this.#sequence = 0;
  }

  /** How many came since the last look. Of a session that comes from a store only what follows counts. */
  look(): number {
    const { sessionId, sessionSequenceNumber } = this.#shard;
    const sequence = sessionSequenceNumber ?? 0;
    const count = sessionId === this.#sessionId ? Math.max(0, sequence - this.#sequence) : 0;
    this.#sessionId = sessionId;
    this.#sequence = sequence;
    return count;
  }
}
