import type { Board } from "./board.ts";
import type { ClusterNodeEvents } from "./cluster_events.ts";
import type { HeldLease, LeaseKeeper } from "./lease_keeper.ts";
import { SKEW_MS } from "./lease_runner.ts";
import { isAll, type LeaseSet, setsOf } from "./lease_set.ts";
import { leaseOf } from "./names.ts";
import { isOver, type LeaseRecord, type Plan, PLAN_KEY, planOf } from "./plan.ts";
import { predecessorsOf, PublishedCopies } from "./takeover.ts";

/** Options of {@linkcode RescaleSteps}. */
export interface RescaleStepsOptions {
  /** Where the plan and the leases are. */
  board: Board;
  /** This node's id. */
  nodeId: () => string;
  /** Reads what shards of a lease have published since a time. */
  readSince: (lease: number, atMs: number, shardIds: ReadonlySet<number>) => AsyncIterable<Uint8Array>;
  /** Told of what the node's dispatcher tells. */
  emit: <Name extends keyof ClusterNodeEvents>(name: Name, data: ClusterNodeEvents[Name]) => void;
}

/**
 * Replaces one set of shards by another, step by step. Every node takes the steps of what it owns, and whichever sees
 * that all have been taken goes on to the next: no node leads, and none has to live on.
 *
 * 1. The new shards come up, silently.
 * 2. When all of them have their guilds, they keep what they receive.
 * 3. When all of them do, the old ones publish what they still receive for a while, and end.
 * 4. When all of those are gone, the new ones drop what the old ones have published, publish the rest and go on.
 */
export class RescaleSteps {
  readonly #options: RescaleStepsOptions;
  /** What is being done about a lease: it takes a while, and is done once. */
  readonly #busy = new WeakSet<HeldLease>();

  /** Makes the steps of one node. */
  constructor(options: RescaleStepsOptions) {
    this.#options = options;
  }

  /** Takes the steps that are due. */
  async take(keeper: LeaseKeeper): Promise<void> {
    const { board } = this.#options;
    const plan = planOf(board);
    if (plan === undefined) return;
    const [current, next] = setsOf(board, plan) as [LeaseSet, LeaseSet?];
    for (const held of [...keeper.held]) {
      const state = board.get<LeaseRecord>(held.place.key)?.state;
      const { generation } = held.place;
      // It belongs to a set that is not to come any more.
      if (isOver(plan, generation)) keeper.retire(held, held.runner.handOver(true));
      else if (this.#busy.has(held) || held.runner.shards.size === 0) continue;
      else if (generation === next?.generation) this.#prepare(keeper, held, plan, state);
      else if (state === "keeping") this.#do(held, this.#goLive(keeper, held, plan));
      else if (next !== undefined && state === "running" && isAll(next, "keeping")) {
        this.#do(held, this.#finish(keeper, held));
      }
    }
    if (next !== undefined) await this.#advance(plan, current, next);
  }

  #prepare(keeper: LeaseKeeper, held: HeldLease, { next }: Plan, state: LeaseRecord["state"] | undefined): void {
    const { nodeId } = this.#options;
    if (state === "warming") {
      this.#do(held, held.runner.warm().then(() => keeper.mark(held.place, nodeId(), "ready")));
    } else if (state === "ready" && next?.phase === "switching") {
      this.#do(held, held.runner.keep().then(() => keeper.mark(held.place, nodeId(), "keeping")));
    }
  }

  async #goLive(keeper: LeaseKeeper, held: HeldLease, { previous, shardsPerLease }: Plan): Promise<void> {
    const { nodeId, readSince } = this.#options;
    const { shardIds, shardCount } = held.place;
    const copies = new PublishedCopies();
    if (previous !== null) {
      const old = new Set(shardIds.flatMap((id) => predecessorsOf(id, shardCount, previous.shardCount)));
      for (const lease of new Set([...old].map((id) => leaseOf(id, shardsPerLease)))) {
        for await (const payload of readSince(lease, previous.switchedAt - SKEW_MS, old)) copies.add(payload);
      }
    }
    if (!keeper.holds(held)) return;
    await held.runner.goLive(copies);
    await keeper.mark(held.place, nodeId(), "running");
  }

  async #finish(keeper: LeaseKeeper, held: HeldLease): Promise<void> {
    const { lease, shardIds } = held.place;
    await held.runner.finish();
    await keeper.mark(held.place, null, "done");
    keeper.retire(held);
    this.#options.emit("lease_released", { lease, shardIds, reason: "handed over" });
  }

  async #advance(plan: Plan, current: LeaseSet, next: LeaseSet): Promise<void> {
    const { board, emit } = this.#options;
    if (plan.next === null) return;
    const { phase, shardCount } = plan.next;
    if (phase === "warming" && isAll(next, "ready")) {
      await board.write(PLAN_KEY, { ...plan, next: { ...plan.next, phase: "switching" } });
    } else if (phase === "switching" && isAll(current, "done")) {
      const revision = board.revisionOf(PLAN_KEY);
      // The streams are read from there, so it has to be NATS' time. The plan was written last when it said so.
      const previous = { shardCount: plan.shardCount, switchedAt: await board.writtenAt(PLAN_KEY) };
      const following: Plan = { ...plan, shardCount, generation: next.generation, next: null, previous };
      if (await board.write(PLAN_KEY, following, revision)) emit("cluster_rescaled", { shardCount });
    }
  }

  #do(held: HeldLease, step: Promise<unknown>): void {
    this.#busy.add(held);
    step.catch((error) => {
      // A runner that ends calls off what it was waited for.
      if ((error as Error).name !== "AbortError") this.#options.emit("cluster_error", { error });
    }).finally(() => this.#busy.delete(held));
  }
}
