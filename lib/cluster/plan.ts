import type { Board } from "./board.ts";

/** What the cluster is to run. */
export interface Plan {
  /** How many shards there are. */
  readonly shardCount: number;
  /** How many neighbouring shards a lease covers, and a stream holds the events of. */
  readonly shardsPerLease: number;
  /** Which set of shards runs; they are counted from 1. */
  readonly generation: number;
  /** The newest set there has been, also one that was called off: its number is never given to another one. */
  readonly latest: number;
  /** The set that is to replace this one, where there is one. */
  readonly next: NextPlan | null;
  /** The set that this one has replaced, where there was one. */
  readonly previous: PreviousPlan | null;
}

/** A set of shards that is gone, but for its events. */
export interface PreviousPlan {
  /** How many shards there were. */
  readonly shardCount: number;
  /** When the set after it was told to keep what it receives, in milliseconds since 1970 by the clock of NATS. */
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
  const plan: Plan = { shardCount, shardsPerLease, generation: 1, latest: 1, next: null, previous: null };
  if (planOf(board) === undefined) await board.write(PLAN_KEY, plan, 0);
  return planOf(board) ?? plan;
}

/**
 * Calls a rescale off, as long as that is possible.
 *
 * @throws {Error} Rejects where the server cannot be asked.
 */
export async function callOff(board: Board, id: string): Promise<void> {
  for (;;) {
    const plan = planOf(board);
    if (plan?.next?.id !== id || plan.next.phase !== "warming") return;
    if (await board.write(PLAN_KEY, { ...plan, next: null })) return;
  }
}

/** Whether leases of a set are of no use any more: it was replaced, or called off. */
export function isOver({ generation, latest, next }: Plan, set: number): boolean {
  return set !== generation && set <= latest && (next === null || set !== latest);
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

/** What the keys of leases begin with. */
export const LEASE_PREFIX = "lease.";

/** The key of a lease. */
export function leaseKeyOf(generation: number, lease: number): string {
  return `${LEASE_PREFIX}${generation}.${lease}`;
}
