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
  #isAlone = false;

  /** Allows so many. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves with `true` when there is room, in order of the calls, or with `false` where the signal aborts before. */
  async take(signal?: AbortSignal): Promise<boolean> {
    if (this.#waiters.length > 0 || this.#isAlone || this.#taken === this.#limit) {
      return await this.#wait({ isAlone: false, beside: this.#limit - 1 }, signal);
    }
    this.#taken++;
    return true;
  }

  /**
   * The same for something that nothing begins beside, until {@linkcode admitOthers}. It waits for the end of what is there,
   * after so many milliseconds only as others do.
   */
  async takeAlone(patienceMs: number, signal?: AbortSignal): Promise<boolean> {
    const wish = { isAlone: true, beside: 0 };
    const timer = setTimeout(() => {
      wish.beside = this.#limit - 1;
      this.#admit();
    }, patienceMs);
    try {
      return await this.#wait(wish, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whoever has a place alone does not need to any more. */
  admitOthers(): void {
    this.#isAlone = false;
    this.#admit();
  }

  /** Makes room. */
  free(): void {
    this.#taken--;
    this.#admit();
  }

  async #wait(wish: Omit<Waiter, "resolve">, signal?: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = new AbortController();
    const waiter: Waiter = Object.assign(wish, { resolve });
    this.#waiters.push(waiter);
    this.#admit();
    onAbort(signal, waiting.signal, () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      // Nothing, where it has its place.
      resolve(false);
      // It may have been the one that the others waited behind.
      this.#admit();
    });
    const isTaken = await promise;
    waiting.abort();
    return isTaken;
  }

  #admit(): void {
    for (let next = this.#waiters[0]; next !== undefined; next = this.#waiters[0]) {
      if (this.#isAlone || this.#taken > next.beside) return;
      this.#waiters.shift();
      this.#taken++;
      this.#isAlone = next.isAlone;
      next.resolve(true);
    }
  }
}
