import { readinessOf } from "./cluster_readiness.ts";
import {
  type ClusterIdentifyStatus,
  type ClusterLagStatus,
  type ClusterLeaseStatus,
  type ClusterNodeStatus,
  type ClusterStatus,
  clusterStatus,
  type ClusterStatusOptions,
} from "./cluster_status.ts";

/** How long what was seen is shown, in milliseconds: NATS is asked no more often than that. */
const FRESH_MS = 1_000;

/** How long somebody waits for NATS to answer, in milliseconds: servers end a request that is silent for 10 seconds. */
const PATIENCE_MS = 8_000;

/** How many leases the page shows. */
const SHOWN_LEASES = 200;

/** Looks at a cluster for any number of viewers, and only while there are some: it has no timer of its own. */
export class ClusterViewer {
  readonly #options: ClusterStatusOptions;
  #latest: Promise<ClusterStatus> | null = null;
  /** When the latest look ended, on the monotonic clock; `null` while it takes. */
  #endedAt: number | null = null;

  /** Makes a viewer that has not looked yet. */
  constructor(options: ClusterStatusOptions) {
    this.#options = options;
  }

  /**
   * Resolves with the state of a second ago at most.
   *
   * @throws {Error} Rejects where NATS cannot be asked, or does not answer.
   */
  async look(): Promise<ClusterStatus> {
    const isOld = this.#endedAt !== null && performance.now() - this.#endedAt >= FRESH_MS;
    if (this.#latest === null || isOld) this.#latest = this.#begin();
    return await inTime(this.#latest);
  }

  #begin(): Promise<ClusterStatus> {
    this.#endedAt = null;
    const latest = clusterStatus(this.#options);
    const onEnd = () => {
      this.#endedAt = performance.now();
    };
    latest.then(onEnd, onEnd);
    return latest;
  }
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("NATS does not answer")), PATIENCE_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the page shows: no more than a browser can take in, however large the cluster is. */
export interface ClusterView {
  /** How many shards there are, and how many there will be. */
  shardCount: number | null;
  rescalingTo: number | null;
  /** How many shards are usable. */
  ready: number;
  nodes: ClusterNodeStatus[];
  /** Those first with which something is the matter. */
  leases: ClusterLeaseStatus[];
  /** How many more there are. */
  leasesLeftOut: number;
  identify: ClusterIdentifyStatus;
  /** How far the workers are, by group. */
  groups: ClusterGroupLag[];
  streams: { count: number; messages: number; bytes: number };
  deadLetters: number;
  /** How often events were lost. */
  losses: number;
}

/** How far a group of workers is with all streams. */
export type ClusterGroupLag = Omit<ClusterLagStatus, "stream">;

/** Sums up what the page shows. */
export function viewOf(status: ClusterStatus): ClusterView {
  const { shardCount, rescalingTo, nodes, leases, identify, deadLetters, losses } = status;
  const [some, rest] = [leases.filter(isTroubled), leases.filter((lease) => !isTroubled(lease))];
  return {
    shardCount,
    rescalingTo,
    ready: readinessOf(status).shards.ready,
    nodes,
    leases: [...some, ...rest].slice(0, SHOWN_LEASES),
    leasesLeftOut: Math.max(0, leases.length - SHOWN_LEASES),
    identify,
    groups: groupsOf(status),
    streams: streamsOf(status),
    deadLetters,
    losses: losses.times,
  };
}

/** Sums up the lag of each group. */
export function groupsOf({ lag }: ClusterStatus): ClusterGroupLag[] {
  const groups = new Map<string, ClusterGroupLag>();
  for (const { group, waiting, running, redelivered } of lag) {
    const sum = groups.get(group) ?? { group, waiting: 0, running: 0, redelivered: 0 };
    groups.set(group, {
      group,
      waiting: sum.waiting + waiting,
      running: sum.running + running,
      redelivered: sum.redelivered + redelivered,
    });
  }
  return [...groups.values()];
}

/** Sums up the streams. */
export function streamsOf({ streams }: ClusterStatus): ClusterView["streams"] {
  return {
    count: streams.length,
    messages: streams.reduce((sum, { messages }) => sum + messages, 0),
    bytes: streams.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function isTroubled({ state, notReady }: ClusterLeaseStatus): boolean {
  return state !== "done" && (notReady === null || notReady.length > 0);
}
