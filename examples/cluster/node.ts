/**
 * A node of a cluster: owns its share of the bot's shards and publishes their events. Start as many as you like, with the
 * same settings.
 *
 *     DISCORD_TOKEN=… NATS_URL=127.0.0.1:4222 deno run -A examples/cluster/node.ts
 *     DISCORD_TOKEN=… NATS_URL=127.0.0.1:4222 bun run examples/cluster/node.ts
 *
 * With `STATUS_PORT=8080` it shows the whole cluster at http://localhost:8080/, to this machine only.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, GatewayIntent, HTTPClient } from "@gangway/gateway";
import { ClusterNode, clusterStatusHandler } from "@gangway/gateway/cluster";
import type { StatusHandler } from "@gangway/gateway/status";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import { connect } from "@nats-io/transport-node";
import { hostname } from "node:os";
import process from "node:process";

const { DISCORD_TOKEN, GANGWAY_API_URL, NATS_URL = "127.0.0.1:4222", NODE_NAME = hostname(), STATUS_PORT } =
  process.env;
if (!DISCORD_TOKEN) {
  console.error("Set DISCORD_TOKEN to your bot's token; https://discord.com/developers/applications has it under Bot");
  process.exit(78);
}
const nats = await connect({ servers: NATS_URL, maxReconnectAttempts: -1 });
const node = new ClusterNode({
  nats,
  authentication: new BotAuthentication(DISCORD_TOKEN),
  httpClient: new HTTPClient({ baseUrl: GANGWAY_API_URL }),
  intents: GatewayIntent.GuildMessages | GatewayIntent.MessageContent,
  name: NODE_NAME.replace(/[^A-Za-z0-9_-]/g, "-"),
  leaseMs: Number(process.env.LEASE_MS ?? 10_000),
  // What nobody handles need not be in the log.
  events: ["MESSAGE_CREATE"],
});

node.dispatcher.listen("lease_claimed", ({ shardIds }) => console.log(`${NODE_NAME}: owns shard ${shardIds} now`));
node.dispatcher.listen("lease_released", ({ shardIds, reason }) => console.log(`${NODE_NAME}: ${shardIds} ${reason}`));
node.dispatcher.listen("ready", (_, { shardId }) => console.log(`${NODE_NAME}: shard ${shardId} identified`));
node.dispatcher.listen("resumed", (_, { shardId }) => console.log(`${NODE_NAME}: shard ${shardId} resumed`));
node.dispatcher.listen("events_lost", ({ reason }) => console.error(`${NODE_NAME}: events were lost: ${reason}`));

// SIGTERM hands every shard over before the process ends, which is what makes a deploy cost nothing.
shutdownOnSignal(node, { deadlineMs: 15_000 });
if (STATUS_PORT) serve(clusterStatusHandler({ nats }), Number(STATUS_PORT));
await node.connect();
await node.closed;

/** A line on either runtime; this is both. */
function serve(fetch: StatusHandler, port: number): void {
  const { Bun } = globalThis as { Bun?: { serve(options: unknown): unknown } };
  if (Bun !== undefined) Bun.serve({ hostname: "127.0.0.1", port, fetch });
  else Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, fetch);
}
