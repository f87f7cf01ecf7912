/**
 * Gangway for the gateway, `@discordjs/rest` for everything else: a bot that replies to "ping" and puts a paddle on it.
 * Any REST library fits in the same way: it needs the token, and no part of Gangway.
 *
 *     DISCORD_TOKEN=… deno run -A examples/discordjs_rest.ts
 *     DISCORD_TOKEN=… bun run examples/discordjs_rest.ts
 *
 * @module
 */
import { REST } from "@discordjs/rest";
import { GatewayIntent, ShardManager } from "@gangway/gateway";
import { Routes } from "discord-api-types/v10";
import process from "node:process";
import { authentication, httpClient, run } from "./environment.ts";

const { DISCORD_TOKEN = "", GANGWAY_API_URL } = process.env;
// A LocalGateway can stand in here too: its URL ends in the version, which discord.js adds itself.
const api = GANGWAY_API_URL?.replace(/\/v\d+$/, "");
const rest = new REST({ version: "10", ...(api === undefined ? {} : { api }) }).setToken(DISCORD_TOKEN);

const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
const manager = new ShardManager(authentication, intents, httpClient);

manager.eventDispatcher.listen("MESSAGE_CREATE", async ({ content, id, channel_id: channelId }) => {
  if (content !== "ping") return;
  await rest.put(Routes.channelMessageOwnReaction(channelId, id, encodeURIComponent("🏓")));
  await rest.post(Routes.channelMessages(channelId), {
    body: { content: "pong", message_reference: { message_id: id } },
  });
});

await run(manager);
