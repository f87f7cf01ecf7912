import { assign } from "./assign.ts";
import type { Board } from "./board.ts";
import type { ClusterNodeEvents } from "./cluster_events.ts";
import type { LeaseRunner } from "./lease_runner.ts";
import type { LeaseMode } from "./lease_runner_options.ts";
import { type LeaseSet, setsOf } from "./lease_set.ts";
import type { Membership } from "./membership.ts";
import { shardsOf } from "./names.ts";
import { isOver, LEASE_PREFIX, leaseKeyOf, type LeaseRecord, type LeaseState, type Plan, planOf } from "./plan.ts";
import { Rounds } from "./rounds.ts";

/** A lease of one set of shards. */
export interface LeasePlace {
  /** Its key on the board. */
  readonly key: string;
  /** Which set of shards. */
  readonly generation: number;
  /** How many shards the set has. */
  readonly shardCount: number;
  /** The lease. */
  readonly lease: number;
  /** Its shards. */
  readonly shardIds: number[];
  /** Grows with every owner. */
  readonly epoch: number;
  /** How far it was when this node took it. */
  readonly state: LeaseState;
}

/** A lease that this node owns, and runs. */
export interface HeldLease {
  /** Which. */
  readonly place: LeasePlace;
  /** What runs it. */
  readonly runner: LeaseRunner;
  /** When this node took it, on the monotonic clock. */
  readonly heldSince: number;
}

/** Options of a {@linkcode LeaseKeeper}. */
export interface LeaseKeeperOptions {
  /** Where the leases are. */
  board: Board;
  /** This node's membership. */
  membership: Membership;
  /** How often to look after others, in milliseconds. */
  intervalMs: number;
  /** Makes what runs the shards of a lease. */
  makeRunner: (place: LeasePlace, mode: LeaseMode) => LeaseRunner;
  /** Called in every round, after the leases were seen to. */
  onRound: (keeper: LeaseKeeper) => Promise<void>;
  /** Told of what the node's dispatcher tells. */
  emit: <Name extends keyof ClusterNodeEvents>(name: Name, data: ClusterNodeEvents[Name]) => void;
}

