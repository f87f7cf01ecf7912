import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { Board } from "./board.ts";
import { readIdentifyStatus } from "./identify_status.ts";
import { setsOf } from "./lease_set.ts";
import { type ClusterLosses, lossesOf } from "./losses.ts";
import { NODE_PREFIX, type NodeRecord } from "./membership.ts";
import { ClusterNames, shardsOf } from "./names.ts";
import { isMissing, type NatsConnection } from "./nats.ts";
import { askReports, type NodeReport, type ShardReport } from "./node_report.ts";
import { leaseKeyOf, type LeaseState, planOf } from "./plan.ts";

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
  /** How many of them are usable, as it says itself; `null` where it does not answer. */
  ready: number | null;
  /**
   * How long it may still rely on what it owns if it does not renew, in milliseconds, as it says itself. It renews long
   * before that; at 0 it has stopped its shards. `null` where it does not answer.
   */
  leaseLeftMs: number | null;
}

/** A shard that is not usable, and what it does instead. */
export type ClusterShardStatus = ShardReport;

/** A lease, and who has it. */
export interface ClusterLeaseStatus {
  /** Which set of shards it is of: 1 is the first. */
  generation: number;
  /** The lease. */
  lease: number;
  /** Its shards. */
  shardIds: number[];
  /** The node that owns it, or `null` where none does that is there. */
  node: string | null;
  /** How far it is; `running`, unless the cluster is being rescaled. */
  state: LeaseState;
  /** How long the node has had it, in milliseconds; `null` where no node says. */
  ageMs: number | null;
  /** How many events of it are not in the stream yet; `null` where no node says. */
  pending: number | null;
  /** The shards that are not usable; `null` where no node says. */
  notReady: ClusterShardStatus[] | null;
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
  /** Which set of shards runs, counted from 1; `null` where no node has ever joined. */
  generation: number | null;
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
  /** What nobody will ever receive, since the cluster began. */
  losses: ClusterLosses;
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

/** How long NATS may take to answer, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Of how many streams the consumers are asked for at once. */
const STREAMS_AT_ONCE = 16;

/**
 * Looks at a cluster: who is there, who owns what, and how far the workers are. Any process may, whether it is part of
 * the cluster or not, and changes nothing by it. It takes a request to NATS for each stream, and one that all nodes
 * answer; one that does not is waited for, for a second.
 *
 * @throws {Error} Rejects where NATS cannot be asked.
 */
export async function clusterStatus(options: ClusterStatusOptions): Promise<ClusterStatus> {
  const { nats, app = "bot" } = options;
  const names = new ClusterNames(app);
  const manager = await jetstreamManager(nats, { timeout: TIMEOUT_MS });
  await using board = await Board.find(nats, names.board, TIMEOUT_MS);
  const [{ streams, lag }, deadLetters] = await Promise.all([
    streamsOf(manager, names),
    manager.streams.info(names.deadStream).then(({ state }) => state.messages, zeroIfMissing),
  ]);
  if (board === null) return { ...noCluster(), streams, lag, deadLetters };
  const plan = planOf(board);
  const ids = new Set(Array.from(board.under(NODE_PREFIX), ([id]) => id));
  const reports = await askReports(nats, names.report, ids);
  const leases = leasesOf(board, reports);
  return {
    shardCount: plan?.shardCount ?? null,
    generation: plan?.generation ?? null,
    rescalingTo: plan?.next?.shardCount ?? null,
    nodes: nodesOf(board, leases, reports),
    leases,
    identify: readIdentifyStatus(board),
    streams,
    lag,
    deadLetters,
    losses: lossesOf(board),
  };
}

/** What there is before the first node. */
function noCluster(): Omit<ClusterStatus, "streams" | "lag" | "deadLetters"> {
  return {
    shardCount: null,
    generation: null,
    rescalingTo: null,
    nodes: [],
    leases: [],
    identify: { remaining: null, resetAt: null, maxConcurrency: 1, holding: [], waiting: 0 },
    losses: { times: 0, events: 0 },
  };
}

function zeroIfMissing(error: unknown): number {
  if (isMissing(error)) return 0;
  throw error;
}

async function streamsOf(
  manager: JetStreamManager,
  names: ClusterNames,
): Promise<Pick<ClusterStatus, "streams" | "lag">> {
  const streams: ClusterStreamStatus[] = [];
  for await (const { config: { name }, state } of manager.streams.list(names.allEvents)) {
    streams.push({ stream: name, messages: state.messages, bytes: state.bytes });
  }
  const lag: ClusterLagStatus[][] = [];
  for (let first = 0; first < streams.length; first += STREAMS_AT_ONCE) {
    const some = streams.slice(first, first + STREAMS_AT_ONCE);
    lag.push(...await Promise.all(some.map(({ stream }) => lagOf(manager, stream))));
  }
  return { streams, lag: lag.flat() };
}

async function lagOf(manager: JetStreamManager, stream: string): Promise<ClusterLagStatus[]> {
  const lag: ClusterLagStatus[] = [];
  try {
    for await (
      const { name, config, num_pending, num_ack_pending, num_redelivered } of manager.consumers.list(stream)
    ) {
      if (config.durable_name === undefined) continue;
      lag.push({ stream, group: name, waiting: num_pending, running: num_ack_pending, redelivered: num_redelivered });
    }
  } catch (error) {
    // It was there a moment ago.
    if (!isMissing(error)) throw error;
  }
  return lag;
}

function leasesOf(board: Board, reports: ReadonlyMap<string, NodeReport>): ClusterLeaseStatus[] {
  const plan = planOf(board);
  if (plan === undefined) return [];
  const reported = new Map(
    [...reports.values()].flatMap(({ id, leases }) => leases.map((lease) => [`${id} ${lease.key}`, lease] as const)),
  );
  return setsOf(board, plan).flatMap(({ generation, shardCount, count, isNext, records }) =>
    Array.from({ length: count }, (_, lease) => {
      const record = records.get(lease);
      // What is left of a node that is gone is nobody's.
      const node = board.get(`${NODE_PREFIX}${record?.node}`) === undefined ? null : record?.node ?? null;
      const report = reported.get(`${node} ${leaseKeyOf(generation, lease)}`);
      return {
        generation,
        lease,
        shardIds: shardsOf(lease, plan.shardsPerLease, shardCount),
        node,
        state: record?.state ?? (isNext ? "warming" : "running"),
        ageMs: report?.ageMs ?? null,
        pending: report?.pending ?? null,
        notReady: report?.notReady ?? null,
      };
    })
  );
}

function nodesOf(
  board: Board,
  leases: readonly ClusterLeaseStatus[],
  reports: ReadonlyMap<string, NodeReport>,
): ClusterNodeStatus[] {
  const owned = new Map<string | null, ClusterLeaseStatus[]>();
  for (const lease of leases) {
    const list = owned.get(lease.node);
    if (list === undefined) owned.set(lease.node, [lease]);
    else list.push(lease);
  }
  return [...board.under<NodeRecord>(NODE_PREFIX)].map(([id, { name, joinedAt, leaving }]) => {
    const own = owned.get(id) ?? [];
    const shards = own.reduce((sum, { shardIds }) => sum + shardIds.length, 0);
    const report = reports.get(id);
    return {
      id,
      name,
      joinedAt,
      leaving,
      shards,
      ready: report === undefined ? null : own.reduce((sum, lease) => sum + readyOf(lease), 0),
      leaseLeftMs: report?.leaseLeftMs ?? null,
    };
  });
}

function readyOf({ shardIds, notReady }: ClusterLeaseStatus): number {
  return notReady === null ? 0 : shardIds.length - notReady.length;
}
