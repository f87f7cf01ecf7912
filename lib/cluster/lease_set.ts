import type { Board } from "./board.ts";
import { leaseCount } from "./names.ts";
import { LEASE_PREFIX, leaseKeyOf, type LeaseRecord, type LeaseState, type Plan } from "./plan.ts";

/** One set of shards, and its leases as they are on the board now. */
export interface LeaseSet {
  /** Which set. */
  readonly generation: number;
  /** How many shards it has. */
  readonly shardCount: number;
  /** How many leases. */
  readonly count: number;
  /** Whether it is to replace another one. */
  readonly isNext: boolean;
  /** The records by lease. */
  readonly records: ReadonlyMap<number, LeaseRecord>;
  /** When each record was seen, on the monotonic clock. */
  readonly seenAt: ReadonlyMap<number, number>;
  /** The revisions, also of what is not there: those that a decision is made on. */
  readonly revisions: readonly number[];
}

/** The sets that a plan has: the one that runs, and the one that is to replace it. */
export function setsOf(board: Board, { generation, latest, shardCount, shardsPerLease, next }: Plan): LeaseSet[] {
  const sets = [setOf(board, { generation, shardCount, shardsPerLease, isNext: false })];
  if (next !== null) {
    sets.push(setOf(board, { generation: latest, shardCount: next.shardCount, shardsPerLease, isNext: true }));
  }
  return sets;
}

function setOf(
  board: Board,
  { generation, shardCount, shardsPerLease, isNext }: Pick<Plan, "generation" | "shardCount" | "shardsPerLease"> & {
    isNext: boolean;
  },
): LeaseSet {
  const count = leaseCount(shardCount, shardsPerLease);
  const records = new Map<number, LeaseRecord>();
  const seenAt = new Map<number, number>();
  for (const [lease, record, entry] of board.under<LeaseRecord>(`${LEASE_PREFIX}${generation}.`)) {
    records.set(Number(lease), record);
    seenAt.set(Number(lease), entry.seenAt);
  }
  const revisions = Array.from({ length: count }, (_, lease) => board.revisionOf(leaseKeyOf(generation, lease)));
  return { generation, shardCount, count, isNext, records, seenAt, revisions };
}

/** Whether all leases of a set are as far. */
export function isAll({ count, records }: LeaseSet, state: LeaseState): boolean {
  for (let lease = 0; lease < count; lease++) if (records.get(lease)?.state !== state) return false;
  return true;
}
