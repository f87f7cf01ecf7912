import { onAbort } from "../abortable.ts";

/** Lets a number of things happen at once. */
export class Semaphore {
  readonly #limit: number;
  #waiters: (() => void)[] = [];
  #taken = 0;

  /** Allows so many. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves with `true` when there is room, in order of the calls, or with `false` where the signal aborts before. */
  async take(signal?: AbortSignal): Promise<boolean> {
    if (this.#taken < this.#limit) {
      this.#taken++;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = new AbortController();
    // The place is handed over, so the count stays.
    const waiter = () => resolve(true);
    this.#waiters.push(waiter);
    onAbort(signal, waiting.signal, () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      resolve(false);
    });
    const isTaken = await promise;
    waiting.abort();
    return isTaken;
  }

  /** Makes room. */
  free(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
