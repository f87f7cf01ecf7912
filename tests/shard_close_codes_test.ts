import {
  DisallowedIntentsError,
  DisconnectError,
  GatewayCloseCode,
  GatewayIntent,
  InvalidApiVersionError,
  InvalidIntentsError,
  InvalidShardCountError,
  InvalidTokenError,
  UnhandledCloseCodeError,
} from "@gangway/gateway";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { test } from "./harness.ts";
import { connectedRig, fakeTime, fixedRandom, rig, type RigOptions } from "./shard_rig.ts";

const RESUMED = [1000, 3000, 4000, 4001, 4002, 4005, 4006, 4900, 4999];
const IDENTIFIED = [4003, 4007, 4009];
const CRITICAL = [
  [4004, InvalidTokenError, "https://discord.com/developers/applications"],
  [4010, InvalidShardCountError, "shard 0 of 1"],
  [4011, InvalidShardCountError, "too few"],
  [4012, InvalidApiVersionError, "version"],
  [4013, InvalidIntentsError, "53608447"],
  [4014, DisallowedIntentsError, "GuildMembers, GuildPresences, MessageContent"],
] as const;

test("Shard has a test for every close code", () => {
  const tested = [...RESUMED, ...IDENTIFIED, ...CRITICAL.map(([code]) => code), 4008];
  for (const code of Object.values(GatewayCloseCode)) assert(tested.includes(code));
});

for (const code of RESUMED) {
  test(`Shard resumes after a close with ${code}`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig();
    const { shard, gateway } = it;
    const id = shard.sessionId;
    const reconnecting = shard.dispatcher.waitFor("reconnecting");
    await it.survive(() => gateway.disconnect(code));
    const { error, attempt, delayMs } = await reconnecting;
    assertEquals([error.code, attempt, delayMs], [code, 1, 1]);
    const isUnknown = ![1000, 4000, 4001, 4002, 4005].includes(code);
    assertInstanceOf(error, isUnknown ? UnhandledCloseCodeError : DisconnectError);
    assertStringIncludes(error.message, `${code}`);
    assertEquals([gateway.identifies.length, gateway.resumes.map(({ outcome }) => outcome)], [1, ["resumed"]]);
    assertEquals(shard.sessionId, id);
    assertEquals(it.told, ["ready", `disconnect ${code}`, "reconnecting", "resumed"]);
    assertEquals(await it.echo("after"), "after");
  });
}

for (const code of IDENTIFIED) {
  test(`Shard identifies anew after a close with ${code}`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig();
    const { shard, gateway } = it;
    const id = shard.sessionId;
    const reconnecting = shard.dispatcher.waitFor("reconnecting");
    await it.survive(() => gateway.disconnect(code));
    assertEquals((await reconnecting).error.code, code);
    assertEquals(gateway.identifies.map(({ via }) => via), ["gateway", "gateway"]);
    assertEquals(gateway.resumes.length, 0);
    assert(shard.sessionId !== id);
    assertEquals(it.told, ["ready", `disconnect ${code}`, "reconnecting", "ready"]);
  });
}

for (const [code, Class, text] of CRITICAL) {
  test(`Shard ends critically after a close with ${code}`, async () => {
    await using it = await connectedRig();
    const { shard, gateway } = it;
    const criticals: Error[] = [];
    shard.dispatcher.listen("critical", (error) => criticals.push(error));
    const closed = shard.closed;
    gateway.disconnect(code);
    const error = await closed.catch((error) => error);
    assertInstanceOf(error, Class);
    assertEquals([error.name, error.code], [Class.name, code]);
    assertStringIncludes(error.message, text);
    assertStrictEquals(criticals[0], error);
    assertStrictEquals(await shard.ready.catch((error) => error), error);
    assertStrictEquals(await shard.connected.catch((error) => error), error);
    assertEquals(it.told, ["ready", `disconnect ${code}`, "critical"]);
    assertEquals([criticals.length, shard.phase, gateway.connections.length], [1, "closed", 1]);
  });
}

