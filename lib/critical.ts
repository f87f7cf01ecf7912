import type { Dispatcher } from "./dispatcher.ts";
import type { ShardEvents } from "./shard_events.ts";

/**
 * Prints a critical error that nobody would learn of: the last resort.
 *
 * @param isObserved Whether somebody has asked for the `closed` promise, which rejects with it.
 */
export function printUnheard(error: unknown, dispatcher: Dispatcher<ShardEvents>, isObserved: boolean): void {
  if (isObserved || dispatcher.hasNamedListeners("critical")) return;
  // deno-lint-ignore no-console -- the bot is down, and nobody would know
  console.error(error);
}
