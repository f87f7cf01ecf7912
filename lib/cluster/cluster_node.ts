import { attempt } from "../attempt.ts";
import { invalidState } from "../check.ts";
import { delay } from "../delay.ts";
import { Dispatcher } from "../dispatcher.ts";
import { listenerErrorTo } from "../listener_error.ts";
import type { GatewayEvents } from "../payload.ts";
import type { SessionStore } from "../session_store.ts";
import { settled } from "../settled.ts";
import { Shard } from "../shard.ts";
import type { ShardEvents } from "../shard_events.ts";
import type { CloseOptions } from "../shard_options.ts";
import type { Board } from "./board.ts";
import type { ClusterNodeEvents } from "./cluster_events.ts";
import type { ClusterIdentifyQueue } from "./cluster_identify_queue.ts";
import { checkClusterNodeOptions, type ClusterNodeOptions } from "./cluster_node_options.ts";
import { ClusterNames } from "./names.ts";
import { NodeLife } from "./node_life.ts";
import { callOff, isOver, planOf } from "./plan.ts";
import { rescaleCluster } from "./rescale_cluster.ts";

/** How long to wait before something is tried again, in milliseconds. */
const RETRY_MS = 250;

/** Options of {@linkcode ClusterNode.rescale}. */
export interface RescaleOptions {
  /** Calls it off, as long as the new shards are not all ready; the old ones go on. */
  signal?: AbortSignal | undefined;
}

/**
 * One of the processes that share a bot's shards. It owns its part of them, publishes their events to JetStream, and
 * gives them up in order when it is closed; what it owned when it died the others take over.
 *
 * Make one in each process, on any number of machines, with the same options.
 */
export class ClusterNode implements AsyncDisposable {
  readonly #options: ClusterNodeOptions;
  readonly #names: ClusterNames;
  readonly #lifetime = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #life: NodeLife | null = null;
  #connecting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #isClosedObserved = false;

  /** What the node and its shards tell about themselves. */
  readonly dispatcher: Dispatcher<ClusterNodeEvents>;
  /**
   * The dispatches that this node receives, before they are published: for what has to happen here. An event counts as
   * handled when its listeners here are done and the stream has it.
   */
  readonly eventDispatcher: Dispatcher<GatewayEvents>;

  /**
   * Makes a node that is not connected yet.
   *
   * @throws {TypeError} If the application's name cannot be part of a subject.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(options: ClusterNodeOptions) {
    checkClusterNodeOptions(options);
    this.#options = options;
    this.#names = new ClusterNames(options.app ?? "bot");
    this.dispatcher = new Dispatcher<ClusterNodeEvents>({ signal: this.#lifetime.signal });
    this.eventDispatcher = new Dispatcher<GatewayEvents>({
      signal: this.#lifetime.signal,
      onListenerError: listenerErrorTo(this.dispatcher),
    });
    this.#closed.promise.catch(() => {});
  }

  /** This node's id in the cluster; `null` before {@linkcode connect}. */
  get id(): string | null {
    return this.#life?.membership.id ?? null;
  }

  /** How many shards the cluster has; `null` before {@linkcode connect}. */
  get shardCount(): number | null {
    return this.#life === null ? null : planOf(this.#life.board)?.shardCount ?? null;
  }

