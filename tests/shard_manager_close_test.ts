import {
  BotAuthentication,
  DisallowedIntentsError,
  InvalidTokenError,
  MemorySessionStore,
  Shard,
  ShardManager,
} from "@gangway/gateway";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "./harness.ts";
import { captureErrors, type ManagerRig, managerRig } from "./shard_manager_rig.ts";
import { fakeTime } from "./shard_rig.ts";

const TWO_SHARDS = { shards: 2, maxConcurrency: 2, guilds: 2 };

/** The codes that the manager closed connections with. */
function codes({ gateway }: ManagerRig): number[] {
  return gateway.closes.filter(({ initiator }) => initiator === "client").map(({ code }) => code);
}

test("ShardManager.close ends the sessions, and resolves closed", async () => {
  await using rig = await managerRig({ unlimited: true, gateway: TWO_SHARDS });
  await rig.up();
  const { closed } = rig.manager;
  await rig.manager.close();
  await closed;
  assertEquals([codes(rig), rig.gateway.openConnections], [[1000, 1000], 0]);
  assertEquals(rig.shards.map(({ phase, session }) => [phase, session]), [["closed", null], ["closed", null]]);
  await rig.up();
  assertEquals([rig.gateway.identifies.length, rig.gateway.resumes.length], [4, 0]);
});

test("ShardManager.close keeps the sessions without cleanup, and another connect resumes them", async () => {
  await using rig = await managerRig({ gateway: TWO_SHARDS });
  await rig.up();
  const { shards } = rig;
  await rig.manager.close({ cleanup: false });
  assertEquals(codes(rig), [4900, 4900]);
  const heard = rig.hear();
  rig.say("missed");
  await rig.up();
  assertEquals([rig.gateway.identifies.length, rig.gateway.resumes.length], [2, 2]);
  assert(shards.every((shard, index) => shard === rig.shards[index]));
  assertEquals(heard.length, 2);
});

test("ShardManager.closed is a new promise in a new life", async () => {
  await using rig = await managerRig({ unlimited: true });
  await rig.up();
  await rig.manager.close();
  await rig.manager.closed;
  await rig.up();
  let isClosed = false;
  const closed = rig.manager.closed.then(() => isClosed = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isClosed, false);
  await rig.manager.close();
  await closed;
});

test("ShardManager can be closed before it was connected, and twice", async () => {
  await using rig = await managerRig();
  await rig.manager.close();
  await rig.manager.closed;
  await rig.up();
  await Promise.all([rig.manager.close({ cleanup: false }), rig.manager.close({ cleanup: false })]);
  await rig.manager.close({ cleanup: false });
  assertEquals([codes(rig), rig.gateway.openConnections], [[4900], 0]);
});

test("ShardManager that is disposed of ends its sessions where there is no store", async () => {
  await using rig = await managerRig();
  await rig.up();
  await rig.manager[Symbol.asyncDispose]();
  assertEquals(codes(rig), [1000]);
});

test("ShardManager that is disposed of keeps its sessions where there is a store, for the next one", async () => {
  const sessionStore = new MemorySessionStore();
  await using rig = await managerRig({ gateway: TWO_SHARDS, manager: { sessionStore } });
  await rig.up();
  await rig.manager[Symbol.asyncDispose]();
  assertEquals(codes(rig), [4900, 4900]);
  assertEquals((await sessionStore.load("1-2"))?.shardId, 1);
  await rig.up();
  assertEquals([rig.gateway.identifies.length, rig.gateway.resumes.length], [2, 2]);
  await rig.manager.close();
  assertEquals([await sessionStore.load("0-2"), await sessionStore.load("1-2")], [null, null]);
});

test("ShardManager ends with the signal of its lifetime, with the sessions kept", async () => {
  const lifetime = new AbortController();
  await using rig = await managerRig({ gateway: TWO_SHARDS, manager: { signal: lifetime.signal } });
  await rig.up();
  const { closed } = rig.manager;
  const reason = new Error("enough");
  const waiting = rig.manager.eventDispatcher.waitFor("MESSAGE_CREATE");
  lifetime.abort(reason);
  await closed;
  for (const promise of [waiting, ...rig.shards.map((shard) => shard.ready)]) {
    assertStrictEquals(await promise.catch((error) => error), reason);
  }
  assertEquals([codes(rig), rig.gateway.openConnections, rig.criticals], [[4900, 4900], 0, []]);
  await assertRejects(() => rig.manager.connect(), Error, "enough");
});

for (const untilMs of [0, 50, 6_000]) {
  test(`ShardManager.connect rejects with the reason of the lifetime's signal: after ${untilMs} ms`, async () => {
    using time = fakeTime();
    const lifetime = new AbortController();
    await using rig = await managerRig({
      memory: true,
      gateway: { shards: 3 },
      manager: { signal: lifetime.signal },
    });
    const { closed } = rig.manager;
    const connecting = rig.manager.connect();
    await time.pass(untilMs);
    const reason = new RangeError("enough");
    lifetime.abort(reason);
    assertStrictEquals(await connecting.catch((error) => error), reason);
    await time.pass(10_000);
    await closed;
    assertEquals([rig.criticals, time.timers()], [[], 0]);
  });
}

