import {
  BotAuthentication,
  GatewayError,
  HTTPClient,
  InvalidTokenError,
  type PresenceUpdateData,
  ShardManager,
  type ShardManagerOptions,
  TimesPer,
} from "@gangway/gateway";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { inspect } from "node:util";
import { CANARY } from "./canary.ts";
import { test } from "./harness.ts";
import { managerRig } from "./shard_manager_rig.ts";
import { fakeTime, fixedRandom } from "./shard_rig.ts";

const ALL_AT_ONCE = { maxConcurrency: 16, guilds: 4 };

function gatewayBotRequests({ gateway }: Awaited<ReturnType<typeof managerRig>>): number {
  return gateway.httpRequests.filter(({ path }) => path === "/gateway/bot").length;
}

test("ShardManager runs as many shards as the gateway recommends, and asks it once", async () => {
  await using rig = await managerRig({ gateway: { ...ALL_AT_ONCE, shards: 4 } });
  const { manager } = rig;
  assertEquals([manager.shardCount, manager.shardIds, manager.maxConcurrency, manager.shards.size], [
    null,
    null,
    null,
    0,
  ]);
  await rig.up();
  assertEquals([manager.shardCount, manager.shardIds, manager.maxConcurrency], [4, [0, 1, 2, 3], 16]);
  assertEquals(rig.gateway.identifies.map(({ shard }) => [...shard]).sort(), [[0, 4], [1, 4], [2, 4], [3, 4]]);
  assertEquals(rig.shards.map(({ shardId, shardCount }) => [shardId, shardCount]), [[0, 4], [1, 4], [2, 4], [3, 4]]);
  assertEquals(gatewayBotRequests(rig), 1);
});

test("ShardManager runs as many shards as it was told", async () => {
  await using rig = await managerRig({ gateway: { ...ALL_AT_ONCE, shards: 4 }, manager: { shardCount: 2 } });
  assertEquals([rig.manager.shardCount, rig.manager.shardIds], [2, [0, 1]]);
  await rig.up();
  assertEquals(rig.gateway.identifies.map(({ shard }) => [...shard]).sort(), [[0, 2], [1, 2]]);
});

test("ShardManager runs some of the shards, in the order of their ids", async () => {
  await using rig = await managerRig({ gateway: ALL_AT_ONCE, manager: { shardCount: 8, shardIds: [6, 1] } });
  assertEquals(rig.manager.shardIds, [6, 1]);
  await rig.up();
  assertEquals([rig.manager.shardCount, rig.manager.shardIds], [8, [1, 6]]);
  assertEquals(rig.gateway.identifies.map(({ shard }) => [...shard]).sort(), [[1, 8], [6, 8]]);
});

test("ShardManager refuses what cannot be meant when it is made", () => {
  const client = new HTTPClient();
  const make = (options: ShardManagerOptions, intents = 1) => () =>
    new ShardManager(new BotAuthentication("token"), intents, client, options);
  assertThrows(make({ shardIds: [0] }), TypeError, "shardIds need a shardCount");
  assertThrows(make({ shardCount: 0 }), RangeError);
  assertThrows(make({ shardCount: 1.5 }), RangeError);
  assertThrows(make({ shardCount: 2, shardIds: [2] }), RangeError);
  assertThrows(make({ shardCount: 2, shardIds: [-1] }), RangeError);
  assertThrows(make({ shardCount: 2, shardIds: [] }), RangeError, "empty");
  assertThrows(make({ shardCount: 2, shardIds: [0, 0] }), RangeError, "twice");
  assertThrows(make({ identifyReserve: -1 }), RangeError, "identifyReserve");
  const wrong = {
    presence: { status: "away", activities: [] },
    largeThreshold: "50",
    libraryName: 5,
    connectTimeoutMs: "5",
    gatewayUrl: 5,
    sessionStore: { load: () => null },
    createDecompressor: "zlib",
    signal: new AbortController(),
    shardCount: "2",
    identifyReserve: "1",
    identifyRateLimiter: { acquire: 5 },
  };
  for (const [name, value] of Object.entries(wrong)) {
    assertThrows(make({ [name]: value } as ShardManagerOptions), TypeError, name === "presence" ? "status" : "");
    assertThrows(make({ [name]: Symbol(name) } as ShardManagerOptions), TypeError);
  }
  for (const shardIds of [null, 5, "01", {}]) {
    assertThrows(make({ shardCount: 2, shardIds: shardIds as never }), TypeError, "must be an array");
  }
  for (const id of ["0", 0n, null]) {
    assertThrows(make({ shardCount: 2, shardIds: [id as never] }), TypeError, "shardId");
  }
  assertThrows(make({ shardCount: 1e9 }), RangeError, "shardCount");
  assertThrows(make(null as never), TypeError, "options must be an object");
  assertThrows(make({}, "513" as never), TypeError, "intents");
  for (const other of [undefined, null, {}, "client"]) {
    const bad = () => new ShardManager(new BotAuthentication("token"), 1, other as never);
    assertThrows(bad, TypeError, "httpClient must be an object with getGatewayBot, connectToGateway");
  }
  assertThrows(make({ compress: "gzip" as "none" }), TypeError);
  client.close();
});

