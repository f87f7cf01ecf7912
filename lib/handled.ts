/**
 * How far a session's dispatches are *handled*: every listener of a dispatch, and of all dispatches before it, has
 * settled. It is never ahead of what was received, and costs nothing while listeners are synchronous.
 */
export class Handled {
  #received: number;
  /** Sequence numbers whose listeners are still at work; a set keeps them in the order of arrival. */
  readonly #pending = new Set<number>();
  readonly #onProgress: () => void;

  /** Starts at the sequence number that is known to be handled; `onProgress` is called when it has moved. */
  constructor(sequence: number, onProgress: () => void) {
    this.#received = sequence;
    this.#onProgress = onProgress;
  }

  /** The sequence number up to which everything is handled. */
  get sequence(): number {
    for (const oldest of this.#pending) return oldest - 1;
    return this.#received;
  }

  /**
   * Takes in a dispatch; `settled` is what its listeners are waited for with, if any is still at work. A RESUMED that
   * repeats the last number does not count: what is to be delivered again is the dispatch that had it first.
   */
  add(sequence: number, settled: Promise<void> | undefined): void {
    if (sequence <= this.#received) return;
    this.#received = sequence;
    if (settled === undefined) {
      if (this.#pending.size === 0) this.#onProgress();
      return;
    }
    this.#pending.add(sequence);
    settled.then(() => {
      this.#pending.delete(sequence);
      this.#onProgress();
    });
  }
}
