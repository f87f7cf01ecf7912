import { jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { delay } from "../delay.ts";
import { isConflict, isMissing, type NatsConnection, openBucket } from "./nats.ts";

/** What is on the board under a key. */
export interface BoardEntry {
  /** The value, which is JSON. */
  readonly value: unknown;
  /** Changes with every write, and only grows. */
  readonly revision: number;
  /** When it was seen first, on the monotonic clock. */
  readonly seenAt: number;
}

/** What has changed on the board. */
export interface BoardChange {
  /** Under which key. */
  readonly key: string;
  /** The value that was there, where there was one. */
  readonly before: unknown;
  /** The value that is there now, where there is one. */
  readonly after: unknown;
}

/** Options of {@linkcode Board.open}. */
export interface BoardOptions {
  /** How many servers keep a copy, where the bucket has to be made. */
  replicas?: number;
  /** How long the server may take to answer, in milliseconds. */
  timeoutMs: number;
}

/** How long to wait before a bucket is followed again, in milliseconds. */
const RETRY_MS = 250;

/** How long it is remembered that a key was removed, in milliseconds: far longer than it can matter to anybody. */
const REMOVED_MS = 3_600_000;

/** How many of them are forgotten at once. */
const MOST_FORGOTTEN = 100;

/**
 * What the nodes of a cluster agree on: a key-value bucket, mirrored in memory. A write names the revision that it
 * replaces, and fails where that is not the newest.
 */
export class Board implements AsyncDisposable {
  readonly #nats: NatsConnection;
  readonly #bucket: string;
  readonly #kv: KV;
  readonly #timeout: number;
  readonly #entries = new Map<string, BoardEntry>();
  /** The newest revision known of each key, of those that were removed as well. */
  readonly #revisions = new Map<string, number>();
  /** When each key that is gone was seen to be, on the monotonic clock. */
  readonly #removed = new Map<string, number>();
  #manager: JetStreamManager | null = null;
  readonly #listeners = new Set<(change: BoardChange) => void>();
  readonly #over = new AbortController();
  #watching: { stop(): void } | null = null;
  #ended: Promise<void> = Promise.resolve();

  private constructor(nats: NatsConnection, bucket: string, kv: KV, timeoutMs: number) {
    this.#nats = nats;
    this.#bucket = bucket;
    this.#kv = kv;
    this.#timeout = timeoutMs;
  }

  /** Opens a bucket, and makes it where there is none; resolves when all that is in it is known. */
  static async open(nats: NatsConnection, bucket: string, options: BoardOptions): Promise<Board> {
    const { replicas = 1, timeoutMs } = options;
    const client = jetstream(nats, { timeout: timeoutMs });
    const board = new Board(nats, bucket, await openBucket(client, bucket, replicas), timeoutMs);
    await board.#watch();
    return board;
  }

  /** Opens a bucket only to look at it; resolves with `null` where there is none. */
  static async find(nats: NatsConnection, bucket: string, timeoutMs: number): Promise<Board | null> {
    const kv = await new Kvm(jetstream(nats, { timeout: timeoutMs })).open(bucket);
    const board = new Board(nats, bucket, kv, timeoutMs);
    try {
      await board.#watch();
      return board;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** All that is there. */
  get entries(): ReadonlyMap<string, BoardEntry> {
    return this.#entries;
  }

  /** What is there under a prefix, by the rest of the keys. */
  *under<T>(prefix: string): Generator<[rest: string, value: T, entry: BoardEntry]> {
    for (const [key, entry] of this.#entries) {
      if (key.startsWith(prefix)) yield [key.slice(prefix.length), entry.value as T, entry];
    }
  }

  /** The value under a key. */
  get<T>(key: string): T | undefined {
    return this.#entries.get(key)?.value as T | undefined;
  }

  /** The newest revision known of a key, whatever became of it: what a decision was made on. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? 0;
  }

  /** Whether there has been something under a key that is not there any more. */
  wasRemoved(key: string): boolean {
    return this.#revisions.has(key) && !this.#entries.has(key);
  }

  /** Calls a listener after every change, until the signal aborts. */
  onChange(listener: (change: BoardChange) => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  /**
   * Writes a value over the newest that is known here; resolves with whether it was the newest. Whoever has waited since
   * it decided to write names the revision that it decided on.
   *
   * @throws {Error} Rejects where the server cannot be asked; the value may have been written all the same.
   */
  async write(key: string, value: unknown, over: number = this.revisionOf(key)): Promise<boolean> {
    const text = JSON.stringify(value);
    try {
      const revision = await this.#kv.put(key, text, { previousSeq: over, timeout: this.#timeout });
      this.#apply(key, JSON.parse(text), revision);
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.#refresh(key, over);
      return false;
    }
  }

  /** Removes a key where nobody has written to it since; resolves with whether that is so. */
  async remove(key: string, revision: number = this.revisionOf(key)): Promise<boolean> {
    try {
      await this.#kv.delete(key, { previousSeq: revision });
      if (this.#revisions.get(key) === revision) this.#forget(key);
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.#refresh(key, revision);
      return false;
    }
  }

  /** When a key was written last, by the clock of NATS, in milliseconds since 1970. */
  async writtenAt(key: string): Promise<number> {
    const entry = await this.#kv.get(key);
    if (entry === null) throw new Error(`Cannot tell when ${key} was written: it is not there`);
    return entry.created.getTime();
  }

  /**
   * Forgets what was removed long ago: a bucket keeps a mark of every key that has ever been removed, and nodes that come
   * and go leave many. One node is to do it (`isFirst`) for the bucket.
   */
  async tidy(isFirst: boolean, afterMs: number = REMOVED_MS): Promise<void> {
    let left = MOST_FORGOTTEN;
    for (const [key, seenAt] of this.#removed) {
      // The rest was removed later; and who is first may change.
      if (left-- === 0 || performance.now() - seenAt < (isFirst ? afterMs : 2 * afterMs)) return;
      const revision = this.revisionOf(key);
      if (isFirst) {
        this.#manager ??= await jetstreamManager(this.#nats, { timeout: this.#timeout, checkAPI: false });
        // Up to there: somebody may write to it at this moment.
        const subject = { filter: `$KV.${this.#bucket}.${key}`, seq: revision + 1 };
        await this.#manager.streams.purge(`KV_${this.#bucket}`, subject);
      }
      if (this.revisionOf(key) !== revision) continue;
      this.#revisions.delete(key);
      this.#removed.delete(key);
    }
  }

  /** Counts everything as seen just now: for when nothing could be seen for a while. */
  touch(): void {
    const seenAt = performance.now();
    for (const [key, entry] of this.#entries) this.#entries.set(key, { ...entry, seenAt });
  }

  /** Stops to follow the bucket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    this.#listeners.clear();
    this.#watching?.stop();
    await this.#ended;
  }

  async #watch(): Promise<void> {
    // Its newest message is the newest of its key and so is sent, unless a newer one is; how many are still to come is
    // told as well, but wrongly where keys are written meanwhile.
    const { streamInfo: { state } } = await this.#kv.status();
    const loaded = Promise.withResolvers<void>();
    const onEntry = (revision: number) => {
      if (revision >= state.last_seq) loaded.resolve();
    };
    if (state.messages === 0) loaded.resolve();
    this.#ended = this.#follow(onEntry).finally(loaded.resolve);
    await loaded.promise;
  }

  /** Follows the bucket to the end, anew where something ends it before. */
  async #follow(onEntry: (revision: number) => void): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        const watch = this.#watching = await this.#kv.watch();
        if (signal.aborted) return watch.stop();
        for await (const { key, operation, revision, value } of watch) {
          if (operation === "PUT") this.#apply(key, parse(value), revision);
          else this.#drop(key, revision);
          onEntry(revision);
        }
      } catch {
        // What a board cannot see it is told when it writes; and it tries again.
      }
      if (this.#nats.isClosed()) return;
      await delay(RETRY_MS, { signal }).catch(() => {});
    }
  }

  /** The watch would tell as well, but later: a write over `refused` was not accepted. */
  async #refresh(key: string, refused: number): Promise<void> {
    const entry = await this.#kv.get(key);
    // The server has forgotten what it had accepted, as one that lost its power does: what it has now counts.
    if (entry !== null && entry.revision < refused) this.#revisions.delete(key);
    if (entry === null) {
      this.#revisions.delete(key);
      this.#forget(key);
      this.#removed.delete(key);
    } else if (entry.operation === "PUT") this.#apply(key, parse(entry.value), entry.revision);
    else this.#drop(key, entry.revision);
  }

  #apply(key: string, value: unknown, revision: number): void {
    if (revision <= (this.#revisions.get(key) ?? 0)) return;
    const before = this.#entries.get(key)?.value;
    this.#revisions.set(key, revision);
    this.#removed.delete(key);
    this.#entries.set(key, { value, revision, seenAt: performance.now() });
    this.#tell({ key, before, after: value });
  }

  #drop(key: string, revision: number): void {
    if (revision <= (this.#revisions.get(key) ?? 0)) return;
    this.#revisions.set(key, revision);
    this.#forget(key);
  }

  #forget(key: string): void {
    this.#removed.delete(key);
    this.#removed.set(key, performance.now());
    const before = this.#entries.get(key)?.value;
    if (this.#entries.delete(key)) this.#tell({ key, before, after: undefined });
  }

  #tell(change: BoardChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

const decoder = new TextDecoder();

function parse(value: Uint8Array): unknown {
  return JSON.parse(decoder.decode(value));
}
