/** How many payloads a connection may send: "120 gateway events per connection every 60 seconds". */
export const SEND_LIMIT = 120;

/** The window of {@linkcode SEND_LIMIT}, in milliseconds. */
export const SEND_WINDOW_MS = 60_000;

/** What is kept for answers to heartbeats that the gateway asks for within one window. */
const REQUESTED_BEATS = 4;

/**
 * A log of what was sent, over a sliding window: it never lets more through than the limit in *any* window, however the
 * gateway counts.
 */
export class RateLimit {
  readonly #limit: number;
  readonly #windowMs: number;
  /** Times of the last sends, as a ring: the oldest is at `#next`. */
  readonly #times: number[] = [];
  #next = 0;

  /** Allows `limit` sends in any `windowMs` milliseconds. */
  constructor(limit: number = SEND_LIMIT, windowMs: number = SEND_WINDOW_MS) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /**
   * Takes a send at the time `now` (milliseconds) and returns 0, or returns how long to wait until one can be taken
   * with `reserve` sends still left over.
   */
  take(now: number, reserve: number = 0): number {
    // What the ring has no entry for has never been sent.
    const oldest = this.#times[(this.#next + reserve) % this.#limit] ?? -Infinity;
    const wait = oldest + this.#windowMs - now;
    // At exactly one window's distance both ends could still be counted: the wait goes beyond it.
    if (wait >= 0) return Math.floor(wait) + 1;
    this.#times[this.#next] = now;
    this.#next = (this.#next + 1) % this.#limit;
    return 0;
  }
}

/** How many sends commands leave over, so that neither heartbeats nor their answers ever wait. */
export function commandReserve(heartbeatIntervalMs: number): number {
  return beatReserve(heartbeatIntervalMs) + REQUESTED_BEATS;
}

/** How many sends everything but the scheduled heartbeats leaves over. */
export function beatReserve(heartbeatIntervalMs: number): number {
  return Math.min(Math.ceil(SEND_WINDOW_MS / heartbeatIntervalMs) + 1, SEND_LIMIT / 2);
}
