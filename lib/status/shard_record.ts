import type { GatewayEvent } from "../gateway_event.ts";
import { DispatchCount, latencyOf } from "../observation.ts";
import type { Shard } from "../shard.ts";
import type { ReconnectingData, ShardEvents, ShardPhase } from "../shard_events.ts";
import { History, roundTo } from "./history.ts";

/** How and when a connection ended. */
export interface LastDisconnect {
  /** When, in milliseconds since 1970. */
  at: number;
  /** The close code, where the gateway gave one. */
  code: number | null;
  /** Why, in words. */
  reason: string;
}

/** What the page shows of a shard. */
export interface ShardRow {
  id: number;
  phase: ShardPhase;
  /** Since when it has been in that phase, in milliseconds since 1970. */
  since: number;
  /** In milliseconds; `null` where it is not known. */
  latency: number | null;
  /** In how many guilds the bot is there; `null` until the next READY where the last one was missed. */
  guilds: number | null;
  /** Events a second. */
  rate: number;
  /** How many connections it has lost. */
  disconnects: number;
  /** How many sessions it has begun. */
  sessions: number;
  /** How many sessions it has resumed. */
  resumes: number;
  last: LastDisconnect | null;
  /** Why the last attempt to connect failed, while attempts do. */
  failure: string | null;
}

/** What goes on counting when another shard takes the place of one. */
export interface ShardCounts {
  events: number;
  sessions: number;
  resumes: number;
  /** Attempts to connect that led to no connection. */
  failures: number;
  /** Disconnects by their close codes, `""` where there was none. */
  disconnects: Map<string, number>;
}

/**
 * How long GUILD_CREATE is the guilds that READY named, in milliseconds. They are large, and to listen to them is to
 * have them parsed.
 */
const GUILDS_SETTLE_MS = 60_000;

/** What is known of a shard, from its own rare events and from looking at it once a second. */
export class ShardRecord implements Disposable {
  readonly shard: Shard;
  readonly counts: ShardCounts;
  readonly history: History = new History();
  /** The revision of the last change of what the page shows, and of the events a second alone. */
  changed = 0;
  rateChanged = 0;
  phaseSince: number = Date.now();
  latencyMs: number | null;
  guilds: number | null = null;
  rate = 0;
  last: LastDisconnect | null = null;
  failure: string | null = null;
  readonly #listening = new AbortController();
  readonly #onChange: (record: ShardRecord) => void;
  /** Whether the connection that ended was one: the gateway had said HELLO. */
  #wasConnected = false;
  readonly #dispatches: DispatchCount;
  #eventsAtStep = 0;
  #guildsListener: Disposable | null = null;
  #guildsSettleAt = 0;

