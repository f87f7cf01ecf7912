/**
 * Shows everything that a bot and the gateway say to each other, without parsing any of it.
 *
 *     DISCORD_TOKEN=… deno run -A examples/raw_events.ts
 *     DISCORD_TOKEN=… bun run examples/raw_events.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { GatewayIntent, GatewayOpcode, ShardManager } from "@gangway/gateway";
import { authentication, httpClient, run } from "./environment.ts";

const COLUMNS = 100;

const names = new Map(Object.entries(GatewayOpcode).map(([name, opcode]) => [`${opcode}`, name]));
const decoder = new TextDecoder();

const intents = GatewayIntent.Guilds | GatewayIntent.GuildMessages | GatewayIntent.GuildMessageTyping;
const manager = new ShardManager(authentication, intents, httpClient);

// Every payload, by its opcode. `event.payload` is the JSON as it came; only `event.detail` would parse it.
manager.rawDispatcher.listenAll(({ type, shardId, payload }) => {
  console.log(`shard ${shardId} <- ${names.get(type) ?? type} ${decoder.decode(payload).slice(0, COLUMNS)}`);
});

// The dispatches among them, by their event's name.
manager.eventDispatcher.listenAll(({ type, shardId, sequence, payload }) => {
  console.log(`shard ${shardId}    ${type} is dispatch ${sequence}, ${payload.length} bytes`);
});

// What the bot sends. The token is left out.
manager.dispatcher.listen("sent", ({ op, d }, { shardId }) => {
  console.log(`shard ${shardId} -> ${names.get(`${op}`)} ${JSON.stringify(d).slice(0, COLUMNS)}`);
});

await run(manager);
