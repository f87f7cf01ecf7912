import type { ShardManager } from "../shard_manager.ts";
import { type ConnectionInfo, hasToken, remoteReason } from "./access.ts";
import { eventStream, MAX_STREAMS, snapshotMessage } from "./event_stream.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";
import { PAGE } from "./page.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { StatusMonitor } from "./status_monitor.ts";
import { isReady } from "./summary.ts";

/** Options of {@linkcode statusHandler}. */
export interface StatusOptions {
  /**
   * What has to be in the `Authorization` header, after `Bearer `. It guards everything but `/healthz` and the page,
   * which has nothing in it: the page asks for the token and keeps it until its tab is closed.
   *
   * @default Nothing has to be there.
   */
  token?: string;
  /**
   * Whether other machines get an answer as well. Give a token then.
   *
   * @default {false}
   */
  allowRemote?: boolean;
  /**
   * The path it is mounted at, such as `"/status"`.
   *
   * @default {"/"}
   */
  basePath?: string;
  /** Ends it, like disposing of it. */
  signal?: AbortSignal;
}

/** What {@linkcode statusHandler} makes: it answers requests until it is disposed of, and then with 503. */
export interface StatusHandler extends Disposable {
  /**
   * Answers a request. The second argument, which `Deno.serve` and `Bun.serve` both give, tells where it comes from;
   * without it the `Host` header is all there is, and whoever can reach the server can write what they like there.
   */
  (request: Request, connection?: ConnectionInfo): Promise<Response>;
}

type Route = (request: Request) => Response | Promise<Response>;

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
 * const response = await handler(new Request("http://localhost:8080/readyz"));
 * assertEquals(response.status, 503);
 * assertEquals(await response.json(), { ready: false, shards: { total: 0, ready: 0 }, notReady: [] });
 * ```
 */
export function statusHandler(manager: ShardManager, options: StatusOptions = {}): StatusHandler {
  const { token, allowRemote = false, signal } = options;
  const basePath = checkedPath(options.basePath ?? "/");
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new TypeError("Cannot show the status: the token must be visible ASCII characters");
  }
  const ending = new AbortController();
  const monitor = new StatusMonitor(manager);
  const routes = routesOf(monitor);
  const dispose = (): void => {
    if (ending.signal.aborted) return;
    ending.abort();
    monitor[Symbol.dispose]();
  };
  const handler = async (request: Request, connection?: ConnectionInfo): Promise<Response> => {
    const reason = allowRemote ? null : remoteReason(request, connection);
    if (reason !== null) return refuse(403, `Only this machine gets an answer: ${reason}`);
    if (ending.signal.aborted) return refuse(503, "The status is not kept any more");
    const { pathname } = new URL(request.url);
    if (`${pathname}/` === basePath) return answer(null, { status: 308, headers: { location: basePath } });
    const path = pathname.startsWith(basePath) ? `/${pathname.slice(basePath.length)}` : "";
    const route = routes.get(path);
    if (route === undefined) return refuse(404, "There is nothing here");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "Only GET and HEAD are answered", { allow: "GET, HEAD" });
    }
    if (token !== undefined && !PUBLIC.has(path) && !await hasToken(request, token)) {
      return refuse(401, "The token is missing or wrong", { "www-authenticate": 'Bearer realm="status"' });
    }
    return await route(request);
  };
  if (signal?.aborted) dispose();
  else signal?.addEventListener("abort", dispose, { signal: ending.signal });
  return Object.assign(handler, { [Symbol.dispose]: dispose });
}

/** What nothing can be learnt from. */
const PUBLIC: ReadonlySet<string> = new Set(["/", "/healthz"]);

function routesOf(monitor: StatusMonitor): ReadonlyMap<string, Route> {
  const routes: [path: string, route: Route][] = [
    ["/", page],
    ["/events", (request) => events(monitor, request)],
    ["/history", (request) => history(monitor, request)],
    ["/metrics", () => answer(metricsText(monitor), { headers: { "content-type": METRICS_TYPE } })],
    ["/healthz", () => answerJSON({ alive: true })],
    ["/readyz", () => readiness(monitor)],
  ];
  return new Map(routes.map(([path, route]) => [path, withoutBody(route)]));
}

/** "The server MUST NOT send content in the response" to HEAD. */
function withoutBody(route: Route): Route {
  return async (request) => {
    const response = await route(request);
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
}

async function page(): Promise<Response> {
  const [script, style] = await Promise.all([hashOf(PAGE_SCRIPT), hashOf(PAGE_STYLE)]);
  const policy = [
    "default-src 'none'",
    `script-src ${script}`,
    `style-src ${style}`,
    "connect-src 'self'",
    "img-src data:",
    ...["base-uri", "form-action", "frame-ancestors"].map((name) => `${name} 'none'`),
  ].join("; ");
  return answer(PAGE, { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy } });
}

function events(monitor: StatusMonitor, request: Request): Response {
  if (monitor.listenerCount >= MAX_STREAMS) return refuse(503, "Too many look on", { "retry-after": "10" });
  const headers = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
  // Nothing changes before the manager connects and after its end, and whoever asks again is told of the beginning.
  if (!monitor.isAlive || request.method === "HEAD") return answer(snapshotMessage(monitor), { headers });
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

function answer(body: BodyInit | null, init: ResponseInit): Response {
  const response = new Response(body, init);
  const { headers } = response;
  headers.set("cache-control", "no-store");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("referrer-policy", "no-referrer");
  headers.set("x-content-type-options", "nosniff");
  headers.set("x-frame-options", "DENY");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", "default-src 'none'");
  return response;
}

function answerJSON(data: unknown, status = 200): Response {
  return answer(JSON.stringify(data), { status, headers: { "content-type": "application/json" } });
}

function refuse(status: number, error: string, headers: Record<string, string> = {}): Response {
  return answer(JSON.stringify({ error }), { status, headers: { "content-type": "application/json", ...headers } });
}

function checkedPath(path: string): string {
  if (!/^\/(?!\/)[^?#\\]*$/.test(path)) {
    throw new TypeError(`Cannot show the status: basePath must begin with one "/", received ${JSON.stringify(path)}`);
  }
  return path.endsWith("/") ? path : `${path}/`;
}

/** What allows an inline script or style, and no other. */
async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
