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

import { GatewayIntent, type Session, type SessionStore, ShardManager } from "@gangway/gateway";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { authentication, httpClient, run } from "./environment.ts";

/** Keeps each shard's session in a JSON file. */
class FileSessionStore implements SessionStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(key: string, { signal }: { signal?: AbortSignal }): Promise<Session | null> {
    try {
      return JSON.parse(await readFile(this.#fileOf(key), { encoding: "utf8", signal }));
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return null;
      throw error;
    }
  }

  async save(key: string, session: Session): Promise<void> {
    const file = this.#fileOf(key);
    await mkdir(this.#folder, { recursive: true });
    // Renaming is atomic: whenever the process dies, there is the old file or the new one, never half of one.
    await writeFile(`${file}.new`, JSON.stringify(session), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  async delete(key: string): Promise<void> {
    await rm(this.#fileOf(key), { force: true });
  }

  #fileOf(key: string): string {
    return `${this.#folder}/session-${key}.json`;
  }
}

const folder = process.argv[2] ?? `${tmpdir()}/gangway-sessions`;
const manager = new ShardManager(authentication, GatewayIntent.GuildMessages, httpClient, {
  sessionStore: new FileSessionStore(folder),
});

manager.dispatcher.listen("ready", (_, { shardId }) => console.log(`shard ${shardId}: new session, 1 identify spent`));
manager.dispatcher.listen("resumed", (_, { shardId }) => console.log(`shard ${shardId}: resumed, no identify spent`));
manager.dispatcher.listen("session_store_error", ({ error }) => console.error("The session store failed:", error));
manager.eventDispatcher.listen("MESSAGE_CREATE", ({ author, id }) => console.log(`${author.username} wrote ${id}`));

// Without `cleanup: false` the session would end with the process.
await run(manager, { cleanup: false });
console.log(`Closed; what it takes to resume is in ${folder}`);
