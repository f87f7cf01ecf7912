import type { GatewayEvent } from "../gateway_event.ts";
import type { IdentifyLimited } from "../identify_queue.ts";
import type { Shard } from "../shard.ts";
import type { ReconnectingData, RescalingData } from "../shard_events.ts";
import type { ShardManager } from "../shard_manager.ts";
import { History, roundTo, STEP_MS } from "./history.ts";
import { ShardRecord } from "./shard_record.ts";
import { summarize, type Summary } from "./summary.ts";

/** What is to be told to whoever looks on. */
export interface MonitorListener {
  /** Something has changed; `isStep` says that the histories have a new point. */
  onPublish(isStep: boolean, summary: Summary): void;
  /** Nothing will change any more, unless the manager connects again. */
  onEnd(): void;
}

/** A rescale that is under way. */
export interface RescaleProgress {
  /** How many shards the bot is to have in all. */
  shardCount: number;
  /** How many of the new ones are ready. */
  ready: number;
  /** How many this manager is to run. */
  total: number;
}

const TICK_MS = 1_000;

/** How long changes are gathered before they are told, in milliseconds. */
const GATHER_MS = 100;

/**
 * Keeps account of a manager's shards. Nothing is added to the way of an event: once a second it looks how far the
 * sequence number of each session has come.
 *
 * It has timers from the manager's `connect()` to its end, and none outside of that.
 */
export class StatusMonitor implements Disposable {
  readonly manager: ShardManager;
  /** All shards together. */
  readonly history: History = new History();
  /** Counts changes, and says of each record when it changed last. */
  revision = 0;
  /** Counts changes of which shards there are. */
  generation = 0;
  /** Events a second of all shards. */
  rate = 0;
  /** When the manager connected, in milliseconds since 1970; `null` also where it had before this looked. */
  startedAt: number | null = null;
  /** When all shards were ready, or were seen to be. */
  connectedAt: number | null = null;
  /** When identifying goes on, where the budget is used up, in milliseconds since 1970. */
  limitedUntil: number | null = null;
  /** Why the manager failed, or cannot ask for the gateway; not what shards fail for. */
  failure: string | null = null;
  readonly #listeners = new Set<MonitorListener>();
  readonly #listening: Disposable;
  #records: ReadonlyMap<number, ShardRecord> = new Map();
  readonly #incoming = new Map<Shard, ShardRecord>();
  #rescaling: RescalingData | null = null;
  /** From the manager's `connect()` to its end. */
  #life: AbortController | null = null;
  #ticker: ReturnType<typeof setTimeout> | undefined;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #tickAt = 0;
  #stepAt = 0;
  #eventsAtTick = 0;

  constructor(manager: ShardManager) {
    this.manager = manager;
    // For all events: a listener for "critical" by its name would keep the manager from printing what nobody else takes.
    this.#listening = manager.dispatcher.listenAll((event) => this.#onEvent(event));
    // It has shards once it is connected; before that the first event tells.
    if (manager.shards.size > 0) this.#begin(null);
  }

  /** The manager's shards by their ids. */
  get records(): ReadonlyMap<number, ShardRecord> {
    this.#sync();
    return this.#records;
  }

  /** Whether the manager is connected, or about to be. */
  get isAlive(): boolean {
    return this.#life !== null;
  }

