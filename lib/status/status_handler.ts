import type { ShardManager } from "../shard_manager.ts";
import { answer, answerJSON, answerPage, refuse } from "./answers.ts";
import { eventStream, MAX_STREAMS, snapshotMessage } from "./event_stream.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";
import { PAGE } from "./page.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { routeHandler, type StatusHandler, type StatusOptions } from "./route_handler.ts";
import { StatusMonitor } from "./status_monitor.ts";
import { isReady, summarize } from "./summary.ts";

/**
 * Makes what answers requests about a manager: a page for people, and what machines ask for.
 *
 * | path       |                                                                                                       |
 * | ---------- | ----------------------------------------------------------------------------------------------------- |
 * | `/`        | the page: every shard, live                                                                           |
 * | `/events`  | what the page is fed with, as server-sent events                                                      |
 * | `/history` | events a second and latency of the last 15 minutes, of all shards or of `?shard=`                     |
 * | `/metrics` | the same for Prometheus                                                                               |
 * | `/healthz` | 200: the process is alive                                                                             |
 * | `/readyz`  | 200 when all shards are ready, else 503; `{ "ready", "shards": { "total", "ready" }, "notReady": [] }` |
 *
 * Neither the bot's token nor the content of an event is in any of it. Make it before the manager connects: READY says
 * in how many guilds a shard is. Events cost nothing more for it, since they are counted by the sequence numbers of the
 * sessions, once a second; it listens to `READY`, which is read anyway, to `GUILD_DELETE`, and from a minute after
 * READY to `GUILD_CREATE`, when it has become rare. (A guild that the bot joins in that minute is counted from the next
 * session on, and without the `Guilds` intent joining and leaving are never told.)
 *
 * It has timers only from the manager's `connect()` to its end.
 *
 * @throws {TypeError} If the token could not be sent in a header, or the path does not begin with `/`.
 *
 * @example
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { statusHandler } from "@gangway/gateway/status";
 * import { assertEquals } from "@std/assert";
 *
 * const manager = new ShardManager(new BotAuthentication("token"), GatewayIntent.Guilds, new HTTPClient());
 * using handler = statusHandler(manager);
 * // Deno.serve({ hostname: "127.0.0.1", port: 8080 }, handler);
 * // Bun.serve({ hostname: "127.0.0.1", port: 8080, fetch: handler });
 *
 * // A server says itself who asks.
 * const local = { remoteAddr: { hostname: "127.0.0.1" } };
 * const response = await handler(new Request("http://localhost:8080/readyz"), local);
 * assertEquals(response.status, 503);
 * assertEquals(await response.json(), { ready: false, shards: { total: 0, ready: 0 }, notReady: [] });
 * ```
 */
export function statusHandler(manager: ShardManager, options: StatusOptions = {}): StatusHandler {
  return routeHandler(options, (ended) => {
    const monitor = new StatusMonitor(manager);
    ended.addEventListener("abort", () => monitor[Symbol.dispose](), { once: true });
    return {
      "/": () => answerPage(PAGE, PAGE_SCRIPT, PAGE_STYLE),
      "/events": (request) => events(monitor, request),
      "/history": (request) => history(monitor, request),
      "/metrics": () => answer(metricsText(monitor), { headers: { "content-type": METRICS_TYPE } }),
      "/healthz": () => answerJSON({ alive: true }),
      "/readyz": () => readiness(monitor),
    };
  });
}

function events(monitor: StatusMonitor, request: Request): Response {
  if (monitor.listenerCount >= MAX_STREAMS) return refuse(503, "Too many look on", { "retry-after": "10" });
  const headers = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
  // Nothing changes before the manager connects and after its end, and whoever asks again is told of the beginning.
  if (!monitor.isAlive || request.method === "HEAD") {
    return answer(snapshotMessage(monitor, summarize(monitor)), { headers });
  }
  return answer(eventStream(monitor), { headers });
}

function history(monitor: StatusMonitor, request: Request): Response {
  const id = new URL(request.url).searchParams.get("shard");
  if (id === null) return answerJSON(monitor.history);
  const record = /^\d{1,9}$/.test(id) ? monitor.records.get(Number(id)) : undefined;
  return record === undefined ? refuse(404, "There is no such shard here") : answerJSON(record.history);
}

function readiness(monitor: StatusMonitor): Response {
  const records = [...monitor.records.values()];
  const notReady = records.filter((record) => !isReady(record)).map(({ shard: { shardId, phase }, failure, last }) => ({
    shard: shardId,
    phase,
    reason: failure ?? last?.reason ?? null,
  }));
  const ready = records.length > 0 && notReady.length === 0;
  const shards = { total: records.length, ready: records.length - notReady.length };
  return answerJSON({ ready, shards, notReady }, ready ? 200 : 503);
}
