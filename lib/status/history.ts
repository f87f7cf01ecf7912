/** How much time one point of a history covers, in milliseconds. */
export const STEP_MS = 5_000;

/** How many points a history keeps: 15 minutes of them. */
export const LENGTH = 180;

/** What was measured in the last 15 minutes, the oldest first; `null` where there was nothing to measure. */
export interface HistoryData {
  /** How much time one point covers, in milliseconds. */
  stepMs: number;
  /** Events a second. */
  rate: (number | null)[];
  /** Latency in milliseconds. */
  latency: (number | null)[];
}

/** Keeps the last measurements of a shard, or of all of them, in 1.4 KB. */
export class History {
  readonly #rate = new Float32Array(LENGTH).fill(NaN);
  readonly #latency = new Float32Array(LENGTH).fill(NaN);
  /** Where the next point goes: the ring begins with the oldest there. */
  #at = 0;
  #size = 0;

  /** Adds a point, in place of the oldest where there is no room. */
  push(rate: number, latencyMs: number | null): void {
    this.#rate[this.#at] = rate;
    this.#latency[this.#at] = latencyMs ?? NaN;
    this.#at = (this.#at + 1) % LENGTH;
    this.#size = Math.min(this.#size + 1, LENGTH);
  }

  /** The points, as they go into JSON. */
  toJSON(): HistoryData {
    return { stepMs: STEP_MS, rate: this.#read(this.#rate), latency: this.#read(this.#latency) };
  }

  #read(ring: Float32Array): (number | null)[] {
    return Array.from({ length: this.#size }, (_, index) => {
      const value = ring[(this.#at - this.#size + index + LENGTH) % LENGTH] ?? NaN;
      return Number.isNaN(value) ? null : roundTo(value, 10);
    });
  }
}

/** Rounds to a fraction, such as tenths: what nobody sees need not travel. */
export function roundTo(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}
