import { onAbort } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import { checkNumber, checkObject, checkSignal, MAX_TIMER_MS } from "./check.ts";
import type { IdentifyPermit, IdentifyRequest } from "./times_per.ts";

/** Options of {@linkcode IdentifyTurns}. */
export interface IdentifyTurnsOptions {
  /** How many turns of one key may fall into one window. */
  limit: number;
  /** The window, in milliseconds. */
  windowMs: number;
  /** Which shards share a limit. What it says may change: it is asked anew each time. */
  keyOf: (shardId: number) => number;
  /** Asked when somebody could have a turn: how long everybody has to wait all the same, in milliseconds. */
  holdUp?: () => number;
  /** Called when a turn was used. */
  onSent?: () => void;
}

interface Turn {
  readonly shardId: number;
  isHeld: boolean;
  sentAt: number | null;
}

interface Waiter {
  readonly shardId: number;
  readonly priority: number;
  readonly grant: (permit: IdentifyPermit) => void;
}

/**
 * Whose turn it is to identify. A turn counts until it is given back and, where it was used, until the window after
 * that has passed. Those who wait are served by priority, lowest first, and then in order of arrival.
 */
export class IdentifyTurns {
  readonly #options: IdentifyTurnsOptions;
  readonly #turns = new Set<Turn>();
  /** In order of arrival. */
  readonly #waiters = new Set<Waiter>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unused = 0;
  #isServiceDue = false;
  /** How often it was served: whoever is asked meanwhile may bring that about. */
  #services = 0;

  /** Makes a line in which nobody waits. */
  constructor(options: IdentifyTurnsOptions) {
    this.#options = options;
  }

  /** How many turns were given out and may still be used. */
  get unused(): number {
    return this.#unused;
  }

  /** Resolves with a permit once the shard has its turn; rejects with the signal's reason. */
  acquire(request: IdentifyRequest): Promise<IdentifyPermit> {
    return attempt(() => this.#acquire(request));
  }

  async #acquire(request: IdentifyRequest): Promise<IdentifyPermit> {
    checkObject("identify: the request", request);
    const { shardId, priority = shardId, signal } = request;
    checkNumber("identify: shardId", shardId, 0);
    checkNumber("identify: priority", priority, -Infinity, Infinity, false);
    checkSignal("identify: signal", signal);
    const { promise, resolve, reject } = Promise.withResolvers<IdentifyPermit>();
    signal?.throwIfAborted();
    const waiter: Waiter = { shardId, priority, grant: resolve };
    this.#waiters.add(waiter);
    const stop = onAbort(signal, (reason) => {
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) clearTimeout(this.#timer);
      reject(reason);
    });
    this.#serveSoon();
    return await promise.finally(stop);
  }

  /** Those who ask at the same time are sorted before the first of them is served. */
  #serveSoon(): void {
    if (this.#isServiceDue) return;
    this.#isServiceDue = true;
    queueMicrotask(() => {
      this.#isServiceDue = false;
      this.serve();
    });
  }

  /** Gives out the turns that there are now: to be called when the answers of `keyOf` or `holdUp` have changed. */
  serve(): void {
    clearTimeout(this.#timer);
    if (this.#waiters.size === 0) return;
    const { keyOf, limit, holdUp } = this.#options;
    const service = ++this.#services;
    const now = performance.now();
    for (const turn of this.#turns) if (this.#endOf(turn) <= now) this.#turns.delete(turn);
    const taken = Map.groupBy(this.#turns, ({ shardId }) => keyOf(shardId));
    let next = Infinity;
    for (const waiter of [...this.#waiters].sort((one, other) => one.priority - other.priority)) {
      const key = keyOf(waiter.shardId);
      const turns = taken.get(key) ?? [];
      let at = turns.map((turn) => this.#endOf(turn)).sort((one, other) => one - other).at(-limit) ?? now;
      if (at === now) at += holdUp?.() ?? 0;
      if (service !== this.#services) return;
      if (at > now) {
        next = Math.min(next, at);
      } else if (this.#waiters.delete(waiter)) {
        const turn: Turn = { shardId: waiter.shardId, isHeld: true, sentAt: null };
        this.#turns.add(turn);
        taken.set(key, [...turns, turn]);
        waiter.grant(this.#permit(turn));
      }
    }
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.serve(), Math.min(Math.ceil(next - now), MAX_TIMER_MS));
  }

  #endOf({ isHeld, sentAt }: Turn): number {
    if (isHeld) return Infinity;
    return sentAt === null ? 0 : sentAt + this.#options.windowMs;
  }

  #permit(turn: Turn): IdentifyPermit {
    this.#unused++;
    return {
      sent: () => {
        if (turn.sentAt !== null || !turn.isHeld) return;
        this.#unused--;
        turn.sentAt = performance.now();
        this.#options.onSent?.();
      },
      [Symbol.dispose]: () => {
        if (!turn.isHeld) return;
        turn.isHeld = false;
        if (turn.sentAt === null) this.#unused--;
        this.serve();
      },
    };
  }
}
