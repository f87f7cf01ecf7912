import { jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { attempt } from "../attempt.ts";
import { invalidState } from "../check.ts";
import { Dispatcher } from "../dispatcher.ts";
import { listenerErrorTo } from "../listener_error.ts";
import type { GatewayEvents } from "../payload.ts";
import { checkShardId, shardIdOf } from "../sharding.ts";
import { Board } from "./board.ts";
import { checkClusterWorkerOptions, type ClusterWorkerOptions } from "./cluster_worker_options.ts";
import { EventHandler } from "./event_handler.ts";
import { ClusterNames, leaseOf } from "./names.ts";
import { isMissing, openBucket } from "./nats.ts";
import { leaseKeyOf, type LeaseRecord, planOf } from "./plan.ts";
import { RemoteShard } from "./remote_shard.ts";
import { Rounds } from "./rounds.ts";
import { StreamConsumer } from "./stream_consumer.ts";
import type { ClusterWorkerEvents } from "./worker_events.ts";

/** What a worker has from `connect()` to its end. */
interface Life {
  readonly board: Board;
  readonly manager: JetStreamManager;
  readonly handler: EventHandler;
  readonly rounds: Rounds;
  readonly consumers: Map<string, StreamConsumer>;
}

/** How often to look for streams that are new, in milliseconds. */
const LOOK_MS = 2_000;

/**
 * How long it is remembered that an event failed or was tried, in milliseconds: longer than NATS is away, and not so long
 * that the notes of a listener that always fails fill its memory.
 */
const TRIED_MS = 3_600_000;

/** How long NATS may take to answer, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * One of the processes that handle the events of a cluster: any number of them, on any machine, share what the nodes
 * publish. An event that a worker did not finish, because a listener failed or the worker died, is delivered again.
 */
export class ClusterWorker implements AsyncDisposable {
  readonly #options: ClusterWorkerOptions;
  readonly #names: ClusterNames;
  readonly #lifetime = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  readonly #failures = new WeakMap<Event, { error: unknown }>();
  #life: Life | null = null;
  #connecting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  /** The events, as from a `ShardManager`. An event is done with when all listeners are. */
  readonly eventDispatcher: Dispatcher<GatewayEvents>;
  /** What the worker tells about itself. */
  readonly dispatcher: Dispatcher<ClusterWorkerEvents>;

  /**
   * Makes a worker that is not connected yet.
   *
   * @throws {TypeError} If the application's or the group's name cannot be part of a subject.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(options: ClusterWorkerOptions) {
    checkClusterWorkerOptions(options);
    this.#options = options;
    this.#names = new ClusterNames(options.app ?? "bot");
    const { signal } = this.#lifetime;
    this.dispatcher = new Dispatcher<ClusterWorkerEvents>({ signal });
    const report = listenerErrorTo(this.dispatcher);
    this.eventDispatcher = new Dispatcher<GatewayEvents>({
      signal,
      onListenerError: (error, event) => {
        this.#failures.set(event, { error });
        report(error, event);
      },
    });
    this.#closed.promise.catch(() => {});
  }

  /** How many events are being handled. */
  get running(): number {
    return this.#life?.handler.running ?? 0;
  }

  /** Resolves after {@linkcode close}. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * Begins to take events; add the listeners first.
   *
   * @throws {DOMException} Rejects with InvalidStateError if that was called before.
   * @throws {Error} Rejects where NATS cannot be asked.
   */
  connect(): Promise<void> {
    if (this.#connecting !== null || this.#closing !== null) {
      return attempt(() => Promise.reject(invalidState("connect: the worker was connected before")));
    }
    return this.#connecting = attempt(() => this.#connect());
  }

  /** Takes no more events, and waits for the listeners of those it has. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * The shard that receives a guild's events, whichever node owns it.
   *
   * @throws {TypeError} If the guild id is not a snowflake.
   * @throws {DOMException} InvalidStateError, while no node has ever joined the cluster.
   */
  shardFor(guildId: string | bigint): RemoteShard {
    shardIdOf(guildId, this.#shardCount);
    return this.#remote(() => shardIdOf(guildId, this.#shardCount));
  }

  /**
   * A shard by its id.
   *
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If there is no such shard.
   * @throws {DOMException} InvalidStateError, while no node has ever joined the cluster.
   */
  shard(shardId: number): RemoteShard {
    checkShardId(shardId, this.#shardCount);
    return this.#remote(() => shardId);
  }

  get #shardCount(): number {
    const plan = this.#life === null ? undefined : planOf(this.#life.board);
    if (plan !== undefined) return plan.shardCount;
    throw invalidState("find a shard: the cluster has none yet, or is not connected");
  }

  #remote(shardId: () => number): RemoteShard {
    const { board } = this.#life as Life;
    return new RemoteShard({
      nats: this.#options.nats,
      shardId,
      subjectOf: (id) => this.#names.command(id),
      ownerOf: (id) => {
        const plan = planOf(board);
        if (plan === undefined) return null;
        const record = board.get<LeaseRecord>(leaseKeyOf(plan.generation, leaseOf(id, plan.shardsPerLease)));
        return record === undefined ? null : `${record.node} ${record.epoch}`;
      },
      onChange: (listener, signal) => board.onChange(listener, signal),
    });
  }

  async #connect(): Promise<void> {
    const { nats, signal, replicas = 1, ackWaitMs = 30_000 } = this.#options;
    signal?.addEventListener("abort", () => void this.close(), { once: true, signal: this.#lifetime.signal });
    signal?.throwIfAborted();
    const manager = await jetstreamManager(nats);
    await this.#ensureDeadStream(manager);
    // To make it may take longer than anything after that: servers have to agree on who leads it.
    await openBucket(jetstream(nats, { timeout: TIMEOUT_MS }), this.#names.tried, replicas, TRIED_MS);
    // What is answered later than that is answered when others take this worker for dead; a second is given in any case.
    const client = jetstream(nats, { timeout: Math.min(TIMEOUT_MS, Math.max(1_000, ackWaitMs)) });
    const tried = await openBucket(client, this.#names.tried, replicas, TRIED_MS);
    const board = await Board.open(nats, this.#names.board, { replicas, timeoutMs: TIMEOUT_MS });
    const handler = this.#makeHandler(tried);
    const life: Life = this.#life = {
      board,
      manager,
      handler,
      rounds: new Rounds({
        round: () => this.#look(life),
        onError: (error) => this.dispatcher.dispatch("cluster_error", { error }),
      }),
      consumers: new Map<string, StreamConsumer>(),
    };
    life.rounds.ask();
  }

  /** One that is there stays as somebody has set it up. */
  async #ensureDeadStream({ streams }: JetStreamManager): Promise<void> {
    const { replicas = 1 } = this.#options;
    const name = this.#names.deadStream;
    try {
      await streams.info(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await streams.add({ name, subjects: [this.#names.dead()], num_replicas: replicas });
    }
  }

  #makeHandler(tried: KV): EventHandler {
    const { nats, group = "workers", concurrency = 64, maxDeliver = 5, ackWaitMs = 30_000 } = this.#options;
    return new EventHandler({
      nats,
      names: this.#names,
      tried,
      group,
      concurrency,
      maxDeliver,
      ackWaitMs,
      eventDispatcher: this.eventDispatcher,
      failureOf: (event) => this.#failures.get(event),
      emit: (name, data) => this.dispatcher.dispatch(name, data as never),
      closing: this.#over.signal,
      signal: this.#lifetime.signal,
    });
  }

  /** Takes up the streams that are new. */
  async #look({ manager, handler, consumers }: Life): Promise<number> {
    const { nats, group = "workers", ackWaitMs = 30_000, concurrency = 64, ordered = false } = this.#options;
    const names: string[] = [];
    for await (const name of manager.streams.names(this.#names.allEvents)) names.push(name);
    for (const name of names) {
      if (consumers.has(name) || this.#closing !== null) continue;
      consumers.set(
        name,
        new StreamConsumer({
          nats,
          manager,
          stream: name,
          group,
          ackWaitMs,
          maxAckPending: ordered ? 1 : 10_000,
          // Enough to be busy while the next come, and no more: what waits here no other worker gets.
          prefetch: ordered ? 1 : Math.min(256, Math.max(8, Math.ceil(2 * concurrency / names.length))),
          onMessage: (message, signal) => handler.take(message, signal),
          onError: (error) => this.dispatcher.dispatch("cluster_error", { error }),
        }),
      );
    }
    return LOOK_MS;
  }

  async #close(): Promise<void> {
    this.#over.abort();
    await this.#connecting?.catch(() => {});
    if (this.#life !== null) {
      const { board, rounds, handler, consumers } = this.#life;
      await rounds[Symbol.asyncDispose]();
      await Promise.all(Array.from(consumers.values(), (consumer) => consumer.close()));
      await handler.finish();
      await this.#options.nats.flush().catch(() => {});
      await board[Symbol.asyncDispose]();
    }
    this.#lifetime.abort(new DOMException("The worker was closed", "AbortError"));
    this.#closed.resolve();
  }
}