const REFUSED: [string, number, RigOptions][] = [
  ["a wrong token", 4004, { token: "wrong" }],
  ["a shard count that is not allowed", 4010, { gateway: { shardCountMultipleOf: 16 } }],
  ["too many guilds", 4011, { gateway: { guilds: 2, maxGuildsPerShard: 1 } }],
  ["an intent that does not exist", 4013, { intents: 1 << 17 }],
  ["an intent that is not allowed", 4014, {
    intents: GatewayIntent.GuildMembers,
    gateway: { allowedIntents: GatewayIntent.Guilds },
  }],
];

for (const [what, code, options] of REFUSED) {
  test(`Shard identifies once only with ${what}`, async () => {
    await using it = await rig(options);
    const { closed } = it.shard;
    await it.shard.connect();
    assertEquals((await closed.catch((error) => error)).code, code);
    assertEquals(it.gateway.identifies.map(({ outcome }) => outcome), [code]);
  });
}

test("Shard rests for 5 to 15 seconds after a close with 4008, and resumes", async () => {
  using time = fakeTime();
  for (const [random, restMs] of [[0, 5000], [0.5, 10_000]] as const) {
    using _ = fixedRandom(random);
    await using it = await rig({ memory: true });
    await it.shard.connect();
    await it.shard.ready;
    const reconnecting = it.shard.dispatcher.waitFor("reconnecting");
    it.gateway.disconnect(4008);
    assertEquals((await reconnecting).delayMs, restMs);
    await time.pass(restMs - 1);
    assertEquals(it.gateway.connections.length, 1);
    await time.pass(1);
    assertEquals(it.gateway.resumes.map(({ outcome }) => outcome), ["resumed"]);
  }
});

test("Shard resumes after a close with 1001", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig({ memory: true });
  await it.survive(() => it.gateway.disconnect(1001));
  assertEquals([it.gateway.identifies.length, it.gateway.resumes.length], [1, 1]);
});

test("Shard resumes after a reset and after a close without a code, which it reports as null", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  for (const end of [() => gateway.drop(), () => gateway.disconnect(null)]) {
    const reconnecting = shard.dispatcher.waitFor("reconnecting");
    await it.survive(end);
    const { error } = await reconnecting;
    assertEquals([error.name, error.code], ["DisconnectError", undefined]);
  }
  assertEquals(it.told.filter((name) => name.startsWith("disconnect")), ["disconnect null", "disconnect null"]);
  assertEquals([gateway.identifies.length, gateway.resumes.length], [1, 2]);
});

test("Shard survives a close before HELLO, before READY and in the middle of a replay", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  const { shard, gateway } = it;
  gateway.withholdHello();
  await shard.connect();
  await gateway.next("connection", undefined, { past: true });
  const { ready } = shard;
  gateway.withholdHello(false);
  gateway.withholdReady();
  gateway.drop();
  await gateway.next("identify");
  gateway.withholdReady(false);
  gateway.disconnect(4000);
  await ready;
  const id = shard.sessionId;
  const connection = gateway.connections.length;

  const texts: string[] = [];
  shard.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => texts.push(content));
  gateway.pauseReplayAfter(1);
  gateway.drop();
  for (const text of ["one", "two", "three"]) gateway.user("Ann").says(text);
  await shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  gateway.pauseReplayAfter(null);
  await shard.ready;
  assertEquals(texts, ["one", "two", "three"]);
  gateway.pauseReplayAfter(1);
  gateway.drop();
  for (const text of ["four", "five"]) gateway.user("Ann").says(text);
  await shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  const lost = shard.dispatcher.waitFor("disconnect");
  gateway.disconnect(4000);
  await lost;
  gateway.pauseReplayAfter(null);
  await shard.ready;
  assertEquals(texts, ["one", "two", "three", "four", "five"]);
  assertEquals(shard.sessionId, id);
  assertEquals(gateway.connections.length, connection + 3);
});

test("Shard identifies anew and then ends critically when an intent is switched off", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { closed } = it.shard;
  it.gateway.setAllowedIntents(GatewayIntent.Guilds);
  assertInstanceOf(await closed.catch((error) => error), DisallowedIntentsError);
  assertEquals(it.gateway.closes.map(({ code }) => code), [4003, 4014]);
});