test("ShardManager is closed where the signal of its lifetime aborts before it is connected", async () => {
  const lifetime = new AbortController();
  const options = { manager: { signal: lifetime.signal } };
  await using before = await managerRig(options);
  const { closed } = before.manager;
  const reason = new Error("enough");
  lifetime.abort(reason);
  await closed;
  await using after = await managerRig(options);
  await after.manager.closed;
  for (const { manager } of [before, after]) {
    assertStrictEquals(await manager.connect().catch((error) => error), reason);
    await manager.closed;
  }
});

test("ShardManager leaves nothing on the signal of its lifetime when it is closed", async () => {
  let listening = 0;
  const lifetime = new AbortController();
  const { addEventListener, removeEventListener } = lifetime.signal;
  lifetime.signal.addEventListener = (...args: [string, EventListener]) => {
    listening++;
    addEventListener.apply(lifetime.signal, args);
  };
  lifetime.signal.removeEventListener = (...args: [string, EventListener]) => {
    listening--;
    removeEventListener.apply(lifetime.signal, args);
  };
  await using rig = await managerRig({ manager: { signal: lifetime.signal } });
  assertEquals(listening, 1);
  await rig.manager.close();
  assertEquals(listening, 0);
});

test("ShardManager.connect rejects with an AbortError where the lifetime ends meanwhile", async () => {
  const lifetime = new AbortController();
  await using rig = await managerRig({ manager: { signal: lifetime.signal } });
  const connecting = rig.manager.connect();
  lifetime.abort();
  await assertRejects(() => connecting, DOMException);
  await rig.manager.closed;
  assertEquals([rig.gateway.connections.length, rig.criticals], [0, []]);
});

test("ShardManager rejects what waits for its events when it is closed", async () => {
  await using rig = await managerRig();
  await rig.up();
  const waiting = rig.manager.eventDispatcher.waitFor("MESSAGE_CREATE");
  const failed = assertRejects(() => waiting, DOMException);
  await rig.manager.close();
  assertEquals((await failed).name, "AbortError");
});

/** What a wait that was taken now, and an iteration, end with. */
function waits(
  { eventDispatcher, dispatcher }: Pick<ShardManager, "eventDispatcher" | "dispatcher">,
): Promise<unknown>[] {
  const take = [eventDispatcher.waitFor("MESSAGE_CREATE"), dispatcher.events("lag").next()];
  return take.map((promise) => promise.then((value) => value, (error) => error.name));
}

test("ShardManager and Shard reject what waits for their events, whenever it was taken before they were closed", async () => {
  await using rig = await managerRig({ unlimited: true });
  const limiter = rig.manager.identifyRateLimiter;
  for (const connects of [true, false]) {
    await using manager = new ShardManager(new BotAuthentication(rig.gateway.token), 0, rig.client);
    await using shard = new Shard(0, 1, 0, rig.gateway.token, limiter, rig.client);
    for (const owner of [manager, shard]) {
      const early = waits(owner);
      if (connects) await owner.connect();
      await owner.close();
      assertEquals(await Promise.all(early), ["AbortError", "AbortError"]);
      assertEquals(await Promise.all(waits(owner)), ["AbortError", "AbortError"]);
    }
  }
});

test("ShardManager rejects what waits for its events with the reason of its lifetime, and with the critical error", async () => {
  await using rig = await managerRig({ token: "wrong", violates: true });
  const early = waits(rig.manager);
  await assertRejects(() => rig.manager.connect(), InvalidTokenError);
  assertEquals(await Promise.all(early), ["InvalidTokenError", "InvalidTokenError"]);
  const controller = new AbortController();
  const authentication = new BotAuthentication("token");
  await using manager = new ShardManager(authentication, 0, rig.client, { signal: controller.signal });
  const waiting = manager.eventDispatcher.waitFor("READY").catch((error) => error);
  controller.abort(new RangeError("over"));
  assertEquals((await waiting).message, "over");
});

test("ShardManager that connects again has a life whose events can be waited for", async () => {
  await using rig = await managerRig({ unlimited: true });
  for (let life = 0; life < 2; life++) {
    const connecting = rig.manager.connect();
    const ready = rig.manager.eventDispatcher.waitFor("READY");
    await connecting;
    await ready;
    await rig.manager.close();
  }
});

