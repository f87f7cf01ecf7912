import type { Board } from "./board.ts";

/** What the cluster is to run. */
export interface Plan {
  /** How many shards there are. */
  readonly shardCount: number;
  /** How many neighbouring shards a lease covers, and a stream holds the events of. */
  readonly shardsPerLease: number;
  /** Counts the sets of shards there have been, from 1. */
  readonly generation: number;
  /** The set that is to replace this one, where there is one. */
  readonly next: NextPlan | null;
  /** The set that this one has replaced, where there was one. */
  readonly previous: PreviousPlan | null;
}

/** A set of shards that is gone, but for its events. */
export interface PreviousPlan {
  /** How many shards there were. */
  readonly shardCount: number;
  /** When the set after it began to keep what it received, in milliseconds since 1970. */
  readonly switchedAt: number;
}

/**
 * A set of shards that is to replace another: in `warming` it comes up, silently; from `switching` on it keeps what it
 * receives, while the old set publishes what it has and ends.
 */
export interface NextPlan {
  /** How many shards there will be. */
  readonly shardCount: number;
  /** How far it is. */
  readonly phase: "warming" | "switching";
  /** Tells one rescale from another. */
  readonly id: string;
  /** When `switching` began, in milliseconds since 1970. */
  readonly switchedAt: number | null;
}

/** The key of the plan. */
export const PLAN_KEY = "plan";

/** The plan, or `undefined` where there has never been a node. */
export function planOf(board: Board): Plan | undefined {
  return board.get<Plan>(PLAN_KEY);
}

/**
 * Makes the first plan, unless somebody else has: then that is the one.
 *
 * @throws {Error} Rejects where the server cannot be asked.
 */
export async function ensurePlan(board: Board, shardCount: number, shardsPerLease: number): Promise<Plan> {
  const plan: Plan = { shardCount, shardsPerLease, generation: 1, next: null, previous: null };
  if (planOf(board) === undefined) await board.write(PLAN_KEY, plan, 0);
  return planOf(board) ?? plan;
}

/**
 * How far a lease is:
 *
 * - `running`: its events are published;
 * - `warming`: its shards come up beside those of another set, and their events are left to that;
 * - `ready`: they have come up, and can take over;
 * - `keeping`: what they receive is kept, until those before are done;
 * - `done`: they have been replaced. Nobody needs to own it any more.
 */
export type LeaseState = "running" | "warming" | "ready" | "keeping" | "done";

/** The value of a lease's key. */
export interface LeaseRecord {
  /** The node that owns it; `null` where it was handed over. */
  readonly node: string | null;
  /** Grows with every owner. */
  readonly epoch: number;
  /** How far it is. */
  readonly state: LeaseState;
}

/** The key of a lease. */
export function leaseKeyOf(generation: number, lease: number): string {
  return `lease.${generation}.${lease}`;
}
