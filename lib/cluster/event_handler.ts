import type { JsMsg } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Dispatcher } from "../dispatcher.ts";
import { GatewayEvent } from "../gateway_event.ts";
import type { GatewayEvents } from "../payload.ts";
import { bury } from "./dead_letter.ts";
import { type ClusterNames, parseEventSubject, parseMessageId } from "./names.ts";
import type { NatsConnection } from "./nats.ts";
import { Receipts } from "./receipts.ts";
import { Semaphore } from "./semaphore.ts";
import { unshrink } from "./shrink.ts";
import { type Trial, Trials } from "./trials.ts";
import type { ClusterWorkerEvents, WorkerEventData } from "./worker_events.ts";

/** Options of {@linkcode EventHandler}. */
export interface EventHandlerOptions {
  /** The connection. */
  nats: NatsConnection;
  /** What everything is called. */
  names: ClusterNames;
  /** The bucket of what workers tell one another of events that are hard to handle. */
  tried: KV;
  /** Whose worker it is. */
  group: string;
  /** How many events are handled at once. */
  concurrency: number;
  /** How often the listeners of an event may fail, and how often it may end its workers before it is tried alone. */
  maxDeliver: number;
  /** How long a worker may be silent about an event, in milliseconds. */
  ackWaitMs: number;
  /** Who handles events. */
  eventDispatcher: Dispatcher<GatewayEvents>;
  /** What a listener of an event has thrown. */
  failureOf: (event: Event) => { error: unknown } | undefined;
  /** Tells on the worker's dispatcher. */
  emit: <Name extends keyof ClusterWorkerEvents>(name: Name, data: ClusterWorkerEvents[Name]) => void;
  /** Ends waiting for other workers and for NATS; what listeners have goes on. */
  closing: AbortSignal;
  /** Ends everything. */
  signal: AbortSignal;
}

/** An event that a worker has. */
interface Delivery {
  /** Names it among all of all streams. */
  readonly key: string;
  /** As it came the last time. */
  message: JsMsg;
  /** What it is. */
  readonly data: WorkerEventData;
}

/** How long to wait before an event is delivered again, in milliseconds, times how often it was. */
const RETRY_MS = 500;

/** Handles the events of a worker, from when they come until they are acknowledged, given back or buried. */
export class EventHandler {
  readonly #options: EventHandlerOptions;
  readonly #room: Semaphore;
  readonly #receipts: Receipts;
  readonly #trials: Trials;
  /** What this worker says to be alive about. */
  readonly #deliveries = new Map<string, Delivery>();
  readonly #running = new Set<Promise<void>>();

  /** Makes one that has no events. */
  constructor(options: EventHandlerOptions) {
    this.#options = options;
    const { nats, tried, concurrency, ackWaitMs, emit, closing, signal } = options;
    this.#room = new Semaphore(concurrency);
    this.#receipts = new Receipts(nats, signal);
    const onError = (error: unknown) => emit("cluster_error", { error });
    this.#trials = new Trials({ kv: tried, silenceMs: ackWaitMs, onError, signal: closing });
    const timer = setInterval(() => {
      if (nats.isClosed()) return;
      for (const { message } of this.#deliveries.values()) message.working();
    }, ackWaitMs / 3);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** How many events are being handled. */
  get running(): number {
    return this.#running.size;
  }

  /** Resolves when all that was begun is done. */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Begins with an event as soon as there is room; resolves with whether it did. */
  async take(message: JsMsg, signal: AbortSignal): Promise<boolean> {
    const { group, eventDispatcher } = this.#options;
    const { stream, streamSequence, timestampNanos, deliveryCount } = message.info;
    // With the time: a stream that lost its end, or was made anew, gives numbers again.
    const key = `${group}.${stream}.${streamSequence}.${timestampNanos}`;
    const delivery = this.#deliveries.get(key);
    if (delivery !== undefined) {
      // It was said to be alive too late. Whatever becomes of it counts for this one as well.
      delivery.message = message;
      return true;
    }
    const subject = parseEventSubject(message.subject);
    if (subject === null) message.term();
    else if (this.#receipts.has(key) || !eventDispatcher.hasListeners(subject.type)) message.ack();
    else {
      const messageId = message.headers?.get("Nats-Msg-Id") ?? "";
      return await this.#begin({ key, message, data: { ...subject, messageId, deliveries: deliveryCount } }, signal);
    }
    return true;
  }

  async #begin(delivery: Delivery, signal: AbortSignal): Promise<boolean> {
    const { maxDeliver, ackWaitMs } = this.#options;
    const { key, data } = delivery;
    this.#deliveries.set(key, delivery);
    const isSuspect = data.deliveries > maxDeliver;
    if (isSuspect && await this.#trials.isBegun(key).catch(() => false)) {
      // It needs no room, in which others could not be alone.
      this.#run(delivery, this.#await(delivery));
      return true;
    }
    // The others wait meanwhile, and are not said to be alive.
    const admitOthers = isSuspect ? await this.#room.takeAlone(ackWaitMs / 4, signal) : null;
    if (admitOthers === null && (isSuspect || !await this.#room.take(signal))) {
      this.#deliveries.delete(key);
      return false;
    }
    const handling = admitOthers === null ? this.#try(delivery) : this.#tryAlone(delivery, admitOthers);
    this.#run(delivery, handling.finally(() => this.#room.free()));
    return true;
  }

  #run(delivery: Delivery, handling: Promise<void>): void {
    const done = handling
      .catch((error) => this.#return(delivery, error))
      .finally(() => {
        this.#deliveries.delete(delivery.key);
        this.#running.delete(done);
      });
    this.#running.add(done);
  }

  async #try(delivery: Delivery): Promise<void> {
    const { maxDeliver } = this.#options;
    const { key, data } = delivery;
    const failure = await this.#dispatch(delivery);
    if (failure === undefined) return this.#receipts.acknowledge(key, delivery.message);
    const isFirst = data.deliveries === 1;
    const failures = maxDeliver === 1 ? 1 : await this.#trials.count(key, isFirst).catch((error) => {
      this.#options.emit("cluster_error", { error });
      return 0;
    });
    await this.#fail(delivery, failures, failure.error);
  }

