/** Counts what happens in the busiest second. */
export class Attempts {
  /** The most in any second. */
  peak = 0;
  /** All of them. */
  total = 0;
  #recent: number[] = [];

  /** Forgets what was counted. */
  reset(): void {
    this.peak = 0;
    this.total = 0;
    this.#recent = [];
  }

  /** Something was tried. */
  add(atMs: number = Date.now()): void {
    this.total++;
    this.#recent.push(atMs);
    while (atMs - (this.#recent[0] as number) >= 1000) this.#recent.shift();
    this.peak = Math.max(this.peak, this.#recent.length);
  }
}
