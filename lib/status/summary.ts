import { identifiesLeft } from "../identify_queue.ts";
import { IDENTIFY_WINDOW_MS, identifyKeyOf } from "../sharding.ts";
import type { ShardRecord } from "./shard_record.ts";
import type { RescaleProgress, StatusMonitor } from "./status_monitor.ts";

/** What the page shows of all shards together. */
export interface Summary {
  /** Whether the manager is connected, or about to be. */
  alive: boolean;
  /** How many shards the bot has in all. */
  shardCount: number | null;
  /** How many this process runs, and how many of them are ready. */
  shards: number;
  ready: number;
  /** Events a second. */
  rate: number;
  /** The median, in milliseconds. */
  latency: number | null;
  /** `null` where it is known of no shard. */
  guilds: number | null;
  /** How many shards may identify at the same time; `null` before the gateway was asked. */
  maxConcurrency: number | null;
  /** How many identifies are left until the budget is renewed; `null` where that is not known. */
  identifiesLeft: number | null;
  /** When identifying goes on, where the budget is used up, in milliseconds since 1970. */
  limitedUntil: number | null;
  /** When the manager connected, in milliseconds since 1970; `null` also where it had before anybody looked. */
  startedAt: number | null;
  /** How long it took until all shards were ready, in milliseconds; `null` while it takes, and where that is not known. */
  connectedAfterMs: number | null;
  /** How long it is likely to take from now on, in milliseconds; `null` afterwards. */
  connectedInMs: number | null;
  rescaling: RescaleProgress | null;
  /** Why the manager failed, or cannot ask for the gateway; not what shards fail for. */
  failure: string | null;
}

/** Sums up. */
export function summarize(monitor: StatusMonitor): Summary {
  const { manager, isAlive, rate, latencyMs, limitedUntil, startedAt, connectedAt, rescaling, failure } = monitor;
  const records = [...monitor.records.values()];
  const known = records.flatMap(({ guilds }) => guilds ?? []);
  const isStarting = isAlive && connectedAt === null;
  return {
    alive: isAlive,
    shardCount: manager.shardCount,
    shards: records.length,
    ready: records.filter(isReady).length,
    rate,
    latency: latencyMs,
    guilds: known.length === 0 ? null : known.reduce((sum, guilds) => sum + guilds, 0),
    maxConcurrency: manager.maxConcurrency,
    identifiesLeft: identifiesLeft(manager.identifyRateLimiter),
    limitedUntil,
    startedAt,
    connectedAfterMs: startedAt === null || connectedAt === null ? null : connectedAt - startedAt,
    connectedInMs: isStarting ? startTimeMs(records, manager.maxConcurrency ?? 1, limitedUntil) : null,
    rescaling,
    failure,
  };
}

/** Whether a shard is usable. */
export function isReady({ shard }: ShardRecord): boolean {
  return shard.phase === "ready";
}

/** The fullest queue of shards that wait to identify decides: one goes every five seconds. */
function startTimeMs(records: readonly ShardRecord[], maxConcurrency: number, limitedUntil: number | null): number {
  const queues = new Map<number, number>();
  for (const { shard: { phase, shardId, sessionId } } of records) {
    if (phase === "ready" || sessionId !== null) continue;
    const key = identifyKeyOf(shardId, maxConcurrency);
    queues.set(key, (queues.get(key) ?? 0) + 1);
  }
  const held = limitedUntil === null ? 0 : Math.max(0, limitedUntil - Date.now());
  // Whole windows: the text would change all the time otherwise.
  return Math.max(0, ...queues.values()) * IDENTIFY_WINDOW_MS + Math.ceil(held / 60_000) * 60_000;
}