  /** The rescale that is under way. */
  get rescaling(): RescaleProgress | null {
    this.#sync();
    if (this.#rescaling === null) return null;
    const ready = [...this.#incoming.keys()].filter(({ phase }) => phase === "ready").length;
    return { shardCount: this.#rescaling.shardCount, ready, total: this.#incoming.size };
  }

  /** How many look on. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Tells of changes until it is disposed of. */
  listen(listener: MonitorListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Counts the events up to now. */
  count(): void {
    for (const record of this.records.values()) record.count();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#end();
    for (const record of [...this.#records.values(), ...this.#incoming.values()]) record[Symbol.dispose]();
    this.#records = new Map();
    this.#incoming.clear();
  }

  #begin(startedAt: number | null): void {
    const { signal } = this.manager.dispatcher;
    if (this.#life !== null || signal === null || signal.aborted) return;
    const life = this.#life = new AbortController();
    signal.addEventListener("abort", () => this.#end(), { signal: life.signal });
    this.startedAt = startedAt;
    this.connectedAt = this.failure = this.limitedUntil = null;
    this.#tickAt = this.#stepAt = performance.now();
    this.#sync();
    this.#eventsAtTick = this.#events();
    this.#ticker = setTimeout(() => this.#tick(), TICK_MS);
    this.#lookWhetherConnected();
  }

  #end(): void {
    this.#life?.abort();
    this.#life = null;
    clearTimeout(this.#ticker);
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#rescaling = null;
    for (const listener of [...this.#listeners]) listener.onEnd();
  }

  #onEvent(event: GatewayEvent): void {
    if (event.type === "sent" || event.type === "heartbeat") return;
    this.#begin(Date.now());
    switch (event.type) {
      case "rescaling":
        this.#rescaling = event.detail as RescalingData;
        this.#followIncoming();
        break;
      case "identify_limited":
        this.limitedUntil = Date.now() + (event.detail as IdentifyLimited).retryAfterMs;
        break;
      case "critical":
        if (event.shardId === null) this.failure = (event.detail as Error).message;
        break;
      case "reconnecting":
        if (event.shardId === null) this.failure = (event.detail as ReconnectingData).error.message;
        break;
      default:
        if (this.manager.shards.get(event.shardId ?? -1) === this.#records.get(event.shardId ?? -1)?.shard) return;
        // There are shards: the gateway has answered.
        this.failure = null;
        this.#sync();
    }
    this.#gather();
  }

  /** The new shards of a rescale tell nobody else before they take over, so they are followed from the beginning. */
  #followIncoming(): void {
    for (const shard of this.manager.pendingShards) {
      if (this.manager.shards.get(shard.shardId) !== shard) this.#incoming.set(shard, this.#follow(shard));
    }
  }

  #follow(shard: Shard): ShardRecord {
    return new ShardRecord(shard, (record) => {
      record.changed = ++this.revision;
      this.#lookWhetherConnected();
      this.#gather();
    });
  }

  /** Has a record for each of the manager's shards, and no other but for those of a rescale. */
  #sync(): void {
    const { shards } = this.manager;
    const before = this.#records;
    if (shards.size !== before.size || [...shards].some(([id, shard]) => before.get(id)?.shard !== shard)) {
      this.#records = new Map([...shards].map(([id, shard]) => [id, this.#recordOf(shard, before.get(id))]));
      for (const record of before.values()) if (this.#records.get(record.shard.shardId) !== record) dispose(record);
      this.generation = ++this.revision;
    }
    if (this.#rescaling === null) return;
    const pending = new Set(this.manager.pendingShards);
    for (const [shard, record] of this.#incoming) {
      if (pending.has(shard)) continue;
      dispose(record);
      this.#incoming.delete(shard);
    }
    if (this.#incoming.size === 0) this.#rescaling = null;
  }

  #recordOf(shard: Shard, before: ShardRecord | undefined): ShardRecord {
    if (before?.shard === shard) return before;
    const record = this.#incoming.get(shard) ?? this.#follow(shard);
    this.#incoming.delete(shard);
    if (before !== undefined) {
      before.count();
      record.inherit(before.counts);
    }
    return record;
  }

  #tick(): void {
    this.#ticker = setTimeout(() => this.#tick(), TICK_MS);
    const now = performance.now();
    const elapsedMs = Math.max(1, now - this.#tickAt);
    this.#tickAt = now;
    this.count();
    const events = this.#events();
    this.rate = roundTo(Math.max(0, events - this.#eventsAtTick) * 1_000 / elapsedMs, 10);
    this.#eventsAtTick = events;
    if (this.limitedUntil !== null && this.limitedUntil <= Date.now()) this.limitedUntil = null;
    // Half a tick early is near enough: timers are never early, but they are late.
    const isStep = now - this.#stepAt >= STEP_MS - TICK_MS / 2;
    if (isStep) this.#step(now);
    this.#publish(isStep);
  }

  #step(now: number): void {
    const elapsedMs = now - this.#stepAt;
    this.#stepAt = now;
    let rate = 0;
    for (const record of this.#records.values()) {
      if (record.step(elapsedMs)) record.rateChanged = ++this.revision;
      rate += record.rate;
    }
    this.history.push(rate, this.latencyMs);
  }

  /** The median of the shards' latencies, in milliseconds. */
  get latencyMs(): number | null {
    const latencies = [...this.#records.values()].flatMap(({ latencyMs }) => latencyMs ?? []).sort((a, b) => a - b);
    return latencies[Math.floor(latencies.length / 2)] ?? null;
  }

  #events(): number {
    let events = 0;
    for (const { counts } of this.#records.values()) events += counts.events;
    return events;
  }

  #lookWhetherConnected(): void {
    if (this.#life === null || this.connectedAt !== null || this.#records.size === 0) return;
    for (const { shard } of this.#records.values()) if (shard.phase !== "ready") return;
    this.connectedAt = Date.now();
  }

  #gather(): void {
    if (this.#life === null || this.#listeners.size === 0) return;
    this.#gathering ??= setTimeout(() => this.#publish(false), GATHER_MS);
  }

  #publish(isStep: boolean): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#listeners.size === 0) return;
    const summary = summarize(this);
    for (const listener of [...this.#listeners]) listener.onPublish(isStep, summary);
  }
}

function dispose(record: ShardRecord): void {
  record[Symbol.dispose]();
}
