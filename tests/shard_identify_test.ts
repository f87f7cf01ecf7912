import { GatewayIntent, type PresenceUpdateData, Shard, TimesPer } from "@gangway/gateway";
import { ActivityType, PresenceUpdateStatus } from "discord-api-types/v10";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { inspect } from "node:util";
import { CANARY } from "./canary.ts";
import { test } from "./harness.ts";
import { ALL_INTENTS, connectedRig, fixedRandom, rig } from "./shard_rig.ts";

function presenceOf(name: string): PresenceUpdateData {
  return {
    since: null,
    afk: false,
    status: PresenceUpdateStatus.Idle,
    activities: [{ name, type: ActivityType.Playing }],
  };
}

test("Shard identifies with every field", async () => {
  const presence = presenceOf("chess");
  await using it = await rig({
    gateway: { guilds: [{ memberCount: 60 }] },
    shard: { presence, largeThreshold: 250, libraryName: "mine" },
    intents: GatewayIntent.Guilds | GatewayIntent.GuildPresences,
  });
  const { shard, gateway, client } = it;
  await shard.connect();
  await shard.ready;
  assertEquals([shard.shardId, shard.shardCount, shard.largeThreshold, shard.libraryName], [0, 1, 250, "mine"]);
  assertEquals([shard.intents, shard.presence], [257, presence]);
  const { os, ...properties } = (gateway.identifies[0]?.d as { properties: Record<string, unknown> }).properties;
  assert(typeof os === "string" && os !== "");
  assertEquals(properties, { browser: "mine", device: "mine" });
  assertEquals(gateway.identifies[0]?.d, {
    token: "ok",
    intents: 257,
    properties: { os, browser: "mine", device: "mine" },
    shard: [0, 1],
    large_threshold: 250,
    presence,
  });

  await using other = new Shard(2, 3, 0, gateway.token, new TimesPer(1, 5), client);
  await other.connect();
  await other.ready;
  assertEquals([other.largeThreshold, other.libraryName, other.presence], [null, "gangway", null]);
  const { d } = gateway.identifies[1] ?? {};
  assertEquals(d, {
    token: "ok",
    intents: 0,
    properties: { os, browser: "gangway", device: "gangway" },
    shard: [2, 3],
  });
});

test("Shard asks for the version, the encoding and the compression in the query", async () => {
  for (const [compress, expected] of [["none", undefined], ["zlib-stream", "zlib-stream"]] as const) {
    await using it = await connectedRig({ shard: { compress } });
    const { v, encoding, compress: given } = it.gateway.connections[0]?.query ?? {};
    assertEquals([v, encoding, given], ["10", "json", expected]);
  }
});

test("Shard keeps to the URL it was given, for resuming too", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  const { gateway, client } = it;
  const options = { gatewayUrl: `${gateway.gatewayUrl}/?proxy=1` };
  await using shard = new Shard(0, 1, ALL_INTENTS, gateway.token, new TimesPer(1, 5), client, options);
  await shard.connect();
  await shard.ready;
  gateway.drop();
  await shard.dispatcher.waitFor("resumed");
  assertEquals(gateway.connections.map(({ via, query }) => [via, query.proxy]), [["gateway", "1"], ["gateway", "1"]]);
  assertEquals(gateway.httpRequests, []);
});

