import { type JetStreamManager, jetstreamManager, type JsMsg } from "@nats-io/jetstream";
import { attempt } from "../attempt.ts";
import { invalidState } from "../check.ts";
import { Dispatcher } from "../dispatcher.ts";
import { GatewayEvent } from "../gateway_event.ts";
import { listenerErrorTo } from "../listener_error.ts";
import type { GatewayEvents } from "../payload.ts";
import { checkShardId, shardIdOf } from "../sharding.ts";
import { Board } from "./board.ts";
import { checkClusterWorkerOptions, type ClusterWorkerOptions } from "./cluster_worker_options.ts";
import { bury } from "./dead_letter.ts";
import { ClusterNames, leaseOf, parseEventSubject, parseMessageId } from "./names.ts";
import { leaseKeyOf, type LeaseRecord, planOf } from "./plan.ts";
import { RemoteShard } from "./remote_shard.ts";
import { Rounds } from "./rounds.ts";
import { Semaphore } from "./semaphore.ts";
import { unshrink } from "./shrink.ts";
import { StreamConsumer } from "./stream_consumer.ts";
import type { ClusterWorkerEvents, WorkerEventData } from "./worker_events.ts";

/** What a worker has from `connect()` to its end. */
interface Life {
  readonly board: Board;
  readonly manager: JetStreamManager;
  readonly rounds: Rounds;
  readonly consumers: Map<string, StreamConsumer>;
}

/** How often to look for streams that are new, in milliseconds. */
const LOOK_MS = 2_000;

/** How long to wait before an event is delivered again, in milliseconds, times how often it was. */
const RETRY_MS = 500;

/**
 * One of the processes that handle the events of a cluster: any number of them, on any machine, share what the nodes
 * publish. An event that a worker did not finish, because a listener failed or the worker died, is delivered again.
 */
export class ClusterWorker implements AsyncDisposable {
  readonly #options: ClusterWorkerOptions;
  readonly #names: ClusterNames;
  readonly #lifetime = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  readonly #room: Semaphore;
  readonly #alone = new Semaphore(1);
  readonly #failures = new WeakMap<Event, { error: unknown }>();
  #running = new Set<Promise<void>>();
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
    this.#room = new Semaphore(options.concurrency ?? 64);
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
    return this.#running.size;
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
    const { nats, signal, replicas = 1 } = this.#options;
    signal?.addEventListener("abort", () => void this.close(), { once: true, signal: this.#lifetime.signal });
    signal?.throwIfAborted();
    const manager = await jetstreamManager(nats);
    const board = await Board.open(nats, this.#names.board, { replicas, timeoutMs: 5_000 });
    await manager.streams.add({
      name: this.#names.deadStream,
      subjects: [this.#names.dead()],
      num_replicas: replicas,
    });
    const onError = (error: unknown) => this.dispatcher.dispatch("cluster_error", { error });
    const life: Life = this.#life = {
      board,
      manager,
      rounds: new Rounds({ round: () => this.#look(life), onError }),
      consumers: new Map<string, StreamConsumer>(),
    };
    life.rounds.ask();
  }

  /** Takes up the streams that are new. */
  async #look({ manager, consumers }: Life): Promise<number> {
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
          onMessage: (message, signal) => this.#take(message, signal),
          onError: (error) => this.dispatcher.dispatch("cluster_error", { error }),
        }),
      );
    }
    return LOOK_MS;
  }

  /** Begins with an event as soon as there is room; resolves with whether it did. */
  async #take(message: JsMsg, signal: AbortSignal): Promise<boolean> {
    if (!await this.#room.take(signal)) return false;
    const done = this.#handle(message)
      .catch((error) => this.dispatcher.dispatch("cluster_error", { error }))
      .finally(() => {
        this.#room.free();
        this.#running.delete(done);
      });
    this.#running.add(done);
    return true;
  }

  async #handle(message: JsMsg): Promise<void> {
    const { nats, maxDeliver = 5, ackWaitMs = 30_000 } = this.#options;
    const subject = parseEventSubject(message.subject);
    const messageId = message.headers?.get("Nats-Msg-Id") ?? "";
    if (subject === null) return message.term();
    const data = { ...subject, messageId, deliveries: message.info.deliveryCount };
    if (!this.eventDispatcher.hasListeners(data.type)) return message.ack();
    const timer = setInterval(() => {
      if (!nats.isClosed()) message.working();
    }, ackWaitMs / 2);
    try {
      if (data.deliveries > maxDeliver) await this.#tryAlone(message, data);
      else await this.#try(message, data);
    } finally {
      clearInterval(timer);
    }
  }

  async #try(message: JsMsg, data: WorkerEventData): Promise<void> {
    const { maxDeliver = 5 } = this.#options;
    const failure = await this.#dispatch(message, data);
    if (failure === undefined) return message.ack();
    if (data.deliveries >= maxDeliver) return await this.#bury(message, data, failure.error);
    message.nak(RETRY_MS * data.deliveries);
    this.dispatcher.dispatch("event_failed", { ...data, error: failure.error });
  }

  /**
   * Whether an event has ended its workers, or was with them when another one did, shows when it is tried alone. That it
   * is being tried is written down before, for whoever gets it then.
   */
  async #tryAlone(message: JsMsg, data: WorkerEventData): Promise<void> {
    const { group = "workers" } = this.#options;
    const { board } = this.#life as Life;
    const { stream, streamSequence } = message.info;
    const key = `tried.${group}.${stream}.${streamSequence}`;
    await this.#alone.take();
    try {
      const isTried = board.get(key) !== undefined || !await board.write(key, true);
      if (isTried) await this.#bury(message, data, new Error("No worker finished it"));
      else await this.#try(message, data);
      await board.remove(key);
    } finally {
      this.#alone.free();
    }
  }

  async #dispatch(
    message: JsMsg,
    { type, shardId, messageId }: WorkerEventData,
  ): Promise<{ error: unknown } | undefined> {
    const isShrunk = message.headers?.get("Content-Encoding") === "gzip";
    const payload = isShrunk ? await unshrink(message.data) : message.data;
    const { sessionId = null, sequence = null } = parseMessageId(messageId) ?? {};
    const event = new GatewayEvent(type, { shardId, sessionId, sequence, payload });
    this.eventDispatcher.emit(event);
    await event.settled;
    return this.#failures.get(event);
  }

  /** Puts an event aside that cannot be handled, for a human. */
  async #bury(message: JsMsg, data: WorkerEventData, error: unknown): Promise<void> {
    const { nats, group = "workers" } = this.#options;
    await bury(nats, this.#names, { message, data, group, error });
    message.term();
    this.dispatcher.dispatch("dead_letter", { ...data, error });
  }

  async #close(): Promise<void> {
    await this.#connecting?.catch(() => {});
    if (this.#life !== null) {
      const { board, rounds, consumers } = this.#life;
      await rounds[Symbol.asyncDispose]();
      await Promise.all(Array.from(consumers.values(), (consumer) => consumer.close()));
      await Promise.all(this.#running);
      await this.#options.nats.flush().catch(() => {});
      await board[Symbol.asyncDispose]();
    }
    this.#lifetime.abort(new DOMException("The worker was closed", "AbortError"));
    this.#closed.resolve();
  }
}
