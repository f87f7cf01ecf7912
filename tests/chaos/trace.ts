const KEPT_LINES = 40;
const KEPT_PROBLEMS = 10;

/** What happened last, and what should not have happened. */
export class Trace {
  readonly #startMs = Date.now();
  readonly #lines: string[] = [];
  readonly #problems: string[] = [];
  readonly #keptLines: number;

  /** Keeps so many happenings. */
  constructor(keptLines: number = KEPT_LINES) {
    this.#keptLines = keptLines;
  }

  /** What should not have happened, oldest first. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** The last happenings, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Whether something went wrong. */
  get failed(): boolean {
    return this.#problems.length > 0;
  }

  /** Keeps a happening. */
  note(text: string): void {
    // What led to the first problem is what matters.
    if (this.failed) return;
    this.#lines.push(`${this.#time()} ${text}`);
    if (this.#lines.length > this.#keptLines) this.#lines.shift();
  }

  /** Keeps a problem. */
  fail(text: string): void {
    this.note(`PROBLEM ${text}`);
    if (this.#problems.length < KEPT_PROBLEMS) this.#problems.push(`${this.#time()} ${text}`);
  }

  #time(): string {
    const ms = Date.now() - this.#startMs;
    const [hours, minutes, seconds] = [ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60];
    return `${Math.floor(hours)}:${pad(Math.floor(minutes), 2)}:${pad(seconds.toFixed(3), 6)}`;
  }
}

function pad(value: number | string, length: number): string {
  return String(value).padStart(length, "0");
}
