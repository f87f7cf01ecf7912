import { identifiesLeft } from "../identify_queue.ts";
import type { ShardRecord } from "./shard_record.ts";
import type { StatusMonitor } from "./status_monitor.ts";
import { isReady } from "./summary.ts";

/** The text format's media type. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [labels: Labels, value: number | null];
type Kind = "gauge" | "counter";

/**
 * Writes everything in Prometheus' text format. What is not known has no sample.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format}
 */
export function metricsText(monitor: StatusMonitor): string {
  monitor.count();
  const { manager, limitedUntil } = monitor;
  const records = [...monitor.records.values()];
  const metric = (name: string, kind: Kind, help: string, samples: readonly Sample[]) =>
    metricText(`gangway_${name}`, kind, help, samples);
  const whole = (name: string, help: string, value: number | null) => metric(name, "gauge", help, [[{}, value]]);
  const each = (name: string, kind: Kind, help: string, valueOf: (record: ShardRecord) => number | null) =>
    metric(name, kind, help, records.map((record) => [{ shard: record.shard.shardId }, valueOf(record)]));
  return [
    whole("up", "Whether the manager is connected, or about to be.", Number(monitor.isAlive)),
    whole("shard_count", "How many shards the bot has in all.", manager.shardCount),
    whole("shards", "How many shards this process runs.", records.length),
    whole("shards_ready", "How many of them are usable.", records.filter(isReady).length),
    whole("max_concurrency", "How many shards may identify at the same time.", manager.maxConcurrency),
    whole(
      "identifies_remaining",
      "Identifies left until the budget is renewed.",
      identifiesLeft(monitor.manager.identifyRateLimiter),
    ),
    whole("identify_limited", "Whether the identify budget is used up.", Number(limitedUntil !== null)),
    each("shard_ready", "gauge", "Whether the shard is usable.", (record) => Number(isReady(record))),
    metric(
      "shard_phase",
      "gauge",
      "What the shard is doing: 1 for its phase.",
      records.map(({ shard: { shardId, phase } }) => [{ shard: shardId, phase }, 1]),
    ),
    each(
      "shard_latency_seconds",
      "gauge",
      "From the last heartbeat to its ACK.",
      ({ latencyMs }) => latencyMs === null ? null : latencyMs / 1_000,
    ),
    each("shard_guilds", "gauge", "Guilds of the shard.", ({ guilds }) => guilds),
    each("shard_events_total", "counter", "Dispatches received.", ({ counts }) => counts.events),
    each("shard_sessions_total", "counter", "Sessions begun.", ({ counts }) => counts.sessions),
    each("shard_resumes_total", "counter", "Sessions resumed.", ({ counts }) => counts.resumes),
    each(
      "shard_connect_failures_total",
      "counter",
      "Attempts to connect that led to no connection.",
      ({ counts }) => counts.failures,
    ),
    metric(
      "shard_disconnects_total",
      "counter",
      "Connections lost, by close code; without a code the gateway gave none.",
      records.flatMap(({ shard: { shardId }, counts }) =>
        [...counts.disconnects].map(([code, count]): Sample => [{ shard: shardId, code }, count])
      ),
    ),
  ].join("");
}

/** Writes one metric with its samples, or nothing where there is no sample. */
export function metricText(name: string, kind: Kind, help: string, samples: readonly Sample[]): string {
  const lines = samples.flatMap(([labels, value]) => value === null ? [] : `${name}${labelsText(labels)} ${value}\n`);
  if (lines.length === 0) return "";
  return `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(`${value}`).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? "" : `{${pairs.join()}}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
