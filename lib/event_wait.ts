import { onAbort } from "./abortable.ts";
import { unawaited } from "./attempt.ts";
import { checkFunction, checkOptions } from "./check.ts";
import type { DispatcherWaitOptions, Listener } from "./dispatcher_options.ts";

/** What {@linkcode waitForEvent} waits for. */
export interface EventWaitOptions<Data> {
  /** Subscribes, until the signal aborts. */
  subscribe: (listener: Listener<Data>, options: { signal: AbortSignal }) => unknown;
  /** Tells whether this is the event; without it the first is. */
  check: ((...args: Parameters<Listener<Data>>) => boolean) | undefined;
  /** With the signal that ends the wait. */
  options: DispatcherWaitOptions;
  /** Ends the wait as well. */
  owner: AbortSignal | null;
}

/** Resolves with the data of the first event that passes the check. Nothing is left behind when it settles. */
export function waitForEvent<Data>({ subscribe, check, options, owner }: EventWaitOptions<Data>): Promise<Data> {
  const { promise, resolve, reject } = Promise.withResolvers<Data>();
  // A wait that nobody awaits must not end the process when its owner closes.
  promise.catch(() => {});
  const waiting = new AbortController();
  function fail(reason: unknown): void {
    reject(reason);
    waiting.abort();
  }
  function receive(...[data, event]: Parameters<Listener<Data>>): void {
    try {
      const passes: unknown = check === undefined || check(data, event);
      if (typeof (passes as PromiseLike<unknown> | null)?.then === "function") {
        unawaited(passes);
        throw new TypeError("Cannot wait: the check must not be async, an event is taken or passed over at once");
      }
      if (!passes) return;
      resolve(data);
      waiting.abort();
    } catch (error) {
      fail(error);
    }
  }
  try {
    checkOptions("wait", options);
    if (check !== undefined) checkFunction("wait: the check", check);
    for (const signal of [options.signal, owner]) onAbort(signal, fail, waiting.signal);
    subscribe(receive, { signal: waiting.signal });
  } catch (error) {
    fail(error);
  }
  return promise;
}