test("ShardManager refuses who is no BotAuthentication at once, and does not quote it", () => {
  using client = new HTTPClient({ fetch: () => Promise.reject(new Error("Asked")) });
  for (const wrong of [CANARY, undefined, null, 5, { token: CANARY, authorization: CANARY }]) {
    const error = assertThrows(() => new ShardManager(wrong as never, 1, client), TypeError, "a BotAuthentication");
    assert(!error.message.includes("canary"));
  }
});

test("ShardManager refuses a reserve together with a limiter, which would not know of it", () => {
  using client = new HTTPClient();
  const options = { identifyReserve: 0, identifyRateLimiter: new TimesPer(1, 5) };
  const make = () => new ShardManager(new BotAuthentication("token"), 1, client, options);
  assertThrows(make, TypeError, "identifyReserve needs the identifyRateLimiter to be left out");
});

test("ShardManager.presence cannot be set to what no shard could identify with", async () => {
  await using rig = await managerRig();
  const { manager } = rig;
  const idle = { status: "idle", activities: [], afk: false, since: null } as unknown as PresenceUpdateData;
  manager.presence = idle;
  for (const wrong of [5, "idle", {}, { status: "away", activities: [] }]) {
    assertThrows(() => manager.presence = wrong as never, TypeError);
  }
  const long = { ...idle, activities: [{ name: "x".repeat(4_096), type: 0 }] };
  assertThrows(() => manager.presence = long as never, RangeError, "4096");
  assertEquals(manager.presence, idle);
});

test("ShardManager rejects options of another type, and never throws them", async () => {
  await using rig = await managerRig();
  await rig.up();
  for (const options of [null, 5, "options"] as never[]) {
    await assertRejects(() => rig.manager.close(options), TypeError, "options");
    await assertRejects(() => rig.manager.rescaleShards(2, undefined, options), TypeError, "options");
  }
  await assertRejects(() => rig.manager.rescaleShards(2, undefined, { signal: 5 as never }), TypeError, "signal");
  await assertRejects(() => rig.manager.rescaleShards(2, null as never), TypeError, "shardIds");
  assertEquals(rig.manager.activeShards.length, 1);
});

test("ShardManager tells each time that the gateway cannot be asked, and goes on", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true });
  const told: [attempt: number, error: string, cause: string, shardId: number | null][] = [];
  rig.manager.dispatcher.listen("reconnecting", ({ attempt, delayMs, error }, { shardId }) => {
    assert(delayMs >= 0);
    told.push([attempt, error.name, (error.cause as Error).name, shardId]);
  });
  rig.gateway.rejectHttp(503, 2);
  const connecting = rig.manager.connect();
  await time.pass(60_000);
  await connecting;
  assertEquals(told, [[1, "DisconnectError", "HTTPError", null], [2, "DisconnectError", "HTTPError", null]]);
});