  /**
   * Whether an event has ended its workers, or was with them when another one did, shows when it is tried alone. That it
   * is being tried is written down before, for whoever gets it then.
   */
  async #tryAlone(delivery: Delivery, admitOthers: () => void): Promise<void> {
    // A listener may take as long as it likes, and the others have waited.
    const timer = setTimeout(admitOthers, this.#options.ackWaitMs / 4);
    try {
      const trial = await this.#trials.begin(delivery.key);
      if (trial === null) return this.#return(delivery);
      await this.#finishTrial(delivery, trial);
    } finally {
      clearTimeout(timer);
      admitOthers();
    }
  }

  async #finishTrial(delivery: Delivery, trial: Trial): Promise<void> {
    let { failures } = trial;
    try {
      const failure = await this.#dispatch(delivery);
      if (failure === undefined) return this.#receipts.acknowledge(delivery.key, delivery.message);
      await this.#fail(delivery, ++failures, failure.error);
    } finally {
      await trial.end(failures);
    }
  }

  /** Waits for a worker that tries an event alone, or that has died of it. */
  async #await(delivery: Delivery): Promise<void> {
    const { key } = delivery;
    if (!await this.#trials.isDeadly(key, this.#options.closing)) return this.#return(delivery);
    await this.#bury(delivery, new Error("No worker finished it"));
  }

  async #fail(delivery: Delivery, failures: number, error: unknown): Promise<void> {
    const { maxDeliver, emit } = this.#options;
    if (failures >= maxDeliver) return await this.#bury(delivery, error);
    delivery.message.nak(RETRY_MS * Math.max(1, failures));
    emit("event_failed", { ...delivery.data, error });
  }

  /** Gives an event back, which some worker gets then; where it was acknowledged meanwhile, nobody does. */
  #return({ message, data }: Delivery, error?: unknown): void {
    // What fails without end is not to keep a worker busy.
    message.nak(error === undefined ? RETRY_MS : RETRY_MS * Math.min(data.deliveries, 120));
    if (error !== undefined) this.#options.emit("cluster_error", { error });
  }

  async #dispatch({ message, data }: Delivery): Promise<{ error: unknown } | undefined> {
    const { eventDispatcher, failureOf } = this.#options;
    const { sessionId = null, sequence = null } = parseMessageId(data.messageId) ?? {};
    try {
      const isShrunk = message.headers?.get("Content-Encoding") === "gzip";
      const payload = isShrunk ? await unshrink(message.data) : message.data;
      const event = new GatewayEvent(data.type, { shardId: data.shardId, sessionId, sequence, payload });
      eventDispatcher.emit(event);
      await event.settled;
      return failureOf(event);
    } catch (error) {
      return { error };
    }
  }

  /** Puts an event aside that cannot be handled, for a human. */
  async #bury(delivery: Delivery, error: unknown): Promise<void> {
    const { nats, names, group, emit } = this.#options;
    const { data } = delivery;
    await bury(nats, names, { message: delivery.message, data, group, error });
    delivery.message.term();
    emit("dead_letter", { ...data, error });
  }
}