/** Sees to it that this node owns its share of the leases, and runs what it owns and nothing else. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #rounds: Rounds;
  readonly #held = new Map<string, HeldLease>();
  /** What is ending: its key is taken until then. */
  readonly #ending = new Map<string, { readonly held: HeldLease; readonly ended: Promise<void> }>();
  #isLeaving = false;

  /** Makes a keeper that owns nothing. */
  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    const onError = (error: unknown) => options.emit("cluster_error", { error });
    this.#rounds = new Rounds({ round: () => this.#round(), onError });
  }

  /** What this node owns. */
  get held(): Iterable<HeldLease> {
    return this.#held.values();
  }

  /** What runs here, also what is about to end. */
  get runners(): LeaseRunner[] {
    const ending = Array.from(this.#ending.values(), ({ held }) => held);
    return [...this.#held.values(), ...ending].map(({ runner }) => runner);
  }

  /** Looks again at what there is to do. */
  ask(): void {
    this.#rounds.ask();
  }

  /** Whether this node owns it still. */
  holds({ place, runner }: HeldLease): boolean {
    return this.#held.get(place.key)?.runner === runner;
  }

  /** Says who has a lease that this node owns, and how far it is where that has changed. */
  async mark({ key, epoch }: LeasePlace, node: string | null, state?: LeaseState): Promise<void> {
    const { board } = this.#options;
    for (;;) {
      const record = board.get<LeaseRecord>(key);
      if (record?.epoch !== epoch) return;
      if (await board.write(key, { node, epoch, state: state ?? record.state } satisfies LeaseRecord)) return;
    }
  }

  /** Closes everything at once: none of it may be owned any more. */
  fence(): void {
    // What is being handed over is connected still.
    for (const { held } of this.#ending.values()) void held.runner.fence();
    for (const held of this.#held.values()) this.#lose(held);
  }

  /** Hands everything over, and owns nothing any more. */
  async leave(cleanup: boolean): Promise<void> {
    this.#isLeaving = true;
    await this.#rounds[Symbol.asyncDispose]();
    for (const held of this.#held.values()) this.#handOver(held, cleanup);
    await Promise.all(Array.from(this.#ending.values(), ({ ended }) => ended));
  }

  /** Lets go of one that has nothing left to run, or will not when the promise has settled. */
  retire(held: HeldLease, ending: Promise<void> = Promise.resolve()): void {
    if (this.holds(held)) this.#end(held, ending);
  }

  async #round(): Promise<number> {
    const { board, membership, intervalMs, onRound } = this.#options;
    await membership.removeDead();
    const plan = planOf(board);
    if (plan === undefined || !membership.isValid || this.#isLeaving) return intervalMs;
    for (const set of setsOf(board, plan)) await this.#follow(set, plan.shardsPerLease);
    await onRound(this);
    await this.#sweep(plan);
    return intervalMs;
  }

  /** Removes what sets of shards that are over have left, also that of nodes that died before they could. */
  async #sweep(plan: Plan): Promise<void> {
    const { board, membership } = this.#options;
    for (const [rest, { node }, { seenAt, revision }] of [...board.under<LeaseRecord>(LEASE_PREFIX)]) {
      const key = LEASE_PREFIX + rest;
      if (!isOver(plan, Number.parseInt(rest)) || this.#held.has(key) || this.#ending.has(key)) continue;
      if (node === null || node === membership.id || membership.isGone(node, seenAt)) await board.remove(key, revision);
    }
  }

  async #follow(set: LeaseSet, shardsPerLease: number): Promise<void> {
    const { membership } = this.#options;
    const { generation, shardCount, count, records } = set;
    const owners = new Map<number, string>();
    for (const [lease, { node }] of records) {
      if (node !== null && !membership.isGone(node, set.seenAt.get(lease) ?? 0)) owners.set(lease, node);
    }
    const desired = assign(count, owners, membership.takers);
    for (let lease = 0; lease < count; lease++) {
      const record = records.get(lease);
      if (record?.state === "done") continue;
      const place = {
        key: leaseKeyOf(generation, lease),
        generation,
        shardCount,
        lease,
        shardIds: shardsOf(lease, shardsPerLease, shardCount),
        epoch: record?.epoch ?? 0,
        state: record?.state ?? (set.isNext ? "warming" : "running"),
      };
      await this.#see(place, set, owners.get(lease), desired.get(lease) === membership.id);
    }
  }

  async #see(place: LeasePlace, set: LeaseSet, owner: string | undefined, isWanted: boolean): Promise<void> {
    const { board, membership } = this.#options;
    const held = this.#held.get(place.key);
    const isOwner = owner === membership.id;
    if (held !== undefined && (!isOwner || held.place.epoch !== place.epoch)) this.#lose(held);
    else if (held !== undefined && !isWanted && held.runner.isMovable) this.#handOver(held, false);
    else if (held === undefined && isWanted && !this.#ending.has(place.key)) {
      if (owner !== undefined && !isOwner) return;
      // What this node owned before it was fenced it claims as well: whatever is left of that owner counts no more. One
      // that was ready is begun again, since its replay brings what was left to others.
      const claimed = { ...place, epoch: place.epoch + 1, state: stateOfClaim(place.state, set.isNext) };
      const record: LeaseRecord = { node: membership.id, epoch: claimed.epoch, state: claimed.state };
      if (await board.write(place.key, record, set.revisions[place.lease]) && membership.isValid) this.#run(claimed);
    } else if (held === undefined && isOwner && !this.#ending.has(place.key)) {
      // A write that failed, or a fence, has left it this node's, and whoever is to have it waits.
      const record: LeaseRecord = { node: null, epoch: place.epoch, state: place.state };
      await board.write(place.key, record, set.revisions[place.lease]);
    }
  }

  #run(place: LeasePlace): void {
    const { makeRunner, emit } = this.#options;
    const runner = makeRunner(place, modeOf(place.state));
    const held = { place, runner, heldSince: performance.now() };
    this.#held.set(place.key, held);
    emit("lease_claimed", { lease: place.lease, shardIds: place.shardIds });
    runner.start().then(() => this.ask(), (error) => {
      emit("cluster_error", { error });
      if (this.holds(held)) this.#lose(held);
    });
  }

  #lose(held: HeldLease): void {
    const { lease, shardIds } = held.place;
    this.#end(held, held.runner.fence());
    this.#options.emit("lease_released", { lease, shardIds, reason: "lost" });
  }

  #handOver(held: HeldLease, cleanup: boolean): void {
    const { lease, shardIds } = held.place;
    this.#end(
      held,
      (async () => {
        await held.runner.handOver(cleanup);
        await this.mark(held.place, null);
        this.#options.emit("lease_released", { lease, shardIds, reason: "handed over" });
      })(),
    );
  }

  #end(held: HeldLease, ending: Promise<void>): void {
    const { key } = held.place;
    this.#held.delete(key);
    const ended = ending.catch((error) => this.#options.emit("cluster_error", { error })).finally(() => {
      this.#ending.delete(key);
      this.ask();
    });
    this.#ending.set(key, { held, ended });
  }
}

function stateOfClaim(state: LeaseState, isNext: boolean): LeaseState {
  return isNext && state === "ready" ? "warming" : state;
}

function modeOf(state: LeaseState): LeaseMode {
  if (state === "running") return "live";
  return state === "keeping" ? "keeping" : "silent";
}