test("ShardManager.connect goes on where one of its shards is closed meanwhile", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 2, maxConcurrency: 1 } });
  const connecting = rig.manager.connect();
  await time.pass(100);
  await rig.shards[1]?.close();
  await connecting;
  await time.pass(60_000);
  assertEquals(rig.shards.map(({ phase }) => phase), ["ready", "closed"]);
  assertEquals(rig.criticals, []);
  await rig.manager.close();
  await rig.manager.closed;
});

test("ShardManager says InvalidStateError to what needs a connection before there is one", async () => {
  await using rig = await managerRig();
  const { manager } = rig;
  const errors = [
    assertThrows(() => manager.shardFor("1"), DOMException),
    await assertRejects(() => manager.rescaleShards(2), DOMException, "not connected"),
  ] as DOMException[];
  assertEquals(errors.map(({ name }) => name), ["InvalidStateError", "InvalidStateError"]);
  assertEquals([manager.activeShards, manager.pendingShards], [[], []]);
});

test("ShardManager says InvalidStateError to a second connect, and goes on with the first", async () => {
  await using rig = await managerRig();
  const first = rig.manager.connect();
  const error = await assertRejects(() => rig.manager.connect(), DOMException, "connected, or about to be");
  assertEquals(error.name, "InvalidStateError");
  await first;
  await assertRejects(() => rig.manager.connect(), DOMException);
  await rig.ready();
  assertEquals([rig.gateway.identifies.length, rig.criticals], [1, []]);
});

test("ShardManager says InvalidStateError to a connect while it is being closed", async () => {
  await using rig = await managerRig();
  await rig.up();
  const closing = rig.manager.close({ cleanup: false });
  await assertRejects(() => rig.manager.connect(), DOMException, "being closed");
  await closing;
  await rig.up();
  assertEquals(rig.gateway.resumes.map(({ outcome }) => outcome), ["resumed"]);
});

test("ShardManager hands on what its shards receive and tell, with the shard's id", async () => {
  await using rig = await managerRig({ gateway: { ...ALL_AT_ONCE, shards: 2, guilds: 2 } });
  const { manager } = rig;
  const heard: string[] = [];
  const hear = (name: string) => (_: unknown, { shardId }: { shardId: number | null }) =>
    heard.push(`${name} ${shardId}`);
  manager.rawDispatcher.listen(10, hear("HELLO"));
  manager.eventDispatcher.listen("READY", hear("READY"));
  manager.dispatcher.listen("ready", hear("ready"));
  manager.dispatcher.listen("sent", ({ op }, { shardId }) => heard.push(`sent ${op} ${shardId}`));
  await rig.up();
  const expected = [0, 1].flatMap((id) => [`HELLO ${id}`, `READY ${id}`, `ready ${id}`, `sent 2 ${id}`]);
  assertEquals(heard.filter((one) => !one.startsWith("sent 1 ")).sort(), expected.sort());
});

test("ShardManager's listeners come after the shard's own, with the same event", async () => {
  await using rig = await managerRig();
  await rig.up();
  const order: [string, Event][] = [];
  rig.manager.eventDispatcher.listen("MESSAGE_CREATE", (_, event) => order.push(["manager", event]));
  rig.shards[0]?.eventDispatcher.listen("MESSAGE_CREATE", (_, event) => order.push(["shard", event]));
  const message = rig.manager.eventDispatcher.waitFor("MESSAGE_CREATE");
  rig.say("hello");
  await message;
  assertEquals(order.map(([who]) => who), ["shard", "manager"]);
  assertStrictEquals(order[0]?.[1], order[1]?.[1]);
});

