/**
 * The bot that `shutdown_on_signal_test.ts` sends signals to.
 *
 *     shutdown_bot.ts URL TOKEN OPTIONS
 *
 * @module
 */
// deno-lint-ignore-file no-console

import process from "node:process";
import { setInterval } from "node:timers";
import { FileSessionStore } from "../lib/file_session_store.ts";
import { shutdownOnSignal, type ShutdownOptions } from "../lib/shutdown_on_signal.ts";
import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "../mod.ts";

/** What a test can vary. */
export interface ShutdownBotOptions extends Omit<ShutdownOptions, "onSignal"> {
  /** Where sessions are kept, if they are. */
  folder?: string;
  /** What is done at the signal. */
  onSignal?: "work" | "fail" | "hang";
  /** Whether something else than the bot keeps the process alive. */
  busy?: boolean;
  /** The listeners for signals are taken off again. */
  disposed?: boolean;
  /** It closes by itself, without a signal. */
  closes?: boolean;
  /** The exit code that it sets on its way. */
  exitCode?: number;
}

const [url = "", token = "", json = ""] = process.argv.slice(2);
const { folder, onSignal, busy, disposed, closes, exitCode, ...options }: ShutdownBotOptions = JSON.parse(json);

const actions = {
  work: async (signal: string) => {
    await manager.closed;
    await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(`worked at ${signal}`);
  },
  fail: () => {
    throw new Error("no database");
  },
  hang: () => {
    console.log("hanging");
    return new Promise(() => {});
  },
};

const manager = new ShardManager(
  new BotAuthentication(token),
  GatewayIntent.GuildMessages,
  new HTTPClient({ baseUrl: url }),
  folder === undefined ? {} : { sessionStore: new FileSessionStore(folder) },
);

manager.eventDispatcher.listen("MESSAGE_CREATE", async () => {
  console.log("listening");
  await manager.closed;
  await new Promise((resolve) => setTimeout(resolve, 1));
  console.log("listened");
});

const shutdown = shutdownOnSignal(manager, { ...options, ...(onSignal && { onSignal: actions[onSignal] }) });
if (disposed) shutdown[Symbol.dispose]();
if (busy) setInterval(() => {}, 60_000);
if (exitCode !== undefined) process.exitCode = exitCode;
await manager.connect();
await manager.shards.get(0)?.ready;
if (closes) await manager.close();
console.log("ready");
