import { DisconnectError, GatewayIntent, type GuildMember, RateLimitedError } from "@gangway/gateway";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { test } from "./harness.ts";
import { connectedRig, fakeTime, fixedRandom, type Rig, rig } from "./shard_rig.ts";

const ALL = { query: "", limit: 0 } as const;
const BIG = { guilds: [{ memberCount: 2500 }] };

function guildIn({ gateway }: Rig, index = 0): string {
  return gateway.guilds[index]?.id as string;
}

function failureOf(request: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(request).then(() => null, (error) => error);
}

function idsOf(members: GuildMember[]): string[] {
  return members.map(({ user }) => user.id);
}

test("Shard.requestGuildMembers resolves with all members, in whatever order their parts come", async () => {
  for (const chunkOrder of ["given", "shuffled"] as const) {
    await using it = await connectedRig({ gateway: { ...BIG, chunkOrder } });
    const members = await it.shard.requestGuildMembers(guildIn(it), ALL);
    assertEquals([members.length, new Set(idsOf(members)).size], [2500, 2500]);
  }
});

test("Shard.requestGuildMembers can be iterated over, and the parts are events as well", async () => {
  await using it = await connectedRig({ gateway: { ...BIG, chunkOrder: "shuffled", seed: 3 } });
  const heard: number[] = [];
  it.shard.eventDispatcher.listen("GUILD_MEMBERS_CHUNK", ({ chunk_index }) => heard.push(chunk_index));
  const parts: number[] = [];
  let count = 0;
  const request = it.shard.requestGuildMembers(guildIn(it), ALL);
  for await (const { chunk_index, members, nonce } of request) {
    assertEquals(nonce, request.nonce);
    parts.push(chunk_index);
    count += members.length;
  }
  assertEquals([parts, [...parts].sort(), count], [heard, [0, 1, 2], 2500]);
});

test("Shard.requestGuildMembers is either awaited or iterated over", async () => {
  await using it = await connectedRig();
  const awaited = it.shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 });
  await awaited;
  assertEquals((await awaited).length, 1);
  await assertRejects(
    async () => {
      for await (const _ of awaited);
    },
    DOMException,
    "both",
  );
  const iterated = it.shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 });
  for await (const _ of iterated);
  const error = await failureOf(iterated);
  assertEquals((error as Error).name, "InvalidStateError");
});

test("Shard.requestGuildMembers ends when its loop is left", async () => {
  await using it = await connectedRig({ gateway: BIG });
  const nonce = "left";
  let chunks = 0;
  for await (const _ of it.shard.requestGuildMembers(guildIn(it), { ...ALL, nonce })) {
    chunks++;
    break;
  }
  // The other parts have come, too. A nonce that is in use could not be used again.
  await it.roundTrip();
  const again = await it.shard.requestGuildMembers(guildIn(it), { query: "member_1", limit: 5, nonce });
  assertEquals([chunks, again.length], [1, 5]);
});

test("Shard.requestGuildMembers finds members by name and by id, with presences where they are asked for", async () => {
  await using it = await connectedRig({ gateway: { guilds: [{ memberCount: 20 }] } });
  const { shard, gateway } = it;
  const guildId = guildIn(it);
  const byName = await shard.requestGuildMembers(guildId, { query: "member_1", limit: 5 });
  assertEquals(byName.every(({ user }) => user.username.startsWith("member_1")), true);
  assertEquals(byName.length, 5);
  const [first, second] = idsOf(byName) as [string, string];
  assertEquals(idsOf(await shard.requestGuildMembers(guildId, { userIds: [first, second] })), [first, second]);
  assertEquals(idsOf(await shard.requestGuildMembers(guildId, { userIds: first, limit: 1 })), [first]);
  let chunks = 0;
  for await (const chunk of shard.requestGuildMembers(guildId, { userIds: [first, "123"], presences: true })) {
    chunks++;
    assertEquals(chunk.presences?.map(({ user }) => user.id), [first]);
    assertEquals(chunk.not_found as unknown[], [123]);
  }
  assertEquals(chunks, 1);
  const requests = gateway.received.filter(({ op }) => op === 8).map(({ d }) => d as Record<string, unknown>);
  const nonces = requests.map(({ nonce }) => nonce as string);
  assertEquals([new Set(nonces).size, nonces.every((nonce) => nonce.length === 32)], [4, true]);
  assertEquals(requests.map(({ nonce: _, ...rest }) => rest), [
    { guild_id: guildId, query: "member_1", limit: 5 },
    { guild_id: guildId, user_ids: [first, second] },
    { guild_id: guildId, user_ids: [first], limit: 1 },
    { guild_id: guildId, user_ids: [first, "123"], presences: true },
  ]);
});

