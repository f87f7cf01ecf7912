import type { ShardEvents } from "../shard_events.ts";

/** Data of `events_lost`. */
export interface EventsLostData {
  /** The shard. */
  shardId: number;
  /** How many; `null` where that cannot be known, because the session is gone. */
  missed: number | null;
  /** What happened, in words. */
  reason: string;
}

/** What a {@linkcode ClusterNode} tells on its `dispatcher`, by name: its own events, and those of its shards. */
export interface ClusterNodeEvents extends ShardEvents {
  /** The node can own leases now. */
  node_joined: { id: string };
  /** The node could not renew its membership in time, or was taken for dead: its shards were closed. */
  node_fenced: { id: string };
  /** The node owns a lease now, and starts its shards. */
  lease_claimed: { lease: number; shardIds: number[] };
  /** The node has handed a lease over, or lost it. */
  lease_released: { lease: number; shardIds: number[]; reason: "handed over" | "lost" };
  /** NATS takes too little, or the switch of a rescale too long: the shards closed with their sessions kept. */
  publishing_stalled: { shardIds: number[]; pending: number };
  /** All is published: the shards connect again. */
  publishing_resumed: { shardIds: number[] };
  /** Events that nobody will ever receive. */
  events_lost: EventsLostData;
  /** The cluster has another number of shards. */
  cluster_rescaled: { shardCount: number };
  /** NATS, or another node, did not do what was asked. It is tried again. */
  cluster_error: { error: unknown };
}
