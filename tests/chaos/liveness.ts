import type { Trace } from "./trace.ts";

/** How a peer can be dead without a word: nothing comes any more, or everything but ACKs. */
export type Silence = "mute" | "no ACK";

/** How many heartbeat intervals each may take to be found out. */
const BOUNDS: { readonly [kind in Silence]: number } = { mute: 2, "no ACK": 3 };
/** What a late timer and its grace add. */
const GRACE_MS = 400;
/** How long after a block a judgement would be due to it. */
const BLOCKED_MS = 5000;

interface Case {
  readonly kind: Silence;
  readonly sinceMs: number;
  /** Whether all ACKs had come before. */
  readonly isFirst: boolean;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Whether connections to dead peers are found in time, and no others taken for dead. */
export class Liveness {
  /** The longest time it took, in heartbeat intervals. */
  readonly worst: { [kind in Silence]: number } = { mute: 0, "no ACK": 0 };
  /** How many were found. */
  found = 0;
  readonly #trace: Trace;
  readonly #intervalMs: number;
  readonly #cases = new Map<number, Case>();
  /** Until when a shard must not take its peer for dead. */
  readonly #blocked = new Map<number, number>();

  /** Measures in heartbeats of this interval. */
  constructor(trace: Trace, intervalMs: number) {
    this.#trace = trace;
    this.#intervalMs = intervalMs;
  }

  /** The peer of a usable connection falls silent; `isFirst` says that no ACK had been missing before. */
  silenced(shardId: number, kind: Silence, isFirst: boolean): void {
    if (this.#cases.has(shardId)) return;
    const boundMs = BOUNDS[kind] * this.#intervalMs + GRACE_MS;
    const timer = setTimeout(() => {
      this.#cases.delete(shardId);
      this.#trace.fail(`shard ${shardId} did not notice within ${boundMs} ms that its peer was dead (${kind})`);
    }, boundMs + 1);
    this.#cases.set(shardId, { kind, sinceMs: Date.now(), isFirst, timer });
  }

  /** The peer speaks again, or something else came between. */
  spared(shardId?: number): void {
    for (const id of shardId === undefined ? [...this.#cases.keys()] : [shardId]) {
      clearTimeout(this.#cases.get(id)?.timer);
      this.#cases.delete(id);
    }
  }

  /** The event loop was blocked while all peers were alive. */
  blocked(shardIds: readonly number[]): void {
    for (const shardId of shardIds) this.#blocked.set(shardId, Date.now() + BLOCKED_MS);
  }

  /** A connection ended, by the client's own judgement or not; `heard` is whether events came since its last heartbeat. */
  onEnd(shardId: number, judgedDead: boolean, heard: boolean): void {
    const one = this.#cases.get(shardId);
    if (judgedDead && Date.now() <= (this.#blocked.get(shardId) ?? -1)) {
      this.#trace.fail(`shard ${shardId} took its peer for dead because the event loop was blocked`);
    }
    this.#blocked.delete(shardId);
    if (one !== undefined && judgedDead) {
      this.found++;
      // An ACK may be stuck behind a flood: two heartbeats have to be unanswered then.
      if (heard && one.isFirst && Date.now() - one.sinceMs < 2 * this.#intervalMs - GRACE_MS) {
        this.#trace.fail(`shard ${shardId} took its peer for dead after one ACK, while events came`);
      }
      this.worst[one.kind] = Math.max(this.worst[one.kind], (Date.now() - one.sinceMs) / this.#intervalMs);
    }
    this.spared(shardId);
  }
}
