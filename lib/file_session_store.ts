/**
 * Keeps sessions in files, so that a bot that is started again resumes instead of identifying.
 *
 * @example Keep the sessions in a folder beside the bot
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { FileSessionStore } from "@gangway/gateway/file-session-store";
 *
 * const sessionStore = new FileSessionStore(new URL("./sessions/", import.meta.url));
 * const authentication = new BotAuthentication("token");
 * const manager = new ShardManager(authentication, GatewayIntent.Guilds, new HTTPClient(), { sessionStore });
 * ```
 *
 * @module
 */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { checkObject, checkOptions, checkString } from "./check.ts";
import type { Session, SessionStore } from "./session_store.ts";

export type { Session, SessionStore } from "./session_store.ts";

const TEMPORARY = ".tmp";

/**
 * Keeps each shard's session in a JSON file of its own, on Deno and on Bun.
 *
 * A file is replaced as a whole or not at all, whenever the process or the machine dies. One that is torn, or is no
 * session, counts as none: the shard identifies. Only one process may use a key at a time; processes that run different
 * shards can share a folder.
 *
 * Files and folder are for their owner only. They hold no token, and nobody can resume without one.
 *
 * @example
 * ```ts
 * import { FileSessionStore } from "@gangway/gateway/file-session-store";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 *
 * const folder = await mkdtemp(`${tmpdir()}/sessions-`);
 * const session = { id: "a", sequence: 7, resumeUrl: "", shardId: 0, shardCount: 1, savedAt: Date.now() };
 * await new FileSessionStore(folder).save("0-1", session);
 * assertEquals(await new FileSessionStore(folder).load("0-1"), session);
 * await rm(folder, { recursive: true });
 * ```
 */
export class FileSessionStore implements SessionStore {
  readonly #folder: string;

  /**
   * Makes a store.
   *
   * @param folder The folder to keep the files in, as a path or as a `file:` URL. It is made when it is needed.
   * @throws {TypeError} If it is no path, or the URL is of another scheme.
   */
  constructor(folder: string | URL) {
    if (!(folder instanceof URL)) checkString("store sessions: the folder", folder);
    this.#folder = typeof folder === "string" && !folder.startsWith("file:") ? folder : fileURLToPath(folder);
  }

  /**
   * Finds a session; `null` where there is no file, or what is in it is not a session.
   *
   * @throws {Error} Rejects if there is a file that cannot be read.
   */
  async load(key: string, options: { signal?: AbortSignal } = {}): Promise<Session | null> {
    checkOptions("load a session", options);
    const path = this.#path(key);
    const { signal } = options;
    signal?.throwIfAborted();
    await this.#sweep(path);
    try {
      return parseSession(await readFile(path, "utf8"));
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return null;
      throw error;
    }
  }

  /**
   * Keeps a session: when this resolves it is on the disk.
   *
   * @throws {Error} Rejects if it cannot be written; what was kept before is kept on.
   */
  async save(key: string, session: Session): Promise<void> {
    const path = this.#path(key);
    checkObject("save the session: it", session);
    const temporary = `${path}.${crypto.randomUUID()}${TEMPORARY}`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    try {
      const file = await open(temporary, "wx", 0o600);
      try {
        await file.writeFile(JSON.stringify(session));
        // Else the name may reach the disk before the content does.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  /**
   * Forgets a session; one that there is not is left alone.
   *
   * @throws {Error} Rejects if the file cannot be removed.
   */
  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  /** Removes what a process left behind that died while it saved. */
  async #sweep(path: string): Promise<void> {
    try {
      for (const name of await readdir(this.#folder)) {
        const other = `${this.#folder}/${name}`;
        if (other.startsWith(`${path}.`) && name.endsWith(TEMPORARY)) await rm(other, { force: true });
      }
    } catch {
      // They do no harm.
    }
  }

  /** A file name is made of letters, digits and `-` alone, and names that differ in case only are one on some disks. */
  #path(key: string): string {
    checkString("store sessions: the key", key);
    const name = key.replace(/[^a-z0-9-]/g, (unit) => `_${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    return `${this.#folder}/session-${name}.json`;
  }
}

/** Reads a file's text; `null` where it is no session. */
function parseSession(text: string): Session | null {
  let value: Partial<Record<keyof Session, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { id, sequence, resumeUrl, shardId, shardCount, savedAt } = value ?? {};
  const session = { id, sequence, resumeUrl, shardId, shardCount, savedAt };
  return isSession(session) ? session : null;
}

function isSession(fields: Record<keyof Session, unknown>): fields is Record<keyof Session, unknown> & Session {
  const { id, resumeUrl, savedAt, ...counts } = fields;
  return typeof id === "string" && id !== "" && typeof resumeUrl === "string" && typeof savedAt === "number" &&
    Object.values(counts).every((count) => Number.isSafeInteger(count) && count as number >= 0);
}