test("Shard.requestGuildMembers rejects what is not right, and sends nothing", async () => {
  await using it = await connectedRig({ intents: GatewayIntent.Guilds | GatewayIntent.GuildMessages });
  const { shard, gateway } = it;
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}`);
  const cases: [object, typeof TypeError | typeof RangeError, string][] = [
    [{}, TypeError, "query and userIds"],
    [{ query: "a", limit: 1, userIds: ["1"] }, TypeError, "query and userIds"],
    [{ query: "a" }, TypeError, "undefined"],
    [{ query: "a", limit: 0 }, RangeError, "0"],
    [{ query: "a", limit: 101 }, RangeError, "101"],
    [{ query: "a", limit: -1 }, RangeError, "-1"],
    [{ query: 1, limit: 1 }, TypeError, "1"],
    [ALL, TypeError, "GuildMembers"],
    [{ userIds: [] }, RangeError, "0"],
    [{ userIds: ids(101) }, RangeError, "101"],
    [{ userIds: ["me"] }, TypeError, '"me"'],
    [{ userIds: ["1"], presences: true }, TypeError, "GuildPresences"],
    [{ userIds: ["1"], nonce: "ü".repeat(17) }, RangeError, "34"],
    [{ userIds: ["1"], nonce: "" }, RangeError, "0"],
    [{ userIds: ["1"], nonce: crypto.randomUUID() }, RangeError, "36"],
  ];
  for (const [query, Class, text] of cases) {
    const error = await failureOf(shard.requestGuildMembers(guildIn(it), query as never));
    assertInstanceOf(error, Class);
    assertStringIncludes(error.message, text);
  }
  assertInstanceOf(await failureOf(shard.requestGuildMembers("guild", { userIds: ["1"] })), TypeError);
  for (const guildId of [1n, Symbol("guild"), null, {}]) {
    assertInstanceOf(await failureOf(shard.requestGuildMembers(guildId as never, { userIds: ["1"] })), TypeError);
    assertInstanceOf(await failureOf(shard.requestGuildMembers("1", { userIds: guildId as never })), TypeError);
    assertInstanceOf(await failureOf(shard.requestGuildMembers("1", { userIds: [guildId as never] })), TypeError);
  }
  assertInstanceOf(await failureOf(shard.requestGuildMembers("1", { userIds: ["1"] }, null as never)), TypeError);
  const noTime = await failureOf(shard.requestGuildMembers("1", { userIds: ["1"] }, { timeoutMs: 1n as never }));
  assert(noTime instanceof TypeError || noTime instanceof RangeError);
  for (const timeoutMs of [0, NaN, Infinity]) {
    const error = await failureOf(shard.requestGuildMembers(guildIn(it), { userIds: ["1"] }, { timeoutMs }));
    assertInstanceOf(error, RangeError);
  }
  await it.roundTrip();
  assertEquals(gateway.received.filter(({ op }) => op === 8), []);
});

test("Shard.requestGuildMembers takes a nonce of 32 bytes, but not one that is in use", async () => {
  await using it = await rig();
  const nonce = "ü".repeat(16);
  const first = it.shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1, nonce });
  const second = await failureOf(it.shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1, nonce }));
  assertEquals((second as Error).name, "InvalidStateError");
  await it.up();
  assertEquals([first.nonce, (await first).length], [nonce, 1]);
  assertEquals((await it.shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1, nonce })).length, 1);
});

test("Shard.requestGuildMembers survives a resume in the middle of the parts", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig({
    gateway: { guilds: [{ memberCount: 4500 }, { memberCount: 1000 }], chunkOrder: "shuffled" },
    shard: { compress: "none" },
  });
  const { shard, gateway } = it;
  const size = Promise.withResolvers<number>();
  shard.eventDispatcher.listen("GUILD_MEMBERS_CHUNK", (_data, { payload }) => size.resolve(payload.length), {
    once: true,
  });
  await shard.requestGuildMembers(guildIn(it, 1), ALL);
  const resumed = shard.dispatcher.waitFor("resumed");
  gateway.cutAfter(Math.round(1.5 * await size.promise));
  const members = await shard.requestGuildMembers(guildIn(it), ALL);
  await resumed;
  assertEquals([members.length, new Set(idsOf(members)).size], [4500, 4500]);
  assertEquals([gateway.resumes.length, gateway.identifies.length], [1, 1]);
  assertEquals(gateway.received.filter(({ op }) => op === 8).length, 2);
});

test("Shard.requestGuildMembers rejects with how long to wait where the gateway refuses it", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  await shard.requestGuildMembers(guildIn(it), ALL);
  const error = await failureOf(shard.requestGuildMembers(guildIn(it), ALL));
  assertInstanceOf(error, RateLimitedError);
  assert(error.retryAfterMs > 0 && error.retryAfterMs <= 30_000);
  const request = shard.requestGuildMembers(guildIn(it), ALL);
  await assertRejects(async () => {
    for await (const _ of request);
  }, RateLimitedError);
});

test("Shard.requestGuildMembers rejects where the session is lost, but not what has not been sent", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  gateway.loseChunks();
  const unanswered = shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 });
  await it.roundTrip();
  const lost = shard.dispatcher.waitFor("disconnect");
  gateway.disconnect(4009);
  await lost;
  const waiting = shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 });
  const error = await failureOf(unanswered);
  assertInstanceOf(error, DisconnectError);
  assertStringIncludes(error.message, "session");
  assertEquals((await waiting).length, 1);
});

test("Shard.requestGuildMembers rejects at close", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  gateway.loseChunks();
  const request = shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 });
  await it.roundTrip();
  await shard.close({ cleanup: false });
  assertEquals((await failureOf(request) as Error).name, "AbortError");
  const late = await failureOf(shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 }));
  assertEquals((late as Error).name, "InvalidStateError");
});

test("Shard.requestGuildMembers rejects with the reason of its signal, before it is sent and after", async () => {
  await using it = await rig();
  const { shard, gateway } = it;
  const query = { query: "m", limit: 1 };
  const aborted = AbortSignal.abort(new Error("Before"));
  assertStrictEquals(
    await failureOf(shard.requestGuildMembers(guildIn(it), query, { signal: aborted })),
    aborted.reason,
  );
  const waiting = new AbortController();
  const unsent = shard.requestGuildMembers(guildIn(it), query, { signal: waiting.signal });
  waiting.abort(new Error("While it waits"));
  assertStrictEquals(await failureOf(unsent), waiting.signal.reason);
  await it.up();
  gateway.loseChunks();
  const later = new AbortController();
  const unanswered = shard.requestGuildMembers(guildIn(it), query, { signal: later.signal });
  await it.roundTrip();
  later.abort(new Error("Afterwards"));
  assertStrictEquals(await failureOf(unanswered), later.signal.reason);
  assertEquals(gateway.received.filter(({ op }) => op === 8).length, 1);
});

test("Shard.requestGuildMembers times out without a part, and not while there is no connection", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true, gateway: BIG });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  gateway.loseChunks(1);
  const lacking = failureOf(shard.requestGuildMembers(guildIn(it), ALL, { timeoutMs: 5000 }));
  let settled = false;
  lacking.then(() => settled = true);
  await time.pass(4999);
  gateway.stopListening();
  gateway.drop();
  await time.pass(120_000);
  assertEquals(settled, false);
  await gateway.startListening();
  await time.pass(65_000);
  assertEquals([shard.phase, settled], ["ready", true]);
  const error = await lacking;
  assertEquals((error as Error).name, "TimeoutError");
  assertStringIncludes((error as Error).message, "5000 ms");
});

test("Shard.requestGuildMembers fails unobserved without an unhandled rejection", async () => {
  await using it = await connectedRig();
  it.gateway.loseChunks(2);
  void it.shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 });
  void it.shard.requestGuildMembers(guildIn(it), { query: "m", limit: 1 })[Symbol.asyncIterator]();
  void it.shard.requestGuildMembers("guild", { query: "m", limit: 1 });
  await it.roundTrip();
  await it.shard.close();
});