test("Shard checks what it is made with", async () => {
  await using it = await rig();
  const make = (shardId: number, shardCount: number, intents: number, token: string, options = {}) => () =>
    new Shard(shardId, shardCount, intents, token, new TimesPer(1, 5), it.client, options);
  for (const [id, count] of [[1, 1], [-1, 1], [0, 0], [0.5, 1], [NaN, 1]] as const) {
    assertThrows(make(id, count, 0, CANARY), RangeError);
  }
  for (const intents of [-1, 1.5, NaN, 2 ** 53]) assertThrows(make(0, 1, intents, CANARY), RangeError, "intents");
  assertThrows(make(0, 1, 0, CANARY, { largeThreshold: 49 }), RangeError, "received 49");
  assertThrows(make(0, 1, 0, CANARY, { largeThreshold: 251 }), RangeError, "received 251");
  assertThrows(make(0, 1, 0, CANARY, { connectTimeoutMs: 0 }), RangeError, "received 0");
  assertThrows(make(0, 1, 0, CANARY, { compress: "lz4" }), TypeError, "zlib-stream");
  assertThrows(make(0, 1, 0, CANARY, { compress: "lz4", createDecompressor: () => null }), TypeError, "lz4");
  assertThrows(make(0, 1, 0, CANARY, { gatewayUrl: "https://example.com" }), TypeError, "wss:");
  assertThrows(make(0, 1, 0, CANARY, { gatewayUrl: "example" }), TypeError, "wss:");
  assertThrows(make(0, 1, 0, CANARY, { presence: { status: "away" } }), TypeError, "away");
  assertThrows(make(0, 1, 0, CANARY, { presence: presenceOf("x".repeat(4096)) }), RangeError, "4096");
  for (const token of ["", `Bot ${CANARY}`, `${CANARY} ${CANARY}`, undefined as unknown as string]) {
    const error = assertThrows(make(0, 1, 0, token), TypeError);
    assert(!inspect(error).includes("canary"));
  }
});

test("Shard.token shows in no inspection, JSON, event or error", async () => {
  using _ = fixedRandom();
  const heard: unknown[] = [];
  await using it = await connectedRig({ gateway: { token: CANARY } });
  const { shard, gateway } = it;
  assertEquals(shard.token, CANARY);
  for (const dispatcher of [shard.dispatcher, shard.eventDispatcher, shard.rawDispatcher]) {
    dispatcher.listenAll((event) => heard.push(event.type, event.detail, event));
  }
  await it.survive(() => gateway.drop());
  const closed = shard.closed;
  gateway.revokeToken();
  const error = await closed.catch((error) => error);
  const inspected = (value: unknown) => {
    const { Deno, Bun } = globalThis as unknown as {
      Deno?: { inspect(value: unknown, options: object): string };
      Bun?: { inspect(value: unknown, options: object): string };
    };
    const options = { depth: 20, showHidden: true, getters: false };
    return [
      inspect(value, options),
      Deno?.inspect(value, options),
      Bun?.inspect(value, options),
      JSON.stringify(value, (_key, value) => typeof value === "bigint" ? `${value}` : value),
    ].join("\n");
  };
  for (const value of [shard, { shard }, error, it.client]) assert(!inspected(value).includes("canary"));
  for (const value of heard) assert(!inspected(value).includes("canary"));
  assert(heard.includes("sent"));
});

test("Shard tells what it sends, with the token redacted", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  const sent: { op: number; d: unknown }[] = [];
  it.shard.dispatcher.listen("sent", (payload) => sent.push(payload));
  await it.up();
  await it.survive(() => it.gateway.drop());
  await it.shard.presenceUpdate(presenceOf("chess"));
  const byOp = (op: number) => sent.find((payload) => payload.op === op)?.d as Record<string, unknown>;
  assertEquals([byOp(2).token, byOp(2).intents, byOp(6).token], ["[redacted]", ALL_INTENTS, "[redacted]"]);
  assertEquals(byOp(6).session_id, it.shard.sessionId);
  assertEquals(byOp(3), { ...presenceOf("chess") });
});

test("Shard.token set to another ends the session and identifies with it", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig({ violates: true });
  const { shard, gateway } = it;
  const id = shard.sessionId;
  const { token } = shard;
  const other = `${CANARY}-2`;
  shard.token = token;
  assertEquals(shard.sessionId, id);
  const { closed } = shard;
  shard.token = other;
  assertEquals([shard.token, shard.sessionId], [other, null]);
  const error = await closed.catch((error) => error);
  assertEquals(error.name, "InvalidTokenError");
  assertEquals(gateway.identifies.map(({ d, outcome }) => [(d as { token: string }).token, outcome]), [
    ["ok", "ready"],
    ["wrong", 4004],
  ]);
  assertEquals([gateway.closes[0]?.code, gateway.resumes.length], [4900, 0]);
  assertThrows(() => shard.token = "Bot x", TypeError);
  shard.token = gateway.token;
  await it.up();
});

