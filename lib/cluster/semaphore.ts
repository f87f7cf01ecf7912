/** Lets a number of things happen at once. */
export class Semaphore {
  readonly #limit: number;
  readonly #waiters: (() => void)[] = [];
  #taken = 0;

  /** Allows so many. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many are under way. */
  get taken(): number {
    return this.#taken;
  }

  /** Resolves when there is room, in order of the calls. */
  async take(): Promise<void> {
    if (this.#taken < this.#limit) this.#taken++;
    // The place is handed over, so the count stays.
    else await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Makes room. */
  free(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
