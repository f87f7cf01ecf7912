import { answer, answerJSON, answerPage, refuse } from "../status/answers.ts";
import { METRICS_TYPE } from "../status/metrics.ts";
import { type Route, routeHandler, type StatusHandler, type StatusOptions } from "../status/route_handler.ts";
import { clusterMetricsText } from "./cluster_metrics.ts";
import { CLUSTER_PAGE, CLUSTER_PAGE_STYLE } from "./cluster_page.ts";
import { CLUSTER_PAGE_SCRIPT } from "./cluster_page_script.ts";
import { readinessOf } from "./cluster_readiness.ts";
import type { ClusterStatus, ClusterStatusOptions } from "./cluster_status.ts";
import { ClusterViewer, viewOf } from "./cluster_view.ts";
import { ClusterNames } from "./names.ts";

/** Options of {@linkcode clusterStatusHandler}. */
export interface ClusterStatusHandlerOptions extends ClusterStatusOptions, StatusOptions {}

/**
 * Makes what answers requests about a whole cluster: a page for people, and what machines ask for. Any process may have
 * it, whether it is part of the cluster or not, and as many as you like.
 *
 * | path       |                                                                                                     |
 * | ---------- | --------------------------------------------------------------------------------------------------- |
 * | `/`        | the page: nodes, leases, who waits to identify, how far workers are; live                           |
 * | `/view`    | what the page is fed with                                                                           |
 * | `/status`  | everything, as {@linkcode clusterStatus} tells it                                                    |
 * | `/metrics` | the sums of it for Prometheus; `gangway_cluster_up 0` alone where NATS cannot be asked              |
 * | `/healthz` | 200: the process is alive                                                                           |
 * | `/readyz`  | 200 when every shard is owned and ready, else 503; `{ "ready", "shards": { "total", "ready" }, "notReady": [] }` |
 *
 * `/readyz` is about the cluster, and so no readiness probe of a single process: that would take every process out
 * because of one.
 *
 * It answers this machine only, unless it is told otherwise, and has neither the bot's token nor any event's content in
 * what it says. NATS is asked once a second at most, however many look on, and not at all while nobody does.
 *
 * @throws {TypeError} If `app` cannot be part of a name, the token could not be sent in a header, or the path does not
 * begin with `/`.
 *
 * @example
 * ```ts
 * import { clusterStatusHandler, type NatsConnection } from "@gangway/gateway/cluster";
 *
 * // nats: await connect({ servers: "127.0.0.1", maxReconnectAttempts: -1 }), from @nats-io/transport-node
 * async function isReady(nats: NatsConnection): Promise<boolean> {
 *   using handler = clusterStatusHandler({ nats });
 *   // Deno.serve({ hostname: "127.0.0.1", port: 8080 }, handler);
 *   // Bun.serve({ hostname: "127.0.0.1", port: 8080, fetch: handler });
 *
 *   // A server says itself who asks.
 *   const local = { remoteAddr: { hostname: "127.0.0.1" } };
 *   return (await handler(new Request("http://localhost:8080/readyz"), local)).ok;
 * }
 * ```
 */
export function clusterStatusHandler(options: ClusterStatusHandlerOptions): StatusHandler {
  const { nats, app = "bot" } = options;
  const { app: checked } = new ClusterNames(app);
  const viewer = new ClusterViewer({ nats, app: checked });
  return routeHandler(options, () => ({
    "/": () => answerPage(CLUSTER_PAGE, CLUSTER_PAGE_SCRIPT, CLUSTER_PAGE_STYLE),
    "/view": shown(viewer, (status) => answerJSON(viewOf(status))),
    "/status": shown(viewer, (status) => answerJSON(status)),
    "/metrics": async () => {
      const text = clusterMetricsText(await viewer.look().catch(() => null));
      return answer(text, { headers: { "content-type": METRICS_TYPE } });
    },
    "/healthz": () => answerJSON({ alive: true }),
    "/readyz": shown(viewer, (status) => {
      const readiness = readinessOf(status);
      return answerJSON(readiness, readiness.ready ? 200 : 503);
    }),
  }));
}

function shown(viewer: ClusterViewer, show: (status: ClusterStatus) => Response): Route {
  return async () => {
    let status: ClusterStatus;
    try {
      status = await viewer.look();
    } catch (error) {
      return refuse(503, `The cluster cannot be seen: ${(error as Error).message}`);
    }
    return show(status);
  };
}