test("Shard.token set during a handshake does not identify where sessions are resumed", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const id = shard.sessionId;
  const { token } = shard;
  const phases = shard.dispatcher.events("phase");
  gateway.drop();
  for await (const { phase } of phases) {
    if (phase === "connecting") break;
  }
  shard.token = "another";
  shard.token = token;
  await shard.dispatcher.waitFor("ready");
  assert(shard.sessionId !== id);
  assertEquals(gateway.identifies.map(({ via }) => via), ["gateway", "gateway"]);
});

test("Shard.token set in back-off identifies with it", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const { token } = shard;
  const backingOff = shard.dispatcher.waitFor("reconnecting", () => {
    shard.token = "another";
    shard.token = token;
    return true;
  });
  gateway.drop();
  await backingOff;
  await shard.ready;
  assertEquals([gateway.identifies.length, gateway.resumes.length], [2, 0]);
});

test("Shard.presence is what it identifies with next, and is checked when it is set", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  shard.presence = presenceOf("go");
  const update = presenceOf("chess");
  await shard.presenceUpdate(update);
  assertEquals(shard.presence, update);
  await it.survive(() => gateway.disconnect(4009));
  assertEquals((gateway.identifies[1]?.d as { presence: unknown }).presence, update);
  assertThrows(() => shard.presence = { status: "away" } as unknown as PresenceUpdateData, TypeError, "away");
  assertEquals(shard.presence, update);
  shard.presence = null;
  assertEquals(shard.presence, null);
});

test("Shard fills in what a presence leaves out, when identifying too", async () => {
  const presence = { status: "online", activities: [] } as unknown as PresenceUpdateData;
  await using it = await connectedRig({ shard: { presence } });
  const d = it.gateway.identifies[0]?.d as { presence: unknown };
  assertEquals(d.presence, { since: null, activities: [], status: "online", afk: false });
});

test("Shard refuses a presence that it could not identify with", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  const bytes = JSON.stringify({ op: 3, d: presenceOf("") }).length;
  const presence = presenceOf("x".repeat(4096 - bytes));
  const error = await shard.presenceUpdate(presence).catch((error) => error);
  assert(error instanceof RangeError);
  assertStringIncludes(error.message, "4096");
  assertThrows(() => shard.presence = presence, RangeError);
  assertEquals(shard.presence, null);
});

test("Shard refuses what it is made with where that has another type, and quotes no token", async () => {
  await using it = await rig();
  const limiter = new TimesPer(1, 5);
  const good: unknown[] = [0, 1, 1, CANARY, limiter, it.client, {}];
  const wrong: [at: number, ...values: unknown[]][] = [
    [0, "0", 0n, null, CANARY, Symbol("0")],
    [1, "1", 1n, null, CANARY, Symbol("1")],
    [2, "1", 1n, null, CANARY, Symbol("1")],
    [3, 5, null, undefined, { token: CANARY }],
    [4, undefined, null, {}, CANARY, { acquire: CANARY }],
    [5, undefined, null, {}, CANARY],
    [6, null, 5, CANARY, { signal: 5 }, { sessionStore: {} }, { libraryName: 5 }, { createDecompressor: CANARY }],
    [6, { compress: CANARY }, { connectTimeoutMs: CANARY }, { largeThreshold: CANARY }, { gatewayUrl: CANARY }],
  ];
  for (const [at, ...values] of wrong) {
    for (const value of values) {
      const parts = good.with(at, value) as unknown as ConstructorParameters<typeof Shard>;
      const error = assertThrows(() => new Shard(...parts), TypeError);
      assert(!inspect(error).includes("canary"), inspect(error));
    }
  }
  assertThrows(() => new Shard(0, 1e9, 1, CANARY, limiter, it.client), RangeError, "shardCount");
});

test("Shard does not show its token where getters are called", async () => {
  await using it = await rig();
  const shard = new Shard(0, 1, 1, CANARY, new TimesPer(1, 5), it.client);
  const { Deno, Bun } = globalThis as unknown as Record<string, { inspect(value: unknown, options?: object): string }>;
  const options = { depth: 10, getters: true, showHidden: true };
  for (const value of [shard, [shard], new Map([["shard", shard]]), new Error("x", { cause: shard })]) {
    for (const show of [inspect, (Deno ?? Bun)!.inspect]) {
      assert(!show(value, options).includes("canary"), show(value, options));
    }
  }
  assertEquals(inspect(shard), 'Shard { id: 0, count: 1, phase: "idle" }');
});
