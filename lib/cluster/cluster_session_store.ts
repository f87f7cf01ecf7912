import type { KV } from "@nats-io/kv";
import type { Session, SessionStore } from "../session_store.ts";
import { isConflict } from "./nats.ts";
import type { EventPlace } from "./names.ts";

/** Options of a {@linkcode ClusterSessionStore}. */
export interface ClusterSessionStoreOptions {
  /** The bucket. */
  kv: KV;
  /** Grows with every owner of the lease: an owner of before cannot overwrite what a later one has stored. */
  epoch: number;
  /** Tells what the stream has of a shard last, or `null`. */
  lastEvent: (shardId: number) => Promise<EventPlace | null>;
  /** How often a sequence number is written at most, in milliseconds. */
  intervalMs: number;
  /** Called when a write failed that nobody waited for. */
  onError: (error: unknown) => void;
}

interface Stored {
  readonly session: Session;
  readonly epoch: number;
}

interface Slot {
  revision: number;
  stored: Session | null;
  latest: Session | null;
  timer: ReturnType<typeof setTimeout> | undefined;
  writing: Promise<void>;
}

/**
 * The sessions of one lease, in a key-value bucket.
 *
 * The stream knows better than the bucket how far a shard is, because every event in it carries its session and its
 * sequence number, and all before it are in it as well. So the number in the bucket is written seldom, and the larger of
 * the two counts.
 */
export class ClusterSessionStore implements SessionStore {
  readonly #options: ClusterSessionStoreOptions;
  readonly #slots = new Map<string, Slot>();
  #isStopped = false;

  /** Makes a store for the owner of a lease. */
  constructor(options: ClusterSessionStoreOptions) {
    this.#options = options;
  }

  /** Finds a session, as far as the stream has its events. */
  async load(key: string): Promise<Session | null> {
    const slot = this.#slot(key);
    const stored = await this.#read(key, slot);
    slot.stored = stored?.session ?? null;
    if (stored === null) return null;
    const { session } = stored;
    const last = await this.#options.lastEvent(session.shardId);
    if (last === null || last.sessionId !== session.id || last.sequence <= session.sequence) return session;
    return { ...session, sequence: last.sequence };
  }

  /** Keeps a session: a new one at once, a new sequence number within the interval. */
  save(key: string, session: Session): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const slot = this.#slot(key);
    slot.latest = session;
    if (slot.stored?.id !== session.id) return this.#flush(key, slot);
    slot.timer ??= setTimeout(() => {
      this.#flush(key, slot).catch(this.#options.onError);
    }, this.#options.intervalMs);
    return Promise.resolve();
  }

  /** Forgets a session. */
  async delete(key: string): Promise<void> {
    if (this.#isStopped) return;
    const slot = this.#slot(key);
    clearTimeout(slot.timer);
    slot.timer = undefined;
    slot.latest = null;
    slot.stored = null;
    await slot.writing.catch(() => {});
    const stored = await this.#read(key, slot);
    if (stored === null || stored.epoch > this.#options.epoch) return;
    await this.#options.kv.delete(key, { previousSeq: slot.revision });
  }

  /** Writes what waits to be written. */
  async flush(): Promise<void> {
    await Promise.all([...this.#slots].map(([key, slot]) => this.#flush(key, slot)));
  }

  /** Gives up what waits to be written. */
  stop(): void {
    this.#isStopped = true;
    for (const slot of this.#slots.values()) {
      clearTimeout(slot.timer);
      slot.latest = null;
    }
  }

  #slot(key: string): Slot {
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { revision: 0, stored: null, latest: null, timer: undefined, writing: Promise.resolve() };
      this.#slots.set(key, slot);
    }
    return slot;
  }

  #flush(key: string, slot: Slot): Promise<void> {
    clearTimeout(slot.timer);
    slot.timer = undefined;
    const write = () => this.#write(key, slot);
    return slot.writing = slot.writing.then(write, write);
  }

  async #write(key: string, slot: Slot): Promise<void> {
    const session = slot.latest;
    if (session === null) return;
    slot.latest = null;
    const { kv, epoch } = this.#options;
    const text = JSON.stringify({ session, epoch } satisfies Stored);
    for (;;) {
      try {
        slot.revision = await kv.put(key, text, { previousSeq: slot.revision });
        slot.stored = session;
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const stored = await this.#read(key, slot);
        if (stored !== null && stored.epoch > epoch) {
          throw new DOMException(
            `Cannot store the session of shard ${session.shardId}: another node owns it`,
            "InvalidStateError",
          );
        }
      }
    }
  }

  async #read(key: string, slot: Slot): Promise<Stored | null> {
    const entry = await this.#options.kv.get(key);
    slot.revision = entry?.revision ?? 0;
    return entry === null || entry.operation !== "PUT" ? null : entry.json<Stored>();
  }
}
