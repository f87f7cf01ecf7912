import type { KV } from "@nats-io/kv";
import type { SessionStore } from "../session_store.ts";
import type { Shard } from "../shard.ts";
import type { ClusterNodeEvents } from "./cluster_events.ts";
import type { EventStream } from "./event_stream.ts";
import type { Loss } from "./losses.ts";
import type { ClusterNames } from "./names.ts";
import type { NatsConnection } from "./nats.ts";

/** Options of a {@linkcode LeaseRunner}. */
export interface LeaseRunnerOptions {
  /** The connection. */
  nats: NatsConnection;
  /** What everything is called. */
  names: ClusterNames;
  /** Where sessions are kept. */
  sessions: KV;
  /** Where the events go. */
  stream: EventStream;
  /** The shards of the lease. */
  shardIds: readonly number[];
  /** Grows with every owner of the lease. */
  epoch: number;
  /** Makes a shard, whose events reach nobody yet. */
  makeShard: (shardId: number, sessionStore: SessionStore) => Shard;
  /** Lets a shard's events reach the node's listeners. */
  attach: (shard: Shard) => void;
  /**
   * What becomes of events before {@linkcode LeaseRunner.goLive}: in `silent` they are left to another set of shards, in
   * `keeping` that is ending.
   */
  mode: LeaseMode;
  /** Whether the lease can be relied on at this moment. */
  isValid: () => boolean;
  /** Which events are published; all where it is `null`. */
  events: ReadonlySet<string> | null;
  /** How many events may wait to be published, or to be told from copies, before the shards close. */
  maxPending: number;
  /** How many may be under way at once. */
  publishWindow: number;
  /** How long an acknowledgement may take, in milliseconds. */
  ackTimeoutMs: number;
  /** Writes a loss down, where that outlives the node; rejects once the signal aborts. */
  count: (loss: Loss, signal: AbortSignal) => Promise<void>;
  /** Told of what the node's dispatcher tells. */
  emit: <Name extends keyof ClusterNodeEvents>(name: Name, data: ClusterNodeEvents[Name]) => void;
  /** Called with the error that a shard cannot go on after. */
  onCritical: (error: Error) => void;
}

/** What a runner does with what its shards receive. */
export type LeaseMode = "silent" | "keeping" | "live";
