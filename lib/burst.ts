/** The rate of a burst: that many frames come within that time, in milliseconds, over and over. */
const WINDOW_FRAMES = 16;
const WINDOW_MS = 4;

/** How many windows have to pass like that: gathering makes frames wait for a timer, so the burst has to last. */
const WINDOWS = 8;

/** A burst is over when nothing comes for so long, in milliseconds. */
const GAP_MS = 0.3;

/**
 * Tells whether frames come so thick and fast that it pays to gather them. It looks at the clock once in a while and not for
 * every frame: where they come one by one, that would be a good part of what a frame costs.
 */
export class Burst {
  #frames = 0;
  #windows = 0;
  #windowAt = -Infinity;
  #restedAt = 0;

  /** Whether there is one. */
  get isOn(): boolean {
    return this.#windows >= WINDOWS;
  }

  /** Takes in that so many frames are inflated. */
  count(frames: number): void {
    this.#frames += frames;
    if (this.#frames < WINDOW_FRAMES || this.isOn) return;
    const now = performance.now();
    this.#windows = now - this.#windowAt <= WINDOW_MS ? this.#windows + 1 : 0;
    this.#windowAt = now;
    this.#frames = 0;
  }

  /** All that came is worked through. */
  rest(): void {
    if (this.isOn) this.#restedAt = performance.now();
  }

  /** A frame comes after that: one that was long in coming ends the burst. */
  resume(): void {
    if (this.isOn && performance.now() - this.#restedAt > GAP_MS) this.#windows = 0;
  }
}
