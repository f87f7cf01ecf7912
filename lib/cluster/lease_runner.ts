import { abortable } from "../abortable.ts";
import { delay } from "../delay.ts";
import type { GatewayEvent } from "../gateway_event.ts";
import { type Session, sessionKeyOf } from "../session_store.ts";
import type { Shard } from "../shard.ts";
import { ClusterSessionStore } from "./cluster_session_store.ts";
import { serveCommands } from "./commands.ts";
import { KeptEvents } from "./kept_events.ts";
import type { LeaseMode, LeaseRunnerOptions } from "./lease_runner_options.ts";
import { LeaseShards } from "./lease_shards.ts";
import { Losses } from "./losses.ts";
import { type EventPlace, messageIdOf } from "./names.ts";
import { Publisher } from "./publisher.ts";
import type { PublishedCopies } from "./takeover.ts";
import { within } from "./within.ts";

/** How often a sequence number is stored at most, in milliseconds; the stream has the newest. */
const SESSION_INTERVAL_MS = 10_000;

/** How far apart two sets of shards may receive an event, in milliseconds. */
export const SKEW_MS = 2_000;

/** How long a session that is beginning is waited for when a lease is handed over, in milliseconds. */
const BEGIN_TIMEOUT_MS = 2_000;

/** How long the last events may take to be acknowledged when a lease is handed over, in milliseconds. */
const DRAIN_TIMEOUT_MS = 5_000;

/** Runs the shards of one lease, and publishes their events, for as long as this node owns it. */
export class LeaseRunner {
  readonly #options: LeaseRunnerOptions;
  readonly #publisher: Publisher;
  readonly #store: ClusterSessionStore;
  readonly #over = new AbortController();
  readonly #shards = new LeaseShards(this.#over.signal);
  readonly #losses: Losses;
  /** What the stream had of each shard when this node took over. */
  readonly #published = new Map<number, EventPlace>();
  #kept = new KeptEvents();
  #mode: LeaseMode;
  /** How far each shard was when the mode changed: up to there all was received in the mode before. */
  #places: ReadonlyMap<number, EventPlace> = new Map();
  #isStalled = false;
  /** Its shards are being closed, and do not come back here. */
  #isEnding = false;
  #onDrained: (() => void) | null = null;
  #finished: Promise<void> | null = null;