test("ShardManager.shardFor finds the shard of a guild", async () => {
  await using rig = await managerRig({ gateway: ALL_AT_ONCE, manager: { shardCount: 4, shardIds: [0, 1, 2] } });
  await rig.up();
  for (const { id } of rig.gateway.guilds) {
    const shardId = Number((BigInt(id) >> 22n) % 4n);
    for (const guildId of [id, BigInt(id)]) {
      if (shardId === 3) assertThrows(() => rig.manager.shardFor(guildId), RangeError, "shard 3");
      else assertEquals(rig.manager.shardFor(guildId).shardId, shardId);
    }
  }
  assertThrows(() => rig.manager.shardFor("guild"), TypeError, "snowflake");
});

test("ShardManager tells active shards from pending ones", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 3 } });
  const { manager } = rig;
  const connecting = manager.connect();
  await time.pass(100);
  const ids = () => [manager.activeShards, manager.pendingShards].map((shards) => shards.map(({ shardId }) => shardId));
  assertEquals(ids(), [[0], [1, 2]]);
  await time.pass(5_250);
  assertEquals(ids(), [[0, 1], [2]]);
  await time.pass(5_250);
  await connecting;
  assertEquals(ids(), [[0, 1, 2], []]);
  await manager.close();
  assertEquals(ids(), [[], [0, 1, 2]]);
});

test("ShardManager.connect resolves once the last shard has its turn", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 3 } });
  let isConnected = false;
  const connecting = rig.manager.connect().then(() => isConnected = true);
  await time.pass(10_499);
  assertEquals(isConnected, false);
  await time.pass(1);
  await connecting;
});

test("ShardManager gives shards its presence, that of now", async () => {
  const presence = (status: "idle" | "dnd") => ({ since: null, activities: [], status, afk: false }) as never;
  await using rig = await managerRig({ gateway: ALL_AT_ONCE, manager: { presence: presence("idle"), shardCount: 2 } });
  assertEquals(rig.manager.presence, presence("idle"));
  rig.manager.presence = presence("dnd");
  await rig.up();
  const statuses = rig.gateway.identifies.map(({ d }) => (d as { presence: { status: string } }).presence.status);
  assertEquals(statuses, ["dnd", "dnd"]);
});

test("ShardManager that is given a token that is not valid says so once and does not try again", async () => {
  await using rig = await managerRig({ token: "wrong-token", violates: true });
  const { manager } = rig;
  const closed = assertRejects(() => manager.closed, InvalidTokenError);
  const error = await assertRejects(() => manager.connect(), InvalidTokenError, "run the doctor");
  await closed;
  assertEquals(rig.criticals, [error]);
  assertEquals([rig.gateway.httpRequests.length, rig.gateway.connections.length], [1, 0]);
});

test("ShardManager names the doctor whatever keeps it from asking for the gateway, and says what that was", async () => {
  class NotCapable extends Error {
    override name = "NotCapable";
  }
  const page = () => new Response("<html>Sign in to this network</html>");
  const cases: [fetch: () => Promise<Response>, text: string, cause: string][] = [
    [
      () => Promise.resolve(Response.json({ message: "Missing Access" }, { status: 403 })),
      "Missing Access",
      "HTTPError",
    ],
    [() => Promise.resolve(page()), "the answer is not JSON", "HTTPError"],
    [() => Promise.reject(new NotCapable("Requires net access")), "Requires net access", "NotCapable"],
  ];
  for (const [fetch, text, cause] of cases) {
    using httpClient = new HTTPClient({ fetch });
    await using manager = new ShardManager(new BotAuthentication("token"), 0, httpClient);
    const criticals: Error[] = [];
    manager.dispatcher.listen("critical", (error) => criticals.push(error));
    const closed = assertRejects(() => manager.closed, GatewayError);
    const error = await assertRejects(() => manager.connect(), GatewayError, text);
    assertStringIncludes(error.message, "; run the doctor: deno run");
    assertEquals((error.cause as Error).name, cause);
    assertEquals([criticals, await closed], [[error], error]);
  }
});

test("ShardManager.connect waits as a 429 says", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true });
  rig.gateway.rejectHttp(429, 1, { retryAfter: 3 });
  const connecting = rig.manager.connect();
  await time.pass(2_999);
  assertEquals(rig.gateway.httpRequests.length, 1);
  await time.pass(2_000);
  await connecting;
  assertEquals([rig.gateway.httpRequests.length, rig.criticals], [2, []]);
});

