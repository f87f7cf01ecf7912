/**
 * A worker of a cluster: answers "ping" with "pong", whichever node received it. Start as many as you like.
 *
 *     DISCORD_TOKEN=… NATS_URL=127.0.0.1:4222 deno run -A examples/cluster/worker.ts
 *     DISCORD_TOKEN=… NATS_URL=127.0.0.1:4222 bun run examples/cluster/worker.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, HTTPClient } from "@gangway/gateway";
import { ClusterWorker } from "@gangway/gateway/cluster";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import { connect } from "@nats-io/transport-node";
import process from "node:process";

const { DISCORD_TOKEN, GANGWAY_API_URL, NATS_URL = "127.0.0.1:4222" } = process.env;
if (!DISCORD_TOKEN) {
  console.error("Set DISCORD_TOKEN to your bot's token; https://discord.com/developers/applications has it under Bot");
  process.exit(78);
}
const authentication = new BotAuthentication(DISCORD_TOKEN);
const httpClient = new HTTPClient({ baseUrl: GANGWAY_API_URL });
const nats = await connect({ servers: NATS_URL, maxReconnectAttempts: -1 });
const worker = new ClusterWorker({ nats });

// It is done with when the answer is posted. Where that fails, some worker gets it again.
worker.eventDispatcher.listen("MESSAGE_CREATE", async ({ content, channel_id: channelId }) => {
  if (!content.startsWith("ping")) return;
  await httpClient.createMessage(authentication, channelId, { content: content.replace("ping", "pong") });
});
worker.dispatcher.listen("event_failed", ({ type, error }) => console.error(`A listener of ${type} failed:`, error));
worker.dispatcher.listen("dead_letter", ({ messageId }) => console.error(`Given up: ${messageId}`));

shutdownOnSignal(worker, { deadlineMs: 15_000 });
await worker.connect();
await worker.closed;
