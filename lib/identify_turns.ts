import { attempt } from "./attempt.ts";
import { checkNumber, checkObject, checkSignal } from "./check.ts";
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

/** The longest timer there is: a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Whose turn it is to identify. A turn counts until it is given back and, where it was used, until the window after
 * that has passed. Those who wait are served by priority, lowest first, and then in order of arrival.
 */
export class IdentifyTurns {
  readonly #options: IdentifyTurnsOptions;
  readonly #turns = new Set<Turn>();
  #waiters: Waiter[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Makes a line in which nobody waits. */
  constructor(options: IdentifyTurnsOptions) {
    this.#options = options;
  }

  /** How many turns were given out and may still be used. */
  get unused(): number {
    return [...this.#turns].filter(({ isHeld, sentAt }) => isHeld && sentAt === null).length;
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
    return await new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        if (this.#waiters.length === 0) clearTimeout(this.#timer);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        shardId,
        priority,
        grant: (permit) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(permit);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const after = this.#waiters.findIndex((other) => other.priority > priority);
      this.#waiters.splice(after < 0 ? this.#waiters.length : after, 0, waiter);
      // Those who ask at the same time are sorted before the first of them is served.
      queueMicrotask(() => this.serve());
    });
  }

  /** Gives out the turns that there are now: to be called when the answers of `keyOf` or `holdUp` have changed. */
  serve(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    for (const turn of this.#turns) if (this.#endOf(turn) <= now) this.#turns.delete(turn);
    let next = Infinity;
    for (const waiter of [...this.#waiters]) {
      let at = this.#freeAt(waiter.shardId);
      if (at <= now) at = now + (this.#options.holdUp?.() ?? 0);
      if (at > now) {
        next = Math.min(next, at);
      } else if (this.#waiters.includes(waiter)) {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        waiter.grant(this.#permit(waiter.shardId));
      }
    }
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.serve(), Math.min(Math.ceil(next - now), MAX_TIMER_MS));
  }

  /** When a shard's key has a turn left. */
  #freeAt(shardId: number): number {
    const { keyOf, limit } = this.#options;
    const key = keyOf(shardId);
    const ends = [...this.#turns].filter((turn) => keyOf(turn.shardId) === key).map((turn) => this.#endOf(turn));
    return ends.sort((a, b) => b - a)[limit - 1] ?? 0;
  }

  #endOf({ isHeld, sentAt }: Turn): number {
    if (isHeld) return Infinity;
    return sentAt === null ? 0 : sentAt + this.#options.windowMs;
  }

  #permit(shardId: number): IdentifyPermit {
    const turn: Turn = { shardId, isHeld: true, sentAt: null };
    this.#turns.add(turn);
    return {
      sent: () => {
        if (turn.sentAt !== null || !turn.isHeld) return;
        turn.sentAt = performance.now();
        this.#options.onSent?.();
      },
      [Symbol.dispose]: () => {
        if (!turn.isHeld) return;
        turn.isHeld = false;
        this.serve();
      },
    };
  }
}
