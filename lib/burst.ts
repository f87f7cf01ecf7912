/** The rate of a burst: so many milliseconds a frame at most, over windows of so many frames. */
const FRAME_MS = 0.25;
const WINDOW_FRAMES = 16;

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

  /** Takes in that so many frames are about to be inflated. What is done with those before counts as time between them. */
  count(frames: number): void {
    this.#frames += frames;
    if (this.#frames < WINDOW_FRAMES) return;
    const now = performance.now();
    this.#windows = now - this.#windowAt <= this.#frames * FRAME_MS ? this.#windows + 1 : 0;
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
