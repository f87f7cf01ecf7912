import { coreOf, type Shard } from "./shard.ts";

/** Options of {@linkcode Arrivals}. */
export interface ArrivalsOptions {
  /** All that was sent to the shards up to `at` has arrived, as of `now`; both in milliseconds. */
  onArrived: (at: number, now: number) => void;
  /** A session was lost. */
  onLost: (now: number) => void;
  /** Whether there is no use in waiting for a shard without a session, which has nothing to replay. */
  skipsSessionless: boolean;
}

/**
 * Finds out up to when everything that was sent to some shards has arrived. A shard that is quiet may have nothing to
 * receive, or a connection that is dead. An ACK tells: it comes behind all that was sent before it, on a shard that is not
 * in the middle of a replay.
 */
export class Arrivals implements Disposable {
  readonly #shards: readonly Shard[];
  readonly #options: ArrivalsOptions;
  readonly #shown = new Map<Shard, number>();
  readonly #taps: Disposable[];

  /** Listens from now on. */
  constructor(shards: readonly Shard[], options: ArrivalsOptions) {
    this.#shards = shards;
    this.#options = options;
    this.#taps = shards.flatMap((shard) => [
      shard.dispatcher.listen("heartbeat", ({ latency }) => {
        if (shard.phase !== "ready") return;
        this.#shown.set(shard, Math.ceil(performance.now() - latency * 1000));
        this.tell();
      }),
      shard.dispatcher.listen("ready", () => {
        this.#shown.delete(shard);
        options.onLost(performance.now());
      }),
    ]);
  }

  /** Sends heartbeats, whose ACKs will tell. */
  ask(): void {
    for (const shard of this.#shards) coreOf(shard).commands.beat();
    this.tell();
  }

  /** Tells what is known by now. */
  tell(): void {
    const { onArrived, onLost, skipsSessionless } = this.#options;
    const now = performance.now();
    const waited = this.#shards.filter(({ phase, sessionId }) =>
      !skipsSessionless || (phase !== "closed" && sessionId !== null)
    );
    if (waited.length < this.#shards.length) onLost(now);
    onArrived(Math.min(now, ...waited.map((shard) => this.#shown.get(shard) ?? -Infinity)), now);
  }

  /** Listens no longer. */
  [Symbol.dispose](): void {
    for (const tap of this.#taps) tap[Symbol.dispose]();
  }
}
