import { checkObject } from "./check.ts";

/** What a shard needs to go on with its session, in this process or another. Plain data. */
export interface Session {
  /** The session's id, from READY. */
  id: string;
  /** The sequence number of the last dispatch that counts: the gateway replays what came after it. */
  sequence: number;
  /** The URL to resume on, from READY. */
  resumeUrl: string;
  /** The shard's id. */
  shardId: number;
  /** How many shards there were in its set. A session of another count is not resumed. */
  shardCount: number;
  /** When this was put together, in milliseconds since 1970. */
  savedAt: number;
}

/**
 * Keeps sessions while no process runs, so that a restart resumes instead of identifying.
 *
 * What is saved is the *handled* sequence: never ahead of the last dispatch before which every listener has settled.
 * After a crash dispatches may therefore be delivered again, and none is lost.
 *
 * Every call should settle, within a few seconds: a shard waits for `load` before it connects (until it is closed), and
 * at its end up to 5 seconds for `save` or `delete`. What fails or takes longer is reported as `session_store_error`.
 */
export interface SessionStore {
  /** Finds a session, or `null`. What is not a session any more must be `null` too. */
  load(key: string, options: { signal?: AbortSignal }): Promise<Session | null>;
  /** Keeps a session. Calls for one key never overlap: one that does not settle keeps the next ones back. */
  save(key: string, session: Session): Promise<void>;
  /** Forgets a session. */
  delete(key: string): Promise<void>;
}

/** The key a shard's session is kept under. */
export function sessionKeyOf(shardId: number, shardCount: number): string {
  return `${shardId}-${shardCount}`;
}

/**
 * Keeps sessions in memory: for tests, and for managers that come and go within one process.
 *
 * @example Hand a session from one manager to the next
 * ```ts
 * import { MemorySessionStore } from "@gangway/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new MemorySessionStore();
 * assertEquals(await store.load("0-1"), null);
 * ```
 */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<string, Session>();

  /** Finds a session, or `null`. */
  load(key: string): Promise<Session | null> {
    const session = this.#sessions.get(key);
    return Promise.resolve(session === undefined ? null : { ...session });
  }

  /** Keeps a session. */
  save(key: string, session: Session): Promise<void> {
    return new Promise((resolve) => {
      checkObject("save the session: it", session);
      this.#sessions.set(key, { ...session });
      resolve();
    });
  }

  /** Forgets a session. */
  delete(key: string): Promise<void> {
    this.#sessions.delete(key);
    return Promise.resolve();
  }
}

/** Whether something that was loaded can be resumed by the shard. */
export function isSessionOf(value: unknown, shardId: number, shardCount: number): value is Session {
  if (typeof value !== "object" || value === null) return false;
  const { id, sequence, resumeUrl, ...shard } = value as Partial<Session>;
  return typeof id === "string" && id !== "" && Number.isSafeInteger(sequence) && sequence as number >= 0 &&
    typeof resumeUrl === "string" && shard.shardId === shardId && shard.shardCount === shardCount;
}
