import { jetstreamManager } from "@nats-io/jetstream";
import { Board } from "./board.ts";
import { NODE_PREFIX, type NodeRecord } from "./membership.ts";
import { ClusterNames, shardsOf } from "./names.ts";
import type { NatsConnection } from "./nats.ts";
import { type LeaseRecord, type LeaseState, planOf } from "./plan.ts";
import { readIdentifyStatus } from "./identify_status.ts";

/** A node, as the others see it. */
export interface ClusterNodeStatus {
  /** Its id. */
  id: string;
  /** What it is called. */
  name: string;
  /** When it joined, in milliseconds since 1970 by its own clock. */
  joinedAt: number;
  /** Whether it is about to leave. */
  leaving: boolean;
  /** How many shards it owns. */
  shards: number;
}

/** A lease, and who has it. */
export interface ClusterLeaseStatus {
  /** Which set of shards it is of: 1 is the first. */
  generation: number;
  /** The lease. */
  lease: number;
  /** Its shards. */
  shardIds: number[];
  /** The node that owns it, or `null`. */
  node: string | null;
  /** How far it is; `running`, unless the cluster is being rescaled. */
  state: LeaseState;
}

/** The identify limit, as all nodes see it. */
export interface ClusterIdentifyStatus {
  /** How many identifies are left today; `null` where that is not known. */
  remaining: number | null;
  /** When there are more, in milliseconds since 1970; `null` where that is not known. */
  resetAt: number | null;
  /** How many may identify at the same time. */
  maxConcurrency: number;
  /** The shards that hold a turn. */
  holding: number[];
  /** How many keys of the limit somebody waits for, each counted once a node. */
  waiting: number;
}

/** How far a group of workers is with a stream. */
export interface ClusterLagStatus {
  /** The stream. */
  stream: string;
  /** The group. */
  group: string;
  /** How many events no worker has had yet. */
  waiting: number;
  /** How many are with a worker. */
  running: number;
  /** How many of those had been delivered before. */
  redelivered: number;
}

/** A stream of events. */
export interface ClusterStreamStatus {
  /** Its name. */
  stream: string;
  /** How many events it has. */
  messages: number;
  /** How large it is. */
  bytes: number;
}

/** The state of a whole cluster. Plain data. */
export interface ClusterStatus {
  /** How many shards there are; `null` where no node has ever joined. */
  shardCount: number | null;
  /** How many there will be, while it is being rescaled. */
  rescalingTo: number | null;
  /** The nodes. */
  nodes: ClusterNodeStatus[];
  /** Who owns what. */
  leases: ClusterLeaseStatus[];
  /** The identify limit. */
  identify: ClusterIdentifyStatus;
  /** The streams. */
  streams: ClusterStreamStatus[];
  /** How far workers are. */
  lag: ClusterLagStatus[];
  /** How many events no worker could handle. */
  deadLetters: number;
}

/** Options of {@linkcode clusterStatus}. */
export interface ClusterStatusOptions {
  /** The connection to NATS. */
  nats: NatsConnection;
  /**
   * The name of the application.
   *
   * @default {"bot"}
   */
  app?: string;
}

/**
 * Looks at a cluster: who is there, who owns what, and how far the workers are. Any process may, whether it is part of
 * the cluster or not; it takes a few requests to NATS for each stream.
 *
 * @throws {Error} Rejects where NATS cannot be asked.
 */
export async function clusterStatus(options: ClusterStatusOptions): Promise<ClusterStatus> {
  const { nats, app = "bot" } = options;
  const names = new ClusterNames(app);
  const manager = await jetstreamManager(nats);
  await using board = await Board.open(nats, names.board, { timeoutMs: 5_000 });
  const plan = planOf(board);
  const leases = leasesOf(board);
  const streams: ClusterStreamStatus[] = [];
  const lag: ClusterLagStatus[] = [];
  for await (const stream of manager.streams.names(names.allEvents)) {
    const { state } = await manager.streams.info(stream);
    streams.push({ stream, messages: state.messages, bytes: state.bytes });
    for await (
      const { name, config, num_pending, num_ack_pending, num_redelivered } of manager.consumers.list(stream)
    ) {
      if (config.durable_name === undefined) continue;
      lag.push({ stream, group: name, waiting: num_pending, running: num_ack_pending, redelivered: num_redelivered });
    }
  }
  return {
    shardCount: plan?.shardCount ?? null,
    rescalingTo: plan?.next?.shardCount ?? null,
    nodes: nodesOf(board, leases),
    leases,
    identify: readIdentifyStatus(board),
    streams,
    lag,
    deadLetters: await manager.streams.info(names.deadStream).then(({ state }) => state.messages, () => 0),
  };
}

function leasesOf(board: Board): ClusterLeaseStatus[] {
  const plan = planOf(board);
  if (plan === undefined) return [];
  const leases: ClusterLeaseStatus[] = [];
  for (const [rest, { node, state }] of board.under<LeaseRecord>("lease.")) {
    const [generation = 0, lease = 0] = rest.split(".").map(Number);
    const shardCount = generation === plan.generation ? plan.shardCount : plan.next?.shardCount ?? 0;
    leases.push({ generation, lease, shardIds: shardsOf(lease, plan.shardsPerLease, shardCount), node, state });
  }
  return leases.sort((one, other) => one.generation - other.generation || one.lease - other.lease);
}

function nodesOf(board: Board, leases: readonly ClusterLeaseStatus[]): ClusterNodeStatus[] {
  return [...board.under<NodeRecord>(NODE_PREFIX)].map(([id, { name, joinedAt, leaving }]) => {
    const owned = leases.filter(({ node }) => node === id);
    return { id, name, joinedAt, leaving, shards: owned.reduce((sum, { shardIds }) => sum + shardIds.length, 0) };
  });
}
