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
  /** Told how far a session was that is in the bucket, also of one that cannot be resumed any more. */
  onFound: (session: Session) => void;
  /** How often a sequence number is written at most, in milliseconds. */
  intervalMs: number;
  /** Called when a write failed that nobody waited for. */
  onError: (error: unknown) => void;
}

interface Stored {
  readonly session: Session;
  /** The gateway does not resume it: what is left is that it was, and how far, until the next one begins. */
  readonly isRefused?: boolean;
  readonly epoch: number;
}

interface Slot {
  revision: number;
  stored: Stored | null;
  latest: Omit<Stored, "epoch"> | null;
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
    const stored = slot.stored = await this.#read(key, slot);
    if (stored === null) return null;
    const session = await this.#newest(stored.session);
    this.#options.onFound(session);
    return stored.isRefused ? null : session;
  }

  /** Keeps a session: a new one at once, a new sequence number within the interval. */
  save(key: string, session: Session): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const slot = this.#slot(key);
    slot.latest = { session };
    const { stored } = slot;
    if (stored === null || stored.isRefused || stored.session.id !== session.id) return this.#flush(key, slot);
    slot.timer ??= setTimeout(() => {
      this.#flush(key, slot).catch(this.#options.onError);
    }, this.#options.intervalMs);
    return Promise.resolve();
  }

  /** Marks a session as one that cannot be resumed: until the next one is kept, what it has cost must not be forgotten. */
  refuse(key: string): Promise<void> {
    const slot = this.#slot(key);
    const session = slot.latest?.session ?? slot.stored?.session;
    if (this.#isStopped || session === undefined) return Promise.resolve();
    slot.latest = { session, isRefused: true };
    return this.#flush(key, slot);
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

  /** Forgets all sessions there have been. */
  async clear(): Promise<void> {
    await Promise.all(Array.from(this.#slots.keys(), (key) => this.delete(key)));
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
    const { kv, epoch } = this.#options;
    if (slot.latest === null) return;
    const latest: Stored = { ...slot.latest, epoch };
    slot.latest = null;
    const text = JSON.stringify(latest);
    for (;;) {
      try {
        slot.revision = await kv.put(key, text, { previousSeq: slot.revision });
        slot.stored = latest;
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const stored = await this.#read(key, slot);
        if (stored !== null && stored.epoch > epoch) {
          throw new DOMException(
            `Cannot store the session of shard ${latest.session.shardId}: another node owns it`,
            "InvalidStateError",
          );
        }
      }
    }
  }

  async #newest(session: Session): Promise<Session> {
    const last = await this.#options.lastEvent(session.shardId);
    if (last === null || last.sessionId !== session.id || last.sequence <= session.sequence) return session;
    return { ...session, sequence: last.sequence };
  }

  async #read(key: string, slot: Slot): Promise<Stored | null> {
    const entry = await this.#options.kv.get(key);
    slot.revision = entry?.revision ?? 0;
    return entry === null || entry.operation !== "PUT" ? null : entry.json<Stored>();
  }
}
