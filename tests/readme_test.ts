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

test("README has a row of its own for every name of nextcore's gateway reference, and no cell is empty", async () => {
  const readme = await read("README.md");
  const table = readme.slice(readme.indexOf("| nextcore "), readme.indexOf("## Compared"));
  const rows = table.trim().split("\n").slice(2).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(rows.filter((cells) => cells.length !== 3 || cells.includes("")), []);
  const manager = ["token", "intents", "shard_count", "shard_ids", "presence", "active_shards", "raw_dispatcher"];
  manager.push("event_dispatcher", "dispatcher", "max_concurrency", "connect()", "rescale_shards(");
  const shard = ["shard_id", "shard_count", "intents", "token", "presence", "large_threshold", "library_name", "ready"];
  shard.push("raw_dispatcher", "event_dispatcher", "dispatcher", "session_id", "session_sequence_number");
  shard.push("should_reconnect", "close(cleanup=True)", "connect()", "latency", "presence_update(");
  shard.push(
    "request_guild_members(guild_id, query=",
    "request_guild_members(guild_id, user_ids=",
    "voice_state_update(",
  );
  const opcodes = ["DISPATCH", "HEARTBEAT", "HEARTBEAT_ACK", "HELLO", "IDENTIFY", "INVALID_SESSION", "PRESENCE_UPDATE"];
  opcodes.push("RECONNECT", "REQUEST_GUILD_MEMBERS", "RESUME", "VOICE_STATE_UPDATE");
  const errors = ["ReconnectCheckFailed", "Disconnect", "InvalidIntents", "DisallowedIntents", "InvalidToken"];
  errors.push("InvalidApiVersion", "InvalidShardCount", "UnhandledCloseCode");
  const names = [
    "ShardManager(authentication, intents, http_client",
    ...manager.map((name) => `ShardManager.${name}`),
    "Shard(shard_id, shard_count, intents, token, identify_rate_limiter, http_client",
    ...shard.map((name) => `Shard.${name}`),
    "GatewayOpcode",
    ...opcodes.map((name) => `GatewayOpcode.${name}`),
    ...["Decompressor()", "Decompressor.decompress(", "TimesPer(", "BotAuthentication("],
    ...["HTTPClient()", "HTTPClient.setup()", "HTTPClient.create_message(", "HTTPClient.get_gateway_bot("],
    ...["event_dispatcher.listen(", "dispatcher.wait_for("],
    ...errors.map((name) => `${name}Error`),
  ];
  const left = rows.map(([cell = ""]) => cell);
  const isRow = (name: string, cell: string) =>
    name.endsWith(")") || !/[(=]/.test(name) ? cell === `\`${name}\`` : cell.startsWith(`\`${name}`);
  assertEquals(names.filter((name) => left.filter((cell) => isRow(name, cell)).length !== 1), []);
});

test("README names every member of LocalGateway", async () => {
  const { LocalGateway } = await import("../lib/testing/mod.ts");
  const readme = await read("README.md");
  const prototypes = [LocalGateway.prototype, Object.getPrototypeOf(LocalGateway.prototype)];
  const members = prototypes.flatMap((prototype) => Object.getOwnPropertyNames(prototype));
  const isNamed = (name: string) => readme.includes(`\`${name}\``) || readme.includes(`\`${name}(`);
  assertEquals(members.filter((name) => name !== "constructor" && !isNamed(name)), []);
});
