import type { DeliverPolicy, DiscardPolicy, JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { ClusterNames, EventPlace } from "./names.ts";
import { parseEventSubject, parseMessageId, shardsOf } from "./names.ts";
import { isMissing, nanosOf } from "./nats.ts";
import { unshrink } from "./shrink.ts";

/** How streams are kept. */
export interface StreamOptions {
  /**
   * How many servers of a NATS cluster keep a copy.
   *
   * @default {1}
   */
  replicas?: number;
  /**
   * How long events are kept, in milliseconds: workers may be away for so long.
   *
   * @default {86_400_000}, a day
   */
  maxAgeMs?: number;
  /**
   * How large the stream of one lease may become, in bytes. A full one takes nothing, and its shards wait.
   *
   * @default {-1}, without a limit
   */
  maxBytes?: number;
  /**
   * How long the server remembers message ids, in milliseconds: what is sent twice within it is kept once. It should
   * cover how long a session can be resumed after its connection was lost, and a lease.
   *
   * @default {300_000}, or what covers a longer lease
   */
  duplicateWindowMs?: number;
}

/** The stream of one lease's events. */
export class EventStream {
  readonly #manager: JetStreamManager;
  readonly #names: ClusterNames;
  readonly #lease: number;
  readonly #shardsPerLease: number;
  readonly #options: StreamOptions;

  /** Names a stream, which may not be there yet. */
  constructor(
    manager: JetStreamManager,
    names: ClusterNames,
    lease: number,
    shardsPerLease: number,
    options: StreamOptions,
  ) {
    this.#manager = manager;
    this.#names = names;
    this.#lease = lease;
    this.#shardsPerLease = shardsPerLease;
    this.#options = options;
  }

  /** Its name. */
  get name(): string {
    return this.#names.stream(this.#lease);
  }

  /** The sequence number of its newest message. Makes the stream where there is none. */
  async lastSequence(): Promise<number> {
    try {
      return (await this.#manager.streams.info(this.name)).state.last_seq;
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.#create();
      return 0;
    }
  }

  /** The place of the newest event of a shard, or `null`. */
  async lastEvent(shardId: number): Promise<EventPlace | null> {
    const message = await this.#manager.streams.getMessage(this.name, {
      last_by_subj: this.#names.eventsOf(shardId),
    });
    return message === null ? null : parseMessageId(message.header.get("Nats-Msg-Id"));
  }

  /** The dispatches of some shards that came since a time, in milliseconds since 1970, as they were received. */
  async *since(atMs: number, shardIds: ReadonlySet<number>): AsyncGenerator<Uint8Array> {
    const { state: { last_seq } } = await this.#manager.streams.info(this.name);
    const consumer = await this.#manager.jetstream().consumers.get(this.name, {
      deliver_policy: "by_start_time" as DeliverPolicy,
      opt_start_time: new Date(atMs).toISOString(),
    });
    if ((await consumer.info()).num_pending === 0) return;
    const messages = await consumer.consume();
    try {
      for await (const { subject, seq, data, headers } of messages) {
        if (shardIds.has(parseEventSubject(subject)?.shardId ?? -1)) {
          yield headers?.get("Content-Encoding") === "gzip" ? await unshrink(data) : data;
        }
        if (seq >= last_seq) return;
      }
    } finally {
      await messages.close();
    }
  }

  async #create(): Promise<void> {
    const { replicas = 1, maxAgeMs = 86_400_000, maxBytes = -1, duplicateWindowMs = 300_000 } = this.#options;
    // All that can ever belong to the lease, whatever the shard count is now.
    const shardIds = shardsOf(this.#lease, this.#shardsPerLease, Infinity);
    await this.#manager.streams.add({
      name: this.name,
      subjects: shardIds.map((shardId) => this.#names.eventsOf(shardId)),
      storage: "file" as StorageType,
      retention: "limits" as RetentionPolicy,
      // A full stream refuses what is new: the shards wait, and nothing that no worker has had is thrown away.
      discard: "new" as DiscardPolicy,
      num_replicas: replicas,
      max_age: nanosOf(maxAgeMs),
      max_bytes: maxBytes,
      duplicate_window: nanosOf(Math.min(duplicateWindowMs, maxAgeMs)),
    });
  }
}
