/**
 * A bot that answers the command /ping with "pong". Register the command first, with `register_slash_command.ts`.
 *
 *     DISCORD_TOKEN=… deno run -A examples/ping_pong_slash_command.ts
 *     DISCORD_TOKEN=… bun run examples/ping_pong_slash_command.ts
 *
 * @module
 */
import { ShardManager } from "@gangway/gateway";
import { authentication, httpClient, run } from "./environment.ts";

// https://discord.com/developers/docs/interactions/receiving-and-responding
const APPLICATION_COMMAND = 2;
const CHANNEL_MESSAGE_WITH_SOURCE = 4;

// Interactions come without any intent.
const manager = new ShardManager(authentication, 0, httpClient);

manager.eventDispatcher.listen("INTERACTION_CREATE", async (interaction) => {
  if (interaction.type !== APPLICATION_COMMAND || interaction.data.name !== "ping") return;
  const body = { type: CHANNEL_MESSAGE_WITH_SOURCE, data: { content: "pong" } };
  // Within 3 seconds. The interaction's token stands in for the bot's.
  await httpClient.request("POST", `/interactions/${interaction.id}/${interaction.token}/callback`, { body });
});

await run(manager);
