import { jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { SessionStore } from "../session_store.ts";
import type { Shard } from "../shard.ts";
import { Board } from "./board.ts";
import type { ClusterNodeEvents } from "./cluster_events.ts";
import { ClusterIdentifyQueue } from "./cluster_identify_queue.ts";
import type { ClusterNodeOptions } from "./cluster_node_options.ts";
import { EventStream } from "./event_stream.ts";
import { LeaseKeeper, type LeasePlace } from "./lease_keeper.ts";
import { LeaseRunner } from "./lease_runner.ts";
import type { LeaseMode } from "./lease_runner_options.ts";
import { LossCount } from "./losses.ts";
import { isRenewal, Membership } from "./membership.ts";
import type { ClusterNames } from "./names.ts";
import { onConnectionChange, openBucket } from "./nats.ts";
import { leaseReport, serveReports } from "./node_report.ts";
import { ensurePlan, planOf } from "./plan.ts";
import { RescaleSteps } from "./rescale_steps.ts";

/** What a {@linkcode NodeLife} works with. */
export interface NodeLifeOptions {
  /** The node's options. */
  options: ClusterNodeOptions;
  /** What everything is called. */
  names: ClusterNames;
  /** Makes a shard, whose events reach nobody yet. */
  makeShard: (shardId: number, shardCount: number, sessionStore: SessionStore, queue: ClusterIdentifyQueue) => Shard;
  /** Lets a shard's events reach the node's listeners. */
  attach: (shard: Shard) => void;
  /** Called with the error that a shard of a set of shards cannot go on after. */
  onCritical: (generation: number, error: Error) => void;
  /** Tells on the node's dispatcher. */
  emit: <Name extends keyof ClusterNodeEvents>(name: Name, data: ClusterNodeEvents[Name]) => void;
}

/** How long an acknowledgement of the stream may take, in milliseconds. */
const ACK_TIMEOUT_MS = 5_000;

/** How long a session can be resumed once its connection was lost, in milliseconds: Discord says no number. */
const SESSION_LIFE_MS = 180_000;

/** How long message ids are remembered at least where nobody says otherwise, in milliseconds. */
const DUPLICATE_WINDOW_MS = 300_000;

/** What a node consists of from when it joins to when it has left. */
export class NodeLife {
  readonly #parts: NodeLifeOptions;
  readonly #sessions: KV;
  readonly #manager: JetStreamManager;
  readonly #over = new AbortController();
  readonly #left = new AbortController();
  /** What all nodes agree on. */
  readonly board: Board;
  /** Being one of them. */
  readonly membership: Membership;
  /** Whose turn it is to identify. */
  readonly queue: ClusterIdentifyQueue;
  /** What this node owns. */
  readonly keeper: LeaseKeeper;

  private constructor(parts: NodeLifeOptions, board: Board, sessions: KV, manager: JetStreamManager) {
    const { options: { name = "node", identifyReserve = 0 }, emit } = parts;
    const leaseMs = leaseMsOf(parts.options);
    const onError = (error: unknown) => emit("cluster_error", { error });
    this.#parts = parts;
    this.#sessions = sessions;
    this.#manager = manager;
    this.board = board;
    this.membership = new Membership({
      board,
      name,
      leaseMs,
      onFence: () => {
        this.keeper.fence();
        emit("node_fenced", { id: this.membership.id });
      },
      onValid: () => {
        for (const runner of this.keeper.runners) runner.reconnected();
        this.keeper.ask();
      },
      onError,
    });
    this.queue = new ClusterIdentifyQueue({
      board,
      nodeId: () => this.membership.id,
      isMember: (id) => this.membership.has(id),
      reserve: identifyReserve,
      onLimited: (limited) => emit("identify_limited", limited),
      onError,
    });
    const steps = new RescaleSteps({
      board,
      nodeId: () => this.membership.id,
      readSince: (lease, atMs, shardIds) => this.#streamOf(lease).since(atMs, shardIds),
      emit,
    });
    this.keeper = new LeaseKeeper({
      board,
      membership: this.membership,
      intervalMs: leaseMs / 4,
      makeRunner: (place, mode) => this.#makeRunner(place, mode),
      onRound: async (keeper) => {
        await steps.take(keeper);
        await board.tidy(this.membership.takers.toSorted()[0] === this.membership.id);
      },
      emit,
    });
  }

  /** Opens what is needed of NATS. The node has not joined then. */
  static async open(parts: NodeLifeOptions): Promise<NodeLife> {
    const { options: { nats, stream: { replicas = 1 } = {} }, names } = parts;
    const timeoutMs = requestTimeoutOf(leaseMsOf(parts.options));
    const manager = await jetstreamManager(nats, { timeout: timeoutMs });
    const sessions = await openBucket(jetstream(nats, { timeout: timeoutMs }), names.sessions, replicas);
    return new NodeLife(parts, await Board.open(nats, names.board, { replicas, timeoutMs }), sessions, manager);
  }

  /** Joins, and takes a share of the leases from then on; `shards` is how many the first node of a cluster takes. */
  async join(shards: number): Promise<void> {
    const { options: { nats, shardCount = shards, shardsPerLease = 1 }, names } = this.#parts;
    const { signal } = this.#over;
    await this.membership.join();
    await ensurePlan(this.board, shardCount, shardsPerLease);
    onConnectionChange(nats, {
      onDisconnect: () => {
        for (const runner of this.keeper.runners) runner.disconnected();
      },
      onReconnect: () => {
        // Nobody could be seen to renew meanwhile.
        this.board.touch();
        this.membership.renew();
        for (const runner of this.keeper.runners) runner.reconnected();
      },
      // What is left to be published when it leaves needs to know as well.
    }, this.#left.signal);
    // Whoever does not renew any more is found in a round that nobody asks for.
    this.board.onChange((change) => {
      if (!isRenewal(change)) this.keeper.ask();
    }, signal);
    serveReports({
      nats,
      subject: names.report,
      report: () => ({
        id: this.membership.id,
        leaseLeftMs: Math.round(this.membership.leftMs),
        leases: Array.from(this.keeper.held, leaseReport),
      }),
      signal: this.#left.signal,
    });
    this.keeper.ask();
  }

  /** Leaves: hands everything over, or with `cleanup` ends the sessions. */
  async leave(cleanup: boolean): Promise<void> {
    this.#over.abort();
    await Promise.all([this.membership.announceLeave(), this.keeper.leave(cleanup)]);
    this.#left.abort();
    await this.queue[Symbol.asyncDispose]();
    await this.membership.leave();
    await this.board[Symbol.asyncDispose]();
  }

  #streamOf(lease: number): EventStream {
    const { options, names } = this.#parts;
    // An option that is there and undefined is one that was left out.
    const { duplicateWindowMs = Math.max(DUPLICATE_WINDOW_MS, SESSION_LIFE_MS + leaseMsOf(options)) } =
      options.stream ?? {};
    return new EventStream(this.#manager, names, lease, planOf(this.board)?.shardsPerLease ?? 1, {
      ...options.stream,
      duplicateWindowMs,
    });
  }

  #makeRunner({ lease, generation, shardIds, shardCount, epoch }: LeasePlace, mode: LeaseMode): LeaseRunner {
    const { options, names, makeShard, attach, onCritical, emit } = this.#parts;
    const { nats, events, maxPending = 10_000, publishWindow = 256 } = options;
    const losses = new LossCount({
      board: this.board,
      shardCount,
      onError: (error) => emit("cluster_error", { error }),
    });
    return new LeaseRunner({
      nats,
      names,
      sessions: this.#sessions,
      stream: this.#streamOf(lease),
      shardIds,
      epoch,
      makeShard: (shardId, sessionStore) => makeShard(shardId, shardCount, sessionStore, this.queue),
      attach,
      mode,
      isValid: () => this.membership.isValid,
      events: events === undefined ? null : new Set(events),
      maxPending,
      publishWindow,
      ackTimeoutMs: ACK_TIMEOUT_MS,
      count: (loss, signal) => losses.add(loss, signal),
      emit,
      onCritical: (error) => onCritical(generation, error),
    });
  }
}

function leaseMsOf({ leaseMs = 10_000 }: ClusterNodeOptions): number {
  return leaseMs;
}

/** A request that is lost with a server has to be tried again well within a lease. */
function requestTimeoutOf(leaseMs: number): number {
  return Math.min(5_000, Math.max(250, leaseMs / 5));
}