  /** The shards that this node owns now, by their ids. */
  get shards(): ReadonlyMap<number, Shard> {
    return new Map([...this.#life?.keeper.held ?? []].flatMap(({ runner }) => [...runner.shards]));
  }

  /** How many events this node has received that are not in their stream yet. */
  get pending(): number {
    return [...this.#life?.keeper.held ?? []].reduce((sum, { runner }) => sum + runner.pending, 0);
  }

  /** Resolves after {@linkcode close}, and rejects with the error that no shard could go on after. */
  get closed(): Promise<void> {
    this.#isClosedObserved = true;
    return this.#closed.promise;
  }

  /**
   * Joins the cluster; from then on the node takes its share of the shards.
   *
   * @throws {DOMException} Rejects with InvalidStateError if that was called before, with an AbortError if the node is
   * closed meanwhile.
   * @throws {Error} Rejects where NATS or the gateway cannot be asked.
   */
  connect(): Promise<void> {
    if (this.#connecting !== null || this.#closing !== null) {
      return attempt(() => Promise.reject(invalidState("connect: the node was connected before")));
    }
    return this.#connecting = attempt(() => this.#connect());
  }

  /**
   * Changes the number of shards of the whole cluster without downtime: a second set comes up beside the first, on all
   * nodes, and takes over when all of it is ready. No event is lost or published twice. Any node can be asked, and none
   * has to live on: what was begun the others finish.
   *
   * It takes one identify a shard, and as long as they take.
   *
   * @returns Resolves when the new shards have taken over.
   * @throws {RangeError} Rejects if the count is out of range, or is what it is already.
   * @throws {DOMException} Rejects with InvalidStateError before {@linkcode connect}, during another rescale, when fewer
   * identifies are left than it needs, and when it was called off.
   */
  rescale(shardCount: number, options: RescaleOptions = {}): Promise<void> {
    return attempt(async () => {
      if (this.#life === null || this.#closing !== null) throw invalidState("rescale: the node is not connected");
      const { board, queue: { available } } = this.#life;
      const signals = [this.#lifetime.signal, ...options.signal === undefined ? [] : [options.signal]];
      await rescaleCluster({ board, shardCount, available, signals });
    });
  }

  /**
   * Leaves the cluster: hands every shard over, with its session and all its events.
   *
   * @param options With `cleanup: true` the sessions end instead: for when the whole bot goes offline.
   */
  close({ cleanup = false }: CloseOptions = {}): Promise<void> {
    return this.#closing ??= this.#close(cleanup).then(() => this.#closed.resolve());
  }

  /** Leaves the cluster, sessions kept. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #connect(): Promise<void> {
    const { authentication, httpClient, signal: given } = this.#options;
    const { signal } = this.#lifetime;
    given?.addEventListener("abort", () => void this.close(), { once: true, signal });
    given?.throwIfAborted();
    const { shards, session_start_limit: limits } = await httpClient.getGatewayBot(authentication, { signal });
    const life = await NodeLife.open({
      options: this.#options,
      names: this.#names,
      makeShard: (...parts) => this.#makeShard(...parts),
      attach: (shard) => shard.eventDispatcher.parent = this.eventDispatcher,
      onCritical: (generation, error) => this.#onCritical(life.board, generation, error),
      emit: (name, data) => this.#emit(name, data),
    });
    try {
      await life.queue.updateBudget(limits);
      signal.throwIfAborted();
      await life.join(shards);
    } catch (error) {
      await life.leave(false);
      throw error;
    }
    this.#life = life;
    this.#emit("node_joined", { id: life.membership.id });
  }

  #makeShard(
    shardId: number,
    shardCount: number,
    sessionStore: SessionStore,
    queue: ClusterIdentifyQueue,
  ): Shard {
    const { intents, authentication, httpClient, signal: _, ...options } = this.#options;
    const shard = new Shard(shardId, shardCount, intents, authentication.token, queue, httpClient, {
      ...options,
      sessionStore,
    });
    // It takes what shards tell, and has names of its own besides.
    shard.dispatcher.parent = this.dispatcher as unknown as Dispatcher<ShardEvents>;
    return shard;
  }

  #emit<Name extends keyof ClusterNodeEvents>(name: Name, data: ClusterNodeEvents[Name]): void {
    this.dispatcher.dispatch(name, data as never);
  }

  /** A set of shards that is only coming up, and cannot, leaves the one there is as it was. */
  #onCritical(board: Board, generation: number, error: Error): void {
    const plan = planOf(board);
    // What one of its shards cannot, the others cannot either.
    const isCalledOff = plan !== undefined && isOver(plan, generation);
    const isComingUp = plan?.next?.phase === "warming" && generation !== plan.generation;
    if (!isCalledOff && !isComingUp) return this.#fail(error);
    this.#emit("cluster_error", { error });
    if (isComingUp) void this.#callOff(board, plan.next.id);
  }

  /** Tries until it has succeeded, or the node is closed: nobody else knows that there is no use in going on. */
  async #callOff(board: Board, id: string): Promise<void> {
    const { signal } = this.#lifetime;
    while (!signal.aborted) {
      try {
        return await callOff(board, id);
      } catch (error) {
        this.#emit("cluster_error", { error });
        await settled(delay(RETRY_MS, { signal }));
      }
    }
  }

  /** No shard of this bot can go on: the token is wrong, or an intent is not allowed. */
  #fail(error: Error): void {
    if (this.#closing !== null) return;
    if (!this.#isClosedObserved && !this.dispatcher.hasNamedListeners("critical")) {
      // deno-lint-ignore no-console -- the end of a bot must not pass unnoticed
      console.error("The node ends:", error);
    }
    this.#closing = this.#close(false).then(() => this.#closed.reject(error));
  }

  async #close(cleanup: boolean): Promise<void> {
    this.#lifetime.abort(new DOMException("The node was closed", "AbortError"));
    await this.#connecting?.catch(() => {});
    await this.#life?.leave(cleanup);
  }
}
