/**
 * A bot's shards on any number of machines, on NATS with JetStream: nodes own shards by lease and publish their events,
 * workers handle them. A deploy costs no identify, and a crash no event.
 *
 * It needs `@nats-io/nats-core`, `@nats-io/jetstream`, `@nats-io/kv` and a transport such as `@nats-io/transport-node`,
 * all of which run on Deno and on Bun, and a NATS server with JetStream from 2.9 on.
 *
 * @example A node and a worker; start as many as you like of each, with a connection of its own for each
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient } from "@gangway/gateway";
 * import { ClusterNode, ClusterWorker, type NatsConnection } from "@gangway/gateway/cluster";
 *
 * // nats: await connect({ servers: "127.0.0.1", maxReconnectAttempts: -1 }), from @nats-io/transport-node
 * async function runNode(nats: NatsConnection): Promise<void> {
 *   const node = new ClusterNode({
 *     nats,
 *     authentication: new BotAuthentication("token"),
 *     httpClient: new HTTPClient(),
 *     intents: GatewayIntent.GuildMessages | GatewayIntent.MessageContent,
 *   });
 *   await node.connect();
 *   await node.closed;
 * }
 *
 * async function runWorker(nats: NatsConnection): Promise<void> {
 *   const worker = new ClusterWorker({ nats });
 *   worker.eventDispatcher.listen("MESSAGE_CREATE", (message) => console.log(message.content));
 *   await worker.connect();
 *   await worker.closed;
 * }
 * ```
 *
 * @module
 */
export type { ClusterNodeEvents, EventsLostData } from "./cluster_events.ts";
export { ClusterNode, type RescaleOptions } from "./cluster_node.ts";
export type { ClusterNodeOptions } from "./cluster_node_options.ts";
export {
  type ClusterIdentifyStatus,
  type ClusterLagStatus,
  type ClusterLeaseStatus,
  type ClusterNodeStatus,
  type ClusterShardStatus,
  type ClusterStatus,
  clusterStatus,
  type ClusterStatusOptions,
  type ClusterStreamStatus,
} from "./cluster_status.ts";
export { clusterStatusHandler, type ClusterStatusHandlerOptions } from "./cluster_status_handler.ts";
export { ClusterWorker } from "./cluster_worker.ts";
export type { ClusterWorkerOptions } from "./cluster_worker_options.ts";
export type { StreamOptions } from "./event_stream.ts";
export type { ClusterLosses } from "./losses.ts";
export type { NatsConnection } from "./nats.ts";
export type { LeaseState } from "./plan.ts";
export { type RemoteSendOptions, RemoteShard, type RemoteShardOptions } from "./remote_shard.ts";
export type { ClusterWorkerEvents, WorkerEventData } from "./worker_events.ts";
