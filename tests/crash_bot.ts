/**
 * The bot that `crash_test.ts` kills: its listeners take their time, and each says in a file when it is done.
 *
 *     crash_bot.ts URL TOKEN FOLDER LOG SLOW
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { appendFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { FileSessionStore } from "../lib/file_session_store.ts";
import { shutdownOnSignal } from "../lib/shutdown_on_signal.ts";
import { BotAuthentication, GatewayIntent, HTTPClient, type Session, ShardManager } from "../mod.ts";

/** How long the slow listener may take; it sees to it that the others do not hide when it is not waited for. */
const SLOW_MS = { listened: 100, waited: 100, looped: 15 };
const FAST_MS = 1;

const [url = "", token = "", folder = "", log = "", slow = ""] = process.argv.slice(2);

async function work(what: keyof typeof SLOW_MS): Promise<void> {
  await delay(Math.random() * (what === slow ? SLOW_MS[what] : FAST_MS));
}

/** Says when a session is stored. */
class TellingStore extends FileSessionStore {
  override async save(key: string, session: Session): Promise<void> {
    await super.save(key, session);
    console.log("saved");
  }
}

/** What is in the file outlives the process, and is in it before the listener is done. */
function note(what: string, content: string, sequence: number | null): void {
  appendFileSync(log, `${what} ${content} ${sequence}\n`);
  console.log(`${what} ${content}`);
}

const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
const manager = new ShardManager(new BotAuthentication(token), intents, new HTTPClient({ baseUrl: url }), {
  sessionStore: new TellingStore(folder),
});

manager.eventDispatcher.listen("MESSAGE_CREATE", async ({ content }, { sequence }) => {
  note("begun", content, sequence);
  await work("listened");
  note("listened", content, sequence);
});

manager.eventDispatcher.listen("MESSAGE_CREATE", ({ content }, event) => {
  event.waitUntil(work("waited").then(() => note("waited", content, event.sequence)));
});

async function loop(): Promise<void> {
  for await (const { content } of manager.eventDispatcher.events("MESSAGE_CREATE")) {
    await work("looped");
    note("looped", content, null);
  }
}

shutdownOnSignal(manager);
loop().catch(() => {});
manager.connect().catch(() => {});
await manager.closed;