  /** Makes a runner whose shards are not connected yet. */
  constructor(options: LeaseRunnerOptions) {
    const { nats, stream, isValid, publishWindow, ackTimeoutMs, emit } = options;
    const onError = (error: unknown) => emit("cluster_error", { error });
    this.#options = options;
    this.#mode = options.mode;
    this.#losses = new Losses({
      tell: (lost) => emit("events_lost", lost),
      count: (loss) => options.count(loss, this.#over.signal),
      onCounted: () => this.#publisher.pump(),
    });
    this.#publisher = new Publisher({
      nats,
      lastSequence: () => stream.lastSequence(),
      mayPublish: () => isValid() && this.#losses.isCounted,
      window: publishWindow,
      ackTimeoutMs,
      onError,
      onTooLarge: (messageId, bytes, subject) => this.#losses.tooLarge(messageId, bytes, subject),
      onDrained: () => this.#drained(),
    });
    this.#store = new ClusterSessionStore({
      kv: options.sessions,
      epoch: options.epoch,
      lastEvent: (shardId) => this.#lastEvent(shardId),
      onFound: (session) => this.#losses.find(session),
      intervalMs: SESSION_INTERVAL_MS,
      onError,
    });
  }

  /** The shards, once they are started. */
  get shards(): ReadonlyMap<number, Shard> {
    return this.#shards.byId;
  }

  /** How many events are not in the stream yet. */
  get pending(): number {
    return this.#publisher.pending + this.#kept.length;
  }

  /** Whether its shards can go to another node. */
  get isMovable(): boolean {
    return this.#shards.areMovable;
  }

  /** Starts the shards: with a resume where there is a session. Rejects where NATS cannot be asked. */
  async start(): Promise<void> {
    const { shardIds, stream } = this.#options;
    await stream.lastSequence();
    if (this.#isEnding) return;
    for (const shardId of shardIds) this.#open(shardId);
  }

  /** Resolves when all shards are usable and have their guilds: they can take over. */
  warm(): Promise<void> {
    return this.#shards.warm();
  }

  /**
   * Keeps what comes from now on; one that is not connected is waited for, because what it misses the set of shards
   * before has to publish. Resolves when it is stored that all before is done with: whoever takes over begins there, and
   * not with what was left to that set.
   */
  async keep(): Promise<void> {
    if (this.#mode === "silent") await this.#shards.until(() => this.#isReady);
    this.#change("keeping");
    await this.#storePlaces();
  }

  /**
   * Publishes what was kept, but for what the set of shards before has published, and once all shards are connected, all
   * that comes: until then they may be about to receive what was kept elsewhere, or what came when too much was kept.
   * Resolves when all that was kept is in the stream, and whoever takes over begins after it.
   */
  async goLive(copies: PublishedCopies): Promise<void> {
    this.#kept.release(copies);
    if (this.pending === 0) this.#drained();
    await this.#shards.until(() => this.#isReady);
    if (this.#change("live")) {
      for (const shard of this.shards.values()) this.#serve(shard);
    }
    await abortable(this.#kept.done, this.#over.signal);
    await this.#storePlaces();
    // What copies were told apart by has served its purpose.
    this.#kept = new KeptEvents();
  }

  /** Ends because another set of shards takes over: the sessions end, and all that was received is published. */
  finish(): Promise<void> {
    // Asked again where what followed it failed: it cannot end twice.
    return this.#finished ??= this.#finish();
  }

  /** Ends in order: the sessions are kept, and all that was received is published. */
  async handOver(cleanup = false): Promise<void> {
    await within(this.#shards.until(() => this.isMovable), BEGIN_TIMEOUT_MS, this.#over.signal);
    this.#isEnding = true;
    await this.#shards.close(cleanup);
    await within(this.#drain().then(() => this.#losses.counted), DRAIN_TIMEOUT_MS, this.#over.signal);
    // A session that has ended costs nothing where the stream has all of it; else whoever begins the next one tells.
    const isForgotten = cleanup && this.pending === 0 && this.#losses.isCounted;
    this.#release();
    const storing = isForgotten ? this.#store.clear() : this.#store.flush();
    await storing.catch((error) => this.#options.emit("cluster_error", { error }));
    this.#store.stop();
  }

  /** Ends at once, because the lease is somebody else's, or soon may be. */
  async fence(): Promise<void> {
    this.#isEnding = true;
    this.#release();
    this.#store.stop();
    await this.#shards.close(false);
  }

  /** The connection to NATS is gone. */
  disconnected(): void {
    this.#publisher.disconnected();
  }

  /** NATS can be relied on again. */
  reconnected(): void {
    this.#publisher.reconnected();
  }

  #open(shardId: number): void {
    const { makeShard } = this.#options;
    const { signal } = this.#over;
    const shard = makeShard(shardId, {
      load: (key) => this.#store.load(key),
      save: (key, session) => this.#save(key, session),
      delete: (key) => this.#mode === "silent" ? this.#store.delete(key) : this.#store.refuse(key),
    });
    this.#shards.add(shard);
    shard.eventDispatcher.listenAll((event) => this.#onEvent(event), { signal });
    shard.dispatcher.listen("sequence_gap", ({ missed, sequence }) => {
      if (this.#mode !== "silent") this.#losses.gap(shard, missed, sequence);
    }, { signal });
    if (this.#mode === "live") this.#serve(shard);
    if (this.#mode === "silent") this.#shards.awaitGuilds(shard);
    this.#connect(shard);
  }

  #serve(shard: Shard): void {
    const { nats, names, attach } = this.#options;
    attach(shard);
    serveCommands({ nats, subject: names.command(shard.shardId), shard, signal: this.#over.signal });
  }

  #connect(shard: Shard): void {
    shard.connect().catch(() => {});
    shard.closed.catch(this.#options.onCritical);
  }

  async #save(key: string, session: Session): Promise<void> {
    await this.#losses.counted;
    await this.#store.save(key, session);
  }

  async #lastEvent(shardId: number): Promise<EventPlace | null> {
    const place = await this.#options.stream.lastEvent(shardId);
    if (place !== null) this.#published.set(shardId, place);
    return place;
  }

  #onEvent(event: GatewayEvent): void {
    const { events, names, maxPending } = this.#options;
    const { shardId, sessionId, sequence, type } = event;
    if (shardId === null || sessionId === null || sequence === null) return;
    const place = { sessionId, sequence };
    this.#losses.see(shardId, place, this.#mode !== "silent");
    if (this.#mode === "silent" || (events !== null && !events.has(type))) return;
    const published = this.#published.get(shardId);
    if (published?.sessionId === sessionId && sequence <= published.sequence) return;
    const publish = () => this.#publisher.publish(names.event(type, shardId), messageIdOf(place), event.payload);
    if (this.#mode === "live") event.waitUntil(publish());
    else this.#kept.keep(event, publish);
    if (this.pending >= maxPending) this.#stall();
  }

  /**
   * A WebSocket cannot be paused: its shards close, with their sessions kept, until all is published. What is kept at a
   * rescale is so after the switch, and what they missed meanwhile comes with the replay.
   */
  #stall(): void {
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#options.emit("publishing_stalled", { shardIds: [...this.shards.keys()], pending: this.pending });
    void this.#shards.close(false);
  }

  #drained(): void {
    this.#onDrained?.();
    if (!this.#isStalled || this.#isEnding) return;
    this.#isStalled = false;
    this.#options.emit("publishing_resumed", { shardIds: [...this.shards.keys()] });
    for (const shard of this.shards.values()) {
      // It may be closing still.
      void shard.close({ cleanup: false }).then(() => {
        if (!this.#isEnding && !this.#isStalled) this.#connect(shard);
      });
    }
  }

  async #finish(): Promise<void> {
    const { signal } = this.#over;
    do {
      await this.#shards.until(() => this.#isReady);
      // What the new set has received and kept, this one receives within that time, unless it was cut off.
      await delay(SKEW_MS, { signal });
    } while (!this.#isReady);
    // The new set has all that comes from now on. The sessions end when nothing is left that would have to be replayed.
    this.#change("silent");
    await abortable(this.#drain(), signal);
    await this.handOver(true);
  }

  #release(): void {
    this.#over.abort();
    this.#publisher.stop();
  }

  /** Whether it is a change, and not tried again. */
  #change(mode: LeaseMode): boolean {
    if (mode === this.#mode) return false;
    this.#mode = mode;
    this.#places = this.#losses.places;
    return true;
  }

  /** Stores that all that was received in the mode before is done with: the shards say so as well, but later. */
  async #storePlaces(): Promise<void> {
    for (const [shardId, { sessionId, sequence }] of this.#places) {
      const session = this.shards.get(shardId)?.session ?? null;
      if (session?.id !== sessionId) continue;
      await this.#save(sessionKeyOf(shardId, session.shardCount), { ...session, sequence });
    }
    await this.#store.flush();
  }

  get #isReady(): boolean {
    return !this.#isStalled && this.#shards.areReady;
  }

  /** Resolves when nothing is left to be published. */
  #drain(): Promise<void> {
    if (this.#publisher.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained = resolve);
  }
}