  /** Starts to follow a shard, and tells of changes. */
  constructor(shard: Shard, onChange: (record: ShardRecord) => void) {
    this.shard = shard;
    this.counts = { events: 0, sessions: 0, resumes: 0, failures: 0, disconnects: new Map() };
    this.#onChange = onChange;
    this.#dispatches = new DispatchCount(shard);
    this.latencyMs = inMs(latencyOf(shard));
    const { signal } = this.#listening;
    // A listener for "critical" by its name would keep the shard from printing an error that nobody else takes.
    shard.dispatcher.listenAll((event) => this.#onLifecycle(event), { signal });
    // Both are parsed anyway, or small and rare.
    shard.eventDispatcher.listen("READY", ({ guilds }) => this.#onReady(guilds?.length ?? 0), { signal });
    shard.eventDispatcher.listen("GUILD_DELETE", ({ unavailable }) => {
      // With the key it is an outage.
      if (unavailable === undefined) this.#addGuilds(-1);
    }, { signal });
  }

  /** Counts the events since the last time. */
  count(): void {
    this.counts.events += this.#dispatches.look();
  }

  /** Goes on where the shard stopped that had the id before: counters never go down. */
  inherit({ events, sessions, resumes, failures, disconnects }: ShardCounts): void {
    const { counts } = this;
    // What both received while one took over from the other was delivered once.
    this.#dispatches.look();
    this.#eventsAtStep = counts.events = events;
    counts.sessions += sessions;
    counts.resumes += resumes;
    counts.failures += failures;
    for (const [code, count] of disconnects) {
      counts.disconnects.set(code, (counts.disconnects.get(code) ?? 0) + count);
    }
  }

  /** Ends a step of the history: whether the events a second have changed. */
  step(elapsedMs: number): boolean {
    const rate = roundTo((this.counts.events - this.#eventsAtStep) * 1_000 / elapsedMs, 10);
    this.#eventsAtStep = this.counts.events;
    this.history.push(rate, this.latencyMs);
    if (this.#guildsListener === null && this.guilds !== null && performance.now() >= this.#guildsSettleAt) {
      this.#listenToGuilds();
    }
    const hasChanged = rate !== this.rate;
    this.rate = rate;
    return hasChanged;
  }

  /** What the page shows. */
  toJSON(): ShardRow {
    const { shardId: id, phase } = this.shard;
    const { sessions, resumes, disconnects } = this.counts;
    return {
      id,
      phase,
      since: this.phaseSince,
      latency: this.latencyMs,
      guilds: this.guilds,
      rate: this.rate,
      disconnects: [...disconnects.values()].reduce((sum, count) => sum + count, 0),
      sessions,
      resumes,
      last: this.last,
      failure: this.failure,
    };
  }

  /** Follows the shard no longer. */
  [Symbol.dispose](): void {
    this.#listening.abort();
    this.#guildsListener?.[Symbol.dispose]();
  }

  #onLifecycle(event: GatewayEvent): void {
    switch (event.type) {
      case "phase":
        this.#onPhase(event.detail as ShardEvents["phase"]);
        break;
      case "heartbeat":
        this.latencyMs = inMs((event.detail as ShardEvents["heartbeat"]).latency);
        break;
      case "reconnecting":
        this.#lose((event.detail as ReconnectingData).error);
        break;
      case "critical":
        this.#wasConnected = true;
        this.#lose(event.detail as Error);
        break;
      case "ready":
        this.counts.sessions++;
        this.#dispatches.begin((event.detail as ShardEvents["ready"]).sessionId);
        break;
      case "resumed":
        this.counts.resumes++;
        break;
      default:
        return;
    }
    this.#onChange(this);
  }

  #onPhase({ phase, previous }: ShardEvents["phase"]): void {
    this.phaseSince = Date.now();
    if (phase === "ready") this.failure = null;
    else this.latencyMs = null;
    if (phase === "backing_off") this.#wasConnected = previous !== "connecting" && previous !== "waiting";
  }

  #lose(error: Error & { code?: unknown }): void {
    if (!this.#wasConnected) {
      this.counts.failures++;
      this.failure = error.message;
      return;
    }
    const code = typeof error.code === "number" ? error.code : null;
    const label = String(code ?? "");
    this.counts.disconnects.set(label, (this.counts.disconnects.get(label) ?? 0) + 1);
    this.last = { at: Date.now(), code, reason: error.message };
  }

  #onReady(guilds: number): void {
    this.guilds = guilds;
    this.#guildsListener?.[Symbol.dispose]();
    this.#guildsListener = null;
    this.#guildsSettleAt = performance.now() + GUILDS_SETTLE_MS;
    this.#onChange(this);
  }

  #listenToGuilds(): void {
    this.#guildsListener = this.shard.eventDispatcher.listen("GUILD_CREATE", ({ unavailable }) => {
      // A guild that comes back says `false`; one that is new says nothing.
      if (unavailable === undefined) this.#addGuilds(1);
    });
  }

  #addGuilds(count: number): void {
    if (this.guilds === null) return;
    this.guilds = Math.max(0, this.guilds + count);
    this.#onChange(this);
  }
}

function inMs(seconds: number | null): number | null {
  return seconds === null ? null : roundTo(seconds * 1_000, 10);
}
