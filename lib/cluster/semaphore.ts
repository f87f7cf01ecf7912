import { onAbort } from "../abortable.ts";

/** One that waits for a place. */
interface Waiter {
  /** Whether nothing else may begin beside it. */
  isAlone: boolean;
  /** How many may be there before it. */
  beside: number;
  /** Tells it that it has a place, or with `false` that it gave up. */
  resolve: (isTaken: boolean) => void;
}

/** Lets a number of things happen at once, or one alone. */
export class Semaphore {
  readonly #limit: number;
  #waiters: Waiter[] = [];
  #taken = 0;
  /** Who has a place alone. */
  #alone: Waiter | null = null;

  /** Allows so many. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves with `true` when there is room, in order of the calls, or with `false` where the signal aborts before. */
  async take(signal?: AbortSignal): Promise<boolean> {
    if (this.#waiters.length > 0 || this.#alone !== null || this.#taken === this.#limit) {
      return await this.#wait({ isAlone: false, beside: this.#limit - 1 }, signal) !== null;
    }
    this.#taken++;
    return true;
  }

  /**
   * The same for something that nothing begins beside, until it calls what this resolves with; `null` where the signal
   * aborts before. It waits for the end of what is there, after so many milliseconds only as others do.
   */
  async takeAlone(patienceMs: number, signal?: AbortSignal): Promise<(() => void) | null> {
    const wish = { isAlone: true, beside: 0 };
    const timer = setTimeout(() => {
      wish.beside = this.#limit - 1;
      this.#admit();
    }, patienceMs);
    try {
      const waiter = await this.#wait(wish, signal);
      return waiter && (() => this.#admitBeside(waiter));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Makes room. */
  free(): void {
    this.#taken--;
    this.#admit();
  }

  async #wait(wish: Omit<Waiter, "resolve">, signal?: AbortSignal): Promise<Waiter | null> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter: Waiter = Object.assign(wish, { resolve });
    this.#waiters.push(waiter);
    this.#admit();
    const stop = onAbort(signal, () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      // Nothing, where it has its place.
      resolve(false);
      // It may have been the one that the others waited behind.
      this.#admit();
    });
    const isTaken = await promise;
    stop();
    return isTaken ? waiter : null;
  }

  #admitBeside(waiter: Waiter): void {
    if (this.#alone !== waiter) return;
    this.#alone = null;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiters[0]; next !== undefined; next = this.#waiters[0]) {
      if (this.#alone !== null || this.#taken > next.beside) return;
      this.#waiters.shift();
      this.#taken++;
      if (next.isAlone) this.#alone = next;
      next.resolve(true);
    }
  }
}
