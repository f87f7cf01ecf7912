import type { ClusterLeaseStatus, ClusterStatus } from "./cluster_status.ts";

/** A shard that is not usable, and why. */
export interface UnreadyShard {
  /** The shard. */
  shard: number;
  /** What the node is called that owns it; `null` where none does. */
  node: string | null;
  /** What the shard is doing; `null` where nobody says. */
  phase: string | null;
  /** Why nobody says; `null` where somebody does. */
  reason: string | null;
}

/** Whether every shard of a cluster is owned and usable. */
export interface ClusterReadiness {
  /** Whether they all are. */
  ready: boolean;
  /** How many there are, and how many of them are usable. */
  shards: { total: number; ready: number };
  /** The others. */
  notReady: UnreadyShard[];
}

/** Tells whether every shard of the set that runs is owned and usable. */
export function readinessOf(status: ClusterStatus): ClusterReadiness {
  const total = status.shardCount ?? 0;
  const notReady = status.leases
    .filter(({ generation }) => generation === status.generation)
    .flatMap((lease) => unreadyOf(lease, status));
  return { ready: total > 0 && notReady.length === 0, shards: { total, ready: total - notReady.length }, notReady };
}

function unreadyOf({ shardIds, node, state, notReady }: ClusterLeaseStatus, { nodes }: ClusterStatus): UnreadyShard[] {
  // They have been replaced by those of the next set.
  if (state === "done") return [];
  const owner = nodes.find(({ id }) => id === node);
  const name = owner?.name ?? null;
  if (notReady !== null) {
    return notReady.map(({ shardId, phase }) => ({ shard: shardId, node: name, phase, reason: null }));
  }
  const reason = owner === undefined
    ? "no node owns it"
    : owner.leaseLeftMs === null
    ? "its node does not answer"
    : "its node does not run it";
  return shardIds.map((shard) => ({ shard, node: name, phase: null, reason }));
}
