/**
 * A node of a cluster in a process of its own. What happens to it is on its standard output, a JSON line each. Where there is
 * a `log`, it has the messages that came here, as that of a worker.
 *
 *     node_process.ts '{"nats":…,"gateway":…,"token":…,"name":…,"log":…,"options":{…}}'
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { connect } from "@nats-io/transport-node";
import { appendFileSync } from "node:fs";
import process from "node:process";
import { ClusterNode } from "../../lib/cluster/mod.ts";
import { shutdownOnSignal } from "../../lib/shutdown_on_signal.ts";
import { BotAuthentication, GatewayIntent, HTTPClient } from "../../mod.ts";

const { nats: servers, gateway, token, name, log, options } = JSON.parse(process.argv[2] ?? "{}");
const nats = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
const node = new ClusterNode({
  nats,
  authentication: new BotAuthentication(token),
  httpClient: new HTTPClient({ baseUrl: gateway }),
  intents: GatewayIntent.Guilds | GatewayIntent.GuildMessages | GatewayIntent.MessageContent,
  name,
  ...options,
});

const TOLD = [
  ...["node_joined", "node_fenced", "lease_claimed", "lease_released", "publishing_stalled", "publishing_resumed"],
  ...["events_lost", "cluster_error", "cluster_rescaled", "critical", "ready", "resumed"],
];
for (const event of TOLD) {
  node.dispatcher.addEventListener(event, (happened) => {
    const { detail, shardId } = happened as CustomEvent & { shardId: number | null };
    const error = detail instanceof Error ? detail : detail?.error;
    console.log(JSON.stringify({ event, shardId, ...(error === undefined ? { detail } : { error: String(error) }) }));
  });
}

if (log !== undefined) {
  node.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => {
    const [number, sentAt] = content.split(" ");
    appendFileSync(log, `${number} ${Date.now() - Number(sentAt)}\n`);
  });
}

shutdownOnSignal(node, { onSignal: () => node.closed.then(() => nats.close()) });
await node.connect();
await node.closed;