test("ShardManager.connect tries again after 5xx and network faults, for as long as it takes", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true });
  rig.gateway.rejectHttp(503, 2);
  rig.gateway.rejectHttp(520, 1, { html: true });
  rig.gateway.dropHttp(2);
  const connecting = rig.manager.connect();
  await time.pass(120_000);
  await connecting;
  await rig.ready();
  assertEquals(rig.gateway.httpRequests.map(({ status }) => status), [503, 503, 520, 0, 0, 200]);
  assertEquals(rig.criticals, []);
});

test("ShardManager.connect rejects with an AbortError where it is closed meanwhile, and nothing is left", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 3 } });
  const { manager } = rig;
  rig.gateway.rejectHttp(503);
  for (const untilMs of [0, 100, 2_000, 6_000]) {
    const connecting = manager.connect();
    await time.pass(untilMs);
    const failed = assertRejects(() => connecting, DOMException);
    await manager.close();
    assertEquals((await failed).name, "AbortError");
    await manager.closed;
    assertEquals([rig.gateway.openConnections, rig.criticals], [0, []]);
  }
});

test("ShardManager connects no shard where it is closed in the moment of the gateway's answer", async () => {
  await using rig = await managerRig({
    manager: {
      identifyRateLimiter: {
        acquire: () => Promise.reject(new Error("Not needed")),
        update: () => void rig.manager.close(),
      },
    },
  });
  const error = await assertRejects(() => rig.manager.connect(), DOMException);
  assertEquals([error.name, rig.manager.shards.size], ["AbortError", 0]);
});

test("ShardManager takes an identify limiter of the user's, and tells it what the gateway said", async () => {
  const asked: number[] = [];
  const told: number[] = [];
  await using rig = await managerRig({
    gateway: { ...ALL_AT_ONCE, shards: 2 },
    manager: {
      identifyRateLimiter: {
        acquire: ({ shardId, shardCount }) => {
          asked.push(shardId, shardCount);
          return Promise.resolve({ sent: () => {}, [Symbol.dispose]: () => {} });
        },
        update: ({ max_concurrency }) => told.push(max_concurrency),
      },
    },
  });
  await rig.up();
  assertEquals([asked, told], [[0, 2, 1, 2], [16]]);
});

test("ShardManager does not show its token", async () => {
  // Put together, because Bun shows the source of where an error was made.
  const token = ["canary", "token"].join("-");
  await using rig = await managerRig({ token, violates: true });
  assertEquals(rig.manager.token, token);
  assert(!JSON.stringify(rig.manager).includes(token));
  const { Deno, Bun } = globalThis as unknown as Record<string, { inspect(value: unknown, options?: object): string }>;
  const options = { depth: 10, getters: true, showHidden: true };
  for (const value of [rig.manager, { manager: rig.manager }, new Error("x", { cause: rig.manager })]) {
    for (const show of [inspect, (Deno ?? Bun)!.inspect]) {
      assert(!show(value, options).includes(token), show(value, options));
    }
  }
  assertEquals(inspect(rig.manager), "ShardManager { shards: 0, of: null }");
  assert(!Object.keys(rig.manager).includes("token"));
});

test("ShardManager keeps its shards through disconnects", async () => {
  using _ = fixedRandom();
  await using rig = await managerRig({ gateway: { ...ALL_AT_ONCE, shards: 2 } });
  await rig.up();
  const resumed = Promise.all([0, 1].map((id) =>
    new Promise<void>((resolve) => {
      rig.manager.dispatcher.listen("resumed", (_, { shardId }) => {
        if (shardId === id) resolve();
      });
    })
  ));
  rig.gateway.reconnect();
  await resumed;
  assertEquals(rig.gateway.resumes.map(({ shardId }) => shardId).sort(), [0, 1]);
});
