import { onAbort } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import { MAX_TIMER_MS } from "./check.ts";

/** Options of {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the wait: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Waits for the given number of milliseconds, or until the signal aborts. Nothing is left behind either way: no timer
 * and no listener on the signal.
 *
 * @param ms How long to wait: 0 or less waits for one turn of the event loop, `Infinity` until the signal aborts.
 * @throws {RangeError} Rejects where `ms` is not a number.
 *
 * @example Waiting until something else happens
 * ```ts
 * import { delay } from "./delay.ts";
 * import { assertRejects } from "@std/assert";
 *
 * const controller = new AbortController();
 * const waiting = delay(60_000, { signal: controller.signal });
 * controller.abort(new RangeError("Not needed any more"));
 * await assertRejects(() => waiting, RangeError);
 * ```
 */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal } = options;
  // A wait that lost a race and that nobody looks at any more must not end the process.
  return attempt(async () => {
    if (Number.isNaN(ms)) throw new RangeError(`Cannot wait: the time must be a number, received ${ms}`);
    signal?.throwIfAborted();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stop = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        // Bun and Deno warn of a negative one.
        let left = Math.max(0, ms);
        const wait = () => {
          const part = Math.min(left, MAX_TIMER_MS);
          left -= part;
          timer = setTimeout(left > 0 ? wait : resolve, part);
        };
        stop = onAbort(signal, reject);
        wait();
      });
    } finally {
      clearTimeout(timer);
      stop();
    }
  });
}
