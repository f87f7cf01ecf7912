/**
 * A bot that is stopped and started again without spending an identify, of which there are 1000 a day; what happened in
 * between is delivered late. Start it, stop it with Ctrl-C, and start it again within a minute or so.
 *
 *     DISCORD_TOKEN=… deno run -A examples/resume_after_restart.ts [folder]
 *     DISCORD_TOKEN=… bun run examples/resume_after_restart.ts [folder]
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { GatewayIntent, ShardManager } from "@gangway/gateway";
import { FileSessionStore } from "@gangway/gateway/file-session-store";
import { tmpdir } from "node:os";
import process from "node:process";
import { authentication, httpClient, run } from "./environment.ts";

const folder = process.argv[2] ?? `${tmpdir()}/gangway-sessions`;
const manager = new ShardManager(authentication, GatewayIntent.GuildMessages, httpClient, {
  sessionStore: new FileSessionStore(folder),
});

manager.dispatcher.listen("ready", (_, { shardId }) => console.log(`shard ${shardId}: new session, 1 identify spent`));
manager.dispatcher.listen("resumed", (_, { shardId }) => console.log(`shard ${shardId}: resumed, no identify spent`));
manager.dispatcher.listen("session_store_error", ({ error }) => console.error("The session store failed:", error));
manager.eventDispatcher.listen("MESSAGE_CREATE", ({ author, id }) => console.log(`${author.username} wrote ${id}`));

console.log(`What it takes to resume is in ${folder}`);
await run(manager);
