import { setImmediate } from "node:timers";

/** Options of {@linkcode advance}. */
export interface AdvanceOptions {
  /**
   * How far the clock goes at once, in milliseconds. What a timer sets in motion happens before the next step; smaller
   * steps are more exact, and take longer.
   *
   * @default {100}
   */
  stepMs?: number | undefined;
}

/**
 * Lets time pass on a fake clock while everything that is due gets to happen, whatever library the clock is of.
 *
 * Fake clocks fire timers; they do not wait for what is promised meanwhile, so a timer that is set after an `await` comes
 * too late for a clock that is moved by a minute at once. This moves it in steps, and lets promises settle between them.
 * Use it with a gateway in memory: sockets, and `DecompressionStream` too, take real time.
 *
 * @param tick What moves the clock, such as `(ms) => clock.tick(ms)`.
 * @param ms How far, in milliseconds.
 *
 * @example
 * ```ts
 * import FakeTimers from "@sinonjs/fake-timers";
 * import { advance } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "Date"] });
 * try {
 *   let rounds = 0;
 *   (async () => {
 *     for (; rounds < 3; rounds++) await new Promise((resolve) => setTimeout(resolve, 20_000));
 *   })();
 *   await advance((ms) => clock.tick(ms), 60_000);
 *   assertEquals(rounds, 3);
 * } finally {
 *   clock.uninstall();
 * }
 * ```
 */
export async function advance(
  tick: (ms: number) => unknown,
  ms: number,
  options: AdvanceOptions = {},
): Promise<void> {
  const { stepMs = 100 } = options;
  if (!(ms >= 0 && ms < Infinity)) {
    throw new RangeError(`Cannot advance: the time must be a number from 0, received ${ms}`);
  }
  if (!(stepMs > 0)) throw new RangeError(`Cannot advance: stepMs must be a positive number, received ${stepMs}`);
  await turn();
  for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
    await tick(Math.min(stepMs, leftMs));
    await turn();
  }
}

/** A turn of the event loop: after it, all promises that can settle have done so. Fake clocks fake the global function. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
