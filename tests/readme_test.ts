import { readFile } from "node:fs/promises";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "./harness.ts";

function read(path: string): Promise<string> {
  return readFile(new URL(`../${path}`, import.meta.url), "utf8");
}

test("README shows examples/ping_pong.ts as it is", async () => {
  const [readme, example] = await Promise.all([read("README.md"), read("examples/ping_pong.ts")]);
  assertStringIncludes(readme, "```ts ignore\n" + example + "```");
});

test("README has a row for every name of nextcore's gateway reference", async () => {
  const readme = await read("README.md");
  const table = readme.slice(readme.indexOf("| nextcore"), readme.indexOf("## Compared"));
  const names = [
    "ShardManager(authentication, intents, http_client",
    ...[".token", ".intents", ".shard_count", ".shard_ids", ".presence", ".active_shards", ".raw_dispatcher"],
    ...[".event_dispatcher", ".dispatcher", ".max_concurrency", ".connect()", ".rescale_shards("],
    "Shard(shard_id, shard_count, intents, token, identify_rate_limiter, http_client",
    ...[".shard_id", ".large_threshold", ".library_name", ".ready", ".session_id", ".session_sequence_number"],
    ...[".should_reconnect", ".close(cleanup=True)", ".latency", ".presence_update(", ".voice_state_update("],
    ...[".request_guild_members(guild_id, query=", ".request_guild_members(guild_id, user_ids="],
    ...["DISPATCH", "HEARTBEAT", "HEARTBEAT_ACK", "HELLO", "IDENTIFY", "INVALID_SESSION", "PRESENCE_UPDATE"]
      .map((name) => `GatewayOpcode.${name}`),
    ...["RECONNECT", "REQUEST_GUILD_MEMBERS", "RESUME", "VOICE_STATE_UPDATE"].map((name) => `GatewayOpcode.${name}`),
    ...["Decompressor()", ".decompress(data)", "TimesPer(", "BotAuthentication(", "HTTPClient()"],
    ...["ReconnectCheckFailedError", "DisconnectError", "InvalidIntentsError", "DisallowedIntentsError"],
    ...["InvalidTokenError", "InvalidApiVersionError", "InvalidShardCountError", "UnhandledCloseCodeError"],
  ];
  assertEquals(names.filter((name) => !table.includes(`\`${name}`)), []);
});
