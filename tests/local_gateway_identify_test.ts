import { LocalGateway } from "@gangway/gateway/testing";
import type { LocalGatewayOptions } from "@gangway/gateway/testing";
import { assert, assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { bareClient, identify } from "./local_gateway_client.ts";

/** The close code an IDENTIFY gets. */
async function codeOf(options: LocalGatewayOptions, overrides: Record<string, unknown>): Promise<number> {
  await using gateway = await LocalGateway.start(options);
  const client = await bareClient(gateway);
  client.send(2, identify(gateway, overrides));
  const { code } = await client.closed;
  assertEquals(gateway.identifies[0]?.outcome, code);
  return code;
}

const REFUSED: [string, LocalGatewayOptions, Record<string, unknown>, number][] = [
  ["a wrong token", {}, { token: "wrong" }, 4004],
  ["a token with a prefix", {}, { token: "Bot local-token" }, 4004],
  ["no token", {}, { token: undefined }, 4004],
  ["no intents", {}, { intents: undefined }, 4013],
  ["an intent that does not exist", {}, { intents: 1 << 17 }, 4013],
  ["intents beyond 32 bits", {}, { intents: 2 ** 32 + 1 }, 4013],
  ["negative intents", {}, { intents: -1 }, 4013],
  ["an intent that is not allowed", { allowedIntents: 1 << 9 }, { intents: 1 << 15 }, 4014],
  ["a shard id that is too large", {}, { shard: [2, 2] }, 4010],
  ["a shard that is not one", {}, { shard: [0] }, 4010],
  ["a shard count that is no multiple", { shardCountMultipleOf: 16 }, { shard: [0, 24] }, 4010],
  ["too many guilds", { guilds: 5, maxGuildsPerShard: 2 }, { shard: [0, 2] }, 4011],
  ["no properties", {}, { properties: undefined }, 4001],
  ["half of the properties", {}, { properties: { os: "x" } }, 4001],
  ["a presence of the wrong shape", {}, { presence: { status: "here" } }, 4001],
];

for (const [what, options, overrides, code] of REFUSED) {
  test(`LocalGateway closes ${what} with ${code}`, async () => {
    assertEquals(await codeOf(options, overrides), code);
  });
}

test("LocalGateway tells what is a fault of the set-up from what breaks a rule", async () => {
  await using gateway = await LocalGateway.start();
  for (let attempt = 0; attempt < 2; attempt++) {
    const client = await bareClient(gateway);
    client.send(2, identify(gateway, { token: "wrong" }));
    await client.closed;
    // Trying again with the same is what a client must not do.
    assertEquals(gateway.violations.length, attempt);
  }
  assertEquals(gateway.received.map(({ d }) => (d as { token: string }).token), ["wrong", "wrong"]);
});

test("LocalGateway accepts the extremes of what is allowed", async () => {
  await using gateway = await LocalGateway.start({ guilds: 4, maxGuildsPerShard: 2, identifyWindowMs: 0 });
  for (
    const overrides of [
      { intents: 0, shard: [1, 2] },
      { shard: [0, 2], large_threshold: 1 },
      { shard: [0, 2], properties: { $os: "x", $browser: "y", $device: "z" } },
      { shard: [1, 2], presence: { since: null, afk: false, status: "dnd", activities: [{ name: "x", type: 0 }] } },
    ]
  ) {
    const client = await bareClient(gateway);
    client.send(2, identify(gateway, overrides));
    const { d } = await client.takeEvent("READY");
    assertEquals((d as { shard: unknown }).shard, overrides.shard);
  }
  assertEquals(gateway.violations, []);
});

test("LocalGateway sends READY with the shard's guilds, then each guild", async () => {
  const guilds = [{ name: "First" }, { name: "Second" }, { name: "Third", unavailable: true }];
  await using gateway = await LocalGateway.start({ guilds });
  const client = await bareClient(gateway);
  client.send(2, identify(gateway, { shard: [0, 2] }));
  const ready = await client.takeEvent("READY");
  const data = ready.d as Record<string, unknown> & { guilds: { id: string; unavailable: boolean }[] };
  assertEquals([data.v, data.shard, data.resume_gateway_url], [10, [0, 2], gateway.resumeUrl]);
  assertEquals(data.guilds.map(({ id }) => id), [gateway.guilds[0]?.id ?? "", gateway.guilds[2]?.id ?? ""]);
  assert(data.guilds.every(({ unavailable }) => unavailable));
  const first = await client.take(0);
  const third = await client.take(0);
  assertEquals([first.t, first.s, (first.d as { name: string }).name], ["GUILD_CREATE", 2, "First"]);
  assertEquals([third.t, third.d], ["GUILD_DELETE", { id: data.guilds[1]?.id, unavailable: true }]);
  gateway.restoreGuild(data.guilds[1]?.id ?? "");
  const restored = await client.takeEvent("GUILD_CREATE");
  assertEquals((restored.d as { unavailable: boolean }).unavailable, false);
});

test("LocalGateway leaves the shard out of READY where none was given, and guilds without their intent", async () => {
  await using gateway = await LocalGateway.start({ guilds: 2 });
  const client = await bareClient(gateway);
  client.send(2, identify(gateway, { intents: 1 << 9 }));
  const ready = await client.takeEvent("READY");
  assert(!("shard" in (ready.d as object)));
  client.send(1, 1);
  assertEquals((await client.take(11)).s, null);
  assertEquals(client.payloads.map(({ op }) => op), [10, 0, 11]);
});

test("LocalGateway answers an IDENTIFY too many in a window with an invalid session, per key", async () => {
  await using gateway = await LocalGateway.start({ maxConcurrency: 2, guilds: 0, countFailedIdentifies: false });
  const outcomes: unknown[] = [];
  for (const id of [0, 1, 2]) {
    const client = await bareClient(gateway);
    const decided = gateway.next("identify");
    client.send(2, identify(gateway, { shard: [id, 4] }));
    outcomes.push((await decided).outcome);
    if (id === 2) assertEquals((await client.take(9)).d, false);
  }
  assertEquals(outcomes, ["ready", "ready", "invalid session"]);
  assertEquals(gateway.violations.length, 1);
  assertEquals(gateway.remainingSessionStarts, 998);
});

test("LocalGateway lets a client identify again on the connection that got an invalid session", async () => {
  await using gateway = await LocalGateway.start({ identifyWindowMs: 0 });
  const client = await bareClient(gateway);
  client.send(2, identify(gateway));
  const { s } = await client.takeEvent("GUILD_CREATE");
  gateway.invalidateSession(false);
  await client.take(9);
  client.send(1, s);
  await client.take(11);
  client.send(2, identify(gateway));
  assertEquals((await client.takeEvent("READY")).s, 1);
  client.send(1, 1);
  await client.take(11);
  assertEquals(gateway.violations, []);
});

test("LocalGateway closes a command after an invalid session with 4003", async () => {
  await using gateway = await LocalGateway.start();
  const client = await bareClient(gateway);
  client.send(2, identify(gateway));
  await client.takeEvent("READY");
  gateway.invalidateSession(false);
  await client.take(9);
  client.send(4, { guild_id: "1", channel_id: null, self_mute: false, self_deaf: false });
  assertEquals((await client.closed).code, 4003);
  assertEquals(gateway.violations.length, 1);
});

test("LocalGateway kills all sessions and the token when no session start is left", async () => {
  await using gateway = await LocalGateway.start({ sessionStartLimit: { remaining: 1 }, identifyWindowMs: 0 });
  const first = await bareClient(gateway);
  first.send(2, identify(gateway));
  await first.takeEvent("READY");
  const second = await bareClient(gateway);
  second.send(2, identify(gateway));
  assertEquals((await second.closed).code, 4004);
  assertEquals((await first.closed).code, 4003);
  const headers = { authorization: `Bot ${gateway.token}`, "user-agent": "DiscordBot (https://example.com, 1)" };
  const response = await fetch(`${gateway.url}/gateway/bot`, { headers });
  assertEquals(response.status, 401);
  await response.body?.cancel();
});

test("LocalGateway revokes sessions with 4003 when an intent is switched off, then refuses it with 4014", async () => {
  await using gateway = await LocalGateway.start({ identifyWindowMs: 0 });
  const first = await bareClient(gateway);
  first.send(2, identify(gateway));
  await first.takeEvent("READY");
  gateway.setAllowedIntents(1 << 9);
  assertEquals((await first.closed).code, 4003);
  const second = await bareClient(gateway);
  second.send(2, identify(gateway));
  assertEquals((await second.closed).code, 4014);
});

test("LocalGateway changes its rules for shards and session starts while it runs", async () => {
  await using gateway = await LocalGateway.start({ guilds: 3, identifyWindowMs: 0 });
  gateway.setShardRules({ maxGuildsPerShard: 2, shardCountMultipleOf: 2 });
  gateway.setRemainingSessionStarts(5);
  for (const [shard, code] of [[[0, 1], 4010], [[0, 3], 4010]] as const) {
    const client = await bareClient(gateway);
    client.send(2, identify(gateway, { shard }));
    assertEquals((await client.closed).code, code);
  }
  const client = await bareClient(gateway);
  client.send(2, identify(gateway, { shard: [0, 2] }));
  await client.takeEvent("READY");
  assertEquals(gateway.remainingSessionStarts, 4);
});

test("LocalGateway sends guilds in another order where told, the same for the same seed", async () => {
  const orders: string[] = [];
  for (let round = 0; round < 2; round++) {
    await using gateway = await LocalGateway.start({ guilds: 8, guildOrder: "shuffled", seed: 3 });
    const client = await bareClient(gateway);
    client.send(2, identify(gateway));
    const names: string[] = [];
    for (let guild = 0; guild < 8; guild++) {
      names.push(((await client.takeEvent("GUILD_CREATE")).d as { name: string }).name);
    }
    orders.push(names.join());
    assertEquals(names.toSorted()[0], "Guild 1");
  }
  assertEquals(orders[0], orders[1]);
  assert(orders[0] !== "Guild 1,Guild 2,Guild 3,Guild 4,Guild 5,Guild 6,Guild 7,Guild 8");
});

const FRAMES: [string, string | Uint8Array, number][] = [
  ["text that is not JSON", "{", 4002],
  ["a payload without an opcode", '{"d":null}', 4002],
  ["a payload that is not an object", "[1]", 4002],
  ["a binary frame", new Uint8Array([1, 2, 3]), 4002],
  ["a payload of 4097 bytes", JSON.stringify({ op: 1, d: null, x: "é".repeat(2038) }), 4002],
  ["an opcode that does not exist", '{"op":5,"d":null}', 4001],
  ["an ACK", '{"op":11,"d":null}', 4001],
  ["a heartbeat that is not a number", '{"op":1,"d":"1"}', 4001],
  ["a RESUME without a session", '{"op":6,"d":{"token":"x"}}', 4001],
  ["a command before IDENTIFY", '{"op":3,"d":{"status":"online","since":null,"afk":false,"activities":[]}}', 4003],
];

for (const [what, frame, code] of FRAMES) {
  test(`LocalGateway closes ${what} with ${code}`, async () => {
    await using gateway = await LocalGateway.start();
    const client = await bareClient(gateway);
    await client.take(10);
    client.socket.send(frame as string);
    assertEquals((await client.closed).code, code);
    assertEquals(gateway.violations.length, 1);
  });
}

test("LocalGateway takes a payload of 4096 bytes", async () => {
  await using gateway = await LocalGateway.start();
  const client = await bareClient(gateway);
  const empty = JSON.stringify({ op: 1, d: null, x: "" });
  client.socket.send(JSON.stringify({ op: 1, d: null, x: "x".repeat(4096 - empty.length) }));
  await client.take(11);
  assertEquals(gateway.received[0]?.bytes, 4096);
});

test("LocalGateway closes a second IDENTIFY and a RESUME on a live connection with 4005", async () => {
  await using gateway = await LocalGateway.start({ identifyWindowMs: 0 });
  for (const [op, d] of [[2, identify(gateway)], [6, { token: gateway.token, session_id: "x", seq: 1 }]] as const) {
    const client = await bareClient(gateway);
    client.send(2, identify(gateway));
    await client.takeEvent("READY");
    client.send(op, d);
    assertEquals((await client.closed).code, 4005);
  }
});

test("LocalGateway closes with 4008 after 120 payloads, heartbeats counted, and counts per connection", async () => {
  await using gateway = await LocalGateway.start();
  for (let round = 0; round < 2; round++) {
    const client = await bareClient(gateway);
    for (let count = 0; count < 121; count++) client.send(1, null);
    assertEquals((await client.closed).code, 4008);
    assertEquals(client.payloads.filter(({ op }) => op === 11).length, 120);
  }
});

for (
  const [query, code] of [
    ["?v=9&encoding=json", 4012],
    ["?encoding=json", 4012],
    ["?v=10&encoding=etf", 4002],
    ["?v=10&encoding=json&compress=br", 4000],
  ] as const
) {
  test(`LocalGateway closes ${query} with ${code}`, async () => {
    await using gateway = await LocalGateway.start();
    const client = await bareClient(gateway, "", { query });
    assertEquals((await client.closed).code, code);
  });
}

test("LocalGateway keeps several sessions of one shard side by side, each with every event, and counts them", async () => {
  await using gateway = await LocalGateway.start({ identifyWindowMs: 0 });
  const clients = [];
  for (const shard of [[0, 1], [0, 1], [0, 2]]) {
    const client = await bareClient(gateway);
    client.send(2, identify(gateway, { shard }));
    await client.takeEvent("READY");
    clients.push(client);
  }
  assertEquals(gateway.identifies.map(({ twins }) => twins), [0, 1, 0]);
  gateway.user("Ann").says("hello");
  for (const client of clients.slice(0, 2)) {
    assertEquals(((await client.takeEvent("MESSAGE_CREATE")).d as { content: string }).content, "hello");
  }
  assertEquals([gateway.openConnections, gateway.violations], [3, []]);
  const gone = gateway.next("close");
  clients[0]?.socket.close(4900);
  await gone;
  const again = await bareClient(gateway);
  again.send(2, identify(gateway));
  await again.takeEvent("READY");
  // The session that lost its connection can be resumed still, and is none that receives.
  assertEquals(gateway.identifies.at(-1)?.twins, 1);
});
