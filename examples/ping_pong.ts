/**
 * A bot that answers "ping" with "pong".
 *
 *     DISCORD_TOKEN=… deno run -A examples/ping_pong.ts
 *     DISCORD_TOKEN=… bun run examples/ping_pong.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import process from "node:process";

const { DISCORD_TOKEN, GANGWAY_API_URL } = process.env;
if (!DISCORD_TOKEN) {
  console.error("Set DISCORD_TOKEN to your bot's token; https://discord.com/developers/applications has it under Bot");
  process.exit(1);
}
const authentication = new BotAuthentication(DISCORD_TOKEN);
// Without a URL it is Discord's; a LocalGateway can stand in.
const httpClient = new HTTPClient({ baseUrl: GANGWAY_API_URL });

// Which events Discord is to send. Message Content has to be switched on, on the same page as the token.
const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;

/** The bot; `demo.ts` takes it from here. */
export const manager: ShardManager = new ShardManager(authentication, intents, httpClient);

manager.eventDispatcher.listen("MESSAGE_CREATE", async (message) => {
  if (message.content !== "ping") return;
  await httpClient.createMessage(authentication, message.channel_id, { content: "pong" });
});

if (import.meta.main) {
  // Ctrl-C closes, and ends the process.
  shutdownOnSignal(manager);
  manager.dispatcher.listen("ready", (_, { shardId }) => console.log(`Shard ${shardId} is ready`));
  // Nothing to do about it: it goes on by itself as soon as the network is back.
  manager.dispatcher.listen("reconnecting", ({ error }) => console.error(`${error.message}; trying again`));
  // Whatever goes wrong, also while connecting, is what `closed` rejects with.
  void manager.connect();
  await manager.closed;
}
