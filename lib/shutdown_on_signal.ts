/**
 * Ends a bot in order when Ctrl-C is pressed, or when a service manager or a container asks for it.
 *
 * @example
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { shutdownOnSignal } from "@gangway/gateway/shutdown";
 *
 * const manager = new ShardManager(new BotAuthentication("token"), GatewayIntent.Guilds, new HTTPClient());
 * using _shutdown = shutdownOnSignal(manager);
 * // Then, as always: connect, and wait for `manager.closed`.
 * ```
 *
 * @module
 */
import process from "node:process";
import { setTimeout } from "node:timers";
import { checkFunction, checkObject, checkTimeout, refuse } from "./check.ts";
import type { CloseOptions } from "./shard_options.ts";

export type { CloseOptions } from "./shard_options.ts";

/** A signal that asks a process to end. */
export type ShutdownSignal = "SIGHUP" | "SIGINT" | "SIGQUIT" | "SIGTERM";

/** What can be shut down: a `ShardManager`, a `Shard`, or whatever closes like them. */
export interface Closable extends AsyncDisposable {
  /** Closes, with the session ended or kept. */
  close(options: CloseOptions): Promise<void>;
}

/** Options of {@linkcode shutdownOnSignal}. */
export interface ShutdownOptions {
  /**
   * Which signals to wait for.
   *
   * @default {["SIGINT", "SIGTERM"]}
   */
  signals?: readonly ShutdownSignal[];
  /**
   * Whether to end the sessions: the bot goes offline at once, and the next process has to identify.
   *
   * @default Whether there is no session store, as for `await using`.
   */
  cleanup?: boolean;
  /**
   * How long all of it may take, in milliseconds; then the process is ended with exit code 1. Towards a network that has
   * gone silent, a socket that was closed can keep the process alive for minutes.
   *
   * @default {5_000}
   */
  deadlineMs?: number;
  /**
   * Called at the first signal, when closing has begun. A promise that it returns is waited for, within the deadline:
   * the place to close a database or a server.
   */
  onSignal?: (signal: ShutdownSignal) => unknown;
  /**
   * Whether to end the process as soon as everything is closed. With `false` it ends by itself when nothing is left to do,
   * or at the deadline: listeners that are still at work have until then.
   *
   * @default {true}
   */
  exit?: boolean;
}

/** What a shell reports for a process that a signal ended is 128 and the signal's number. */
const SIGNAL_NUMBERS: Record<ShutdownSignal, number> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/**
 * Closes a manager at the first signal and then ends the process; at a second signal the process ends at once.
 *
 * The exit code is
 *
 * - `process.exitCode`, and so 0 unless the bot set it, when everything was closed: service managers and containers take
 *   that for a stop that was asked for, and 143 for a failure;
 * - 1 when the deadline came first, or closing failed;
 * - 128 and the signal's number at the second signal, such as 130 for Ctrl-C.
 *
 * It does not keep the process alive.
 *
 * @param target What to close.
 * @returns What takes the listeners off again when disposed. A shutdown that has begun goes on.
 * @throws {TypeError} If something has another type, or a signal is none of these.
 * @throws {RangeError} If the deadline is out of range.
 *
 * @example Keep the session for the next process, and give listeners ten seconds to finish
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { shutdownOnSignal } from "@gangway/gateway/shutdown";
 *
 * const manager = new ShardManager(new BotAuthentication("token"), GatewayIntent.Guilds, new HTTPClient());
 * using _shutdown = shutdownOnSignal(manager, { cleanup: false, exit: false, deadlineMs: 10_000 });
 * ```
 */
export function shutdownOnSignal(target: Closable, options: ShutdownOptions = {}): Disposable {
  checkObject("shut down: what is to close", target, "close");
  checkObject("shut down: the options", options);
  if (typeof target[Symbol.asyncDispose] !== "function") refuse("shut down: what is to close", "disposable", target);
  const { signals = ["SIGINT", "SIGTERM"], deadlineMs = 5_000, onSignal } = options;
  if (
    !(Array.isArray as (value: unknown) => boolean)(signals) || !signals.every((signal) => signal in SIGNAL_NUMBERS)
  ) {
    refuse("shut down: signals", `some of ${Object.keys(SIGNAL_NUMBERS).join(", ")}`, signals);
  }
  if (onSignal !== undefined) checkFunction("shut down: onSignal", onSignal);
  checkTimeout("shut down: deadlineMs", deadlineMs, 0);
  let isFirst = true;
  const listeners = signals.map((signal) =>
    [signal, () => {
      if (!isFirst) process.exit(128 + SIGNAL_NUMBERS[signal]);
      isFirst = false;
      setTimeout(() => process.exit(1), deadlineMs).unref();
      void shutDown(target, signal, options);
    }] as const
  );
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return {
    [Symbol.dispose]: () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    },
  };
}

async function shutDown(target: Closable, signal: ShutdownSignal, options: ShutdownOptions): Promise<void> {
  const { cleanup, onSignal, exit = true } = options;
  await Promise.all([
    attempt(() => cleanup === undefined ? target[Symbol.asyncDispose]() : target.close({ cleanup })),
    attempt(() => onSignal?.(signal)),
  ]);
  if (exit) process.exit();
}

/** One failure must not keep the others from ending. */
async function attempt(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    process.exitCode = 1;
    // deno-lint-ignore no-console
    console.error("Cannot shut down in order:", error);
  }
}