test("ShardManager ends with the critical error of a shard, tells of it once and keeps the sessions", async () => {
  await using rig = await managerRig({ gateway: TWO_SHARDS });
  await rig.up();
  const told: (number | null)[] = [];
  rig.manager.dispatcher.listen("critical", (_, { shardId }) => told.push(shardId));
  const waiting = rig.manager.eventDispatcher.waitFor("MESSAGE_CREATE");
  const failed = assertRejects(() => waiting, DisallowedIntentsError);
  rig.gateway.disconnect(4014, { shardId: 1 });
  const error = await assertRejects(() => rig.manager.closed, DisallowedIntentsError);
  await failed;
  assertEquals([told, rig.criticals], [[1], [error]]);
  assertEquals([codes(rig), rig.gateway.openConnections], [[4900], 0]);
  assertEquals(rig.shards.map(({ phase }) => phase), ["closed", "closed"]);
  assertStrictEquals(await rig.shards[1]?.closed.catch((error) => error), error);
});

test("ShardManager can be connected again after a critical error, and resumes what lives", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, unlimited: true, gateway: TWO_SHARDS });
  await rig.up();
  rig.gateway.disconnect(4014, { shardId: 1 });
  await assertRejects(() => rig.manager.closed, DisallowedIntentsError);
  const connecting = rig.up();
  await time.pass(60_000);
  await connecting;
  assertEquals(rig.gateway.resumes.filter(({ shardId }) => shardId === 0).map(({ outcome }) => outcome), ["resumed"]);
  await rig.manager.close();
  await rig.manager.closed;
});

test("ShardManager.connect rejects with a critical error that comes while shards wait for their turn", async () => {
  await using rig = await managerRig({ gateway: { shards: 3, allowedIntents: 1 } });
  const connecting = rig.manager.connect();
  const error = await assertRejects(() => connecting, DisallowedIntentsError);
  assertStrictEquals(await rig.manager.closed.catch((error) => error), error);
  assertEquals([rig.criticals, rig.gateway.identifies.length], [[error], 1]);
});

test("ShardManager.closed rejects where it is closed because of a critical error by its listener", async () => {
  await using rig = await managerRig({ gateway: TWO_SHARDS });
  await rig.up();
  rig.manager.dispatcher.listen("critical", () => rig.manager.close());
  rig.gateway.disconnect(4014);
  await assertRejects(() => rig.manager.closed, DisallowedIntentsError);
  assertEquals(rig.criticals.length, 1);
});

test("ShardManager lets a bot end: after close, and after a critical error", async () => {
  async function bot(rig: ManagerRig): Promise<string> {
    try {
      await using manager = rig.manager;
      await manager.connect();
      await manager.closed;
      return "closed";
    } catch (error) {
      return (error as Error).name;
    }
  }
  await using one = await managerRig();
  const running = bot(one);
  await one.gateway.next("identify", () => true, { past: true });
  await one.manager.close();
  assertEquals(await running, "closed");
  await using other = await managerRig({ gateway: { allowedIntents: 0 } });
  assertEquals(await bot(other), "DisallowedIntentsError");
  await using wrong = await managerRig({ token: "wrong-token", violates: true });
  assertEquals(await bot(wrong), "InvalidTokenError");
});

test("ShardManager prints a critical error that nobody would learn of, once", async () => {
  using errors = captureErrors();
  await using rig = await managerRig({ gateway: TWO_SHARDS, deaf: true });
  await rig.up();
  rig.gateway.disconnect(4014);
  const error = await rig.shards[0]?.closed.catch((error) => error);
  await rig.manager.close();
  await assertRejects(() => rig.manager.closed, DisallowedIntentsError);
  assertEquals(errors.printed, [error]);
});

test("ShardManager prints a token that is not valid, once", async () => {
  using errors = captureErrors();
  await using rig = await managerRig({ token: "wrong-token", deaf: true, violates: true });
  const error = await assertRejects(() => rig.manager.connect(), InvalidTokenError);
  assertEquals(errors.printed, [error]);
});

for (const who of ["closed", "the manager's critical", "the shard's critical"] as const) {
  test(`ShardManager prints no critical error that ${who} tells`, async () => {
    using errors = captureErrors();
    await using rig = await managerRig({ deaf: true });
    await rig.up();
    if (who === "closed") void rig.manager.closed;
    else (who === "the shard's critical" ? rig.shards[0] : rig.manager)?.dispatcher.listen("critical", () => {});
    rig.gateway.disconnect(4014);
    await rig.gateway.next("close", () => true, { past: true });
    await rig.shards[0]?.closed.catch(() => {});
    assertEquals(errors.printed, []);
  });
}

test("ShardManager's promises need nobody who waits for them", async () => {
  using time = fakeTime();
  using _ = captureErrors();
  await using rig = await managerRig({ memory: true, deaf: true, gateway: { allowedIntents: 0 } });
  void rig.manager.connect();
  void rig.manager.connect();
  void rig.manager.rescaleShards(2);
  await time.pass(1_000);
  assertEquals(rig.shards.map(({ phase }) => phase), ["closed"]);
});
