import {
  DisallowedIntentsError,
  MemorySessionStore,
  type PresenceUpdateData,
  type RescaledData,
} from "@gangway/gateway";
import { assert, assertEquals, assertExists, assertGreater, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "./harness.ts";
import { type ManagerRig, managerRig, type ManagerRigOptions } from "./shard_manager_rig.ts";
import { type FakeTime, fakeTime, fixedRandom } from "./shard_rig.ts";

/** How long bringing up, overlap and end take where all may identify at once. */
const ALL_MS = 12_000;

/** The switch is this long after all new shards are ready, at the latest. */
const SWITCH_MS = 5_000;

/** It cannot be made sooner, whenever the heartbeats are that fall due by themselves: two times the skew of the sets. */
const LEAST_SWITCH_MS = 4_000;

/** A connected manager whose messages are counted, and time that passes with messages all along. */
class Traffic implements AsyncDisposable {
  readonly rig: ManagerRig;
  readonly rescales: RescaledData[] = [];
  readonly #time: FakeTime;
  readonly #heard: string[];
  #raw: string[] = [];
  #said: string[] = [];

  constructor(rig: ManagerRig, time: FakeTime) {
    this.rig = rig;
    this.#time = time;
    this.#heard = rig.hear();
    rig.manager.dispatcher.listen("rescaled", (data) => this.rescales.push(data));
    rig.manager.rawDispatcher.listen(0, ({ t, d }) => {
      if (t === "MESSAGE_CREATE") this.#raw.push((d as { content: string }).content);
    });
  }

  /** Lets time pass with a message in one of the guilds every 50 ms. */
  async flow(ms: number): Promise<void> {
    const { gateway } = this.rig;
    for (let passed = 0; passed < ms; passed += 50) {
      const content = `${this.#said.length}`;
      const guild = gateway.guilds[this.#said.length % gateway.guilds.length];
      this.#said.push(content);
      gateway.user("Ann").says(content, { channelId: guild?.channels[0]?.id });
      await this.#time.pass(50);
    }
  }

  /** Lets what is still under way arrive, and asserts that every message came once. */
  async assertOnce(): Promise<void> {
    await this.#time.pass(5_000);
    assertEquals(sorted(this.#heard), sorted(this.#said));
    assertEquals(sorted(this.#raw), sorted(this.#said));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }
}

function sorted(contents: readonly string[]): string[] {
  return contents.toSorted((a, b) => Number(a) - Number(b));
}

/** A manager of some shards that may identify whenever they like, connected. */
async function traffic(
  time: FakeTime,
  shardCount: number,
  options: ManagerRigOptions = {},
  upMs = 100,
): Promise<Traffic> {
  const rig = await managerRig({
    memory: true,
    unlimited: true,
    ...options,
    gateway: { guilds: 4, maxConcurrency: 16, ...options.gateway },
    manager: { shardCount, ...options.manager },
  });
  const connecting = rig.up();
  await time.pass(upMs);
  await connecting;
  return new Traffic(rig, time);
}

for (const [from, to] of [[1, 2], [2, 4], [4, 1], [2, 3]] as const) {
  test(`ShardManager.rescaleShards goes from ${from} to ${to} shards without losing or doubling an event`, async () => {
    using time = fakeTime();
    await using flowing = await traffic(time, from);
    const { rig, rescales } = flowing;
    await flowing.flow(1_000);
    const rescaling = rig.manager.rescaleShards(to);
    await flowing.flow(ALL_MS);
    await rescaling;
    await flowing.flow(1_000);
    await flowing.assertOnce();
    const ids = Array.from({ length: to }, (_, id) => id);
    assertEquals(rescales.map(({ shardCount, shardIds, unmatched }) => [shardCount, shardIds, unmatched]), [[
      to,
      ids,
      0,
    ]]);
    assertGreater(rescales[0]?.matched ?? 0, 0);
    assertEquals([rig.manager.shardCount, rig.manager.shardIds, rig.gateway.openConnections], [to, ids, to]);
    assertEquals(rig.gateway.closes.map(({ code }) => code), Array(from).fill(1000));
  });
}

/** Delays what a socket receives, so that one set of shards is behind the other. */
function delayed(socket: WebSocket, delayMs: number): WebSocket {
  const addEventListener = socket.addEventListener.bind(socket) as EventTarget["addEventListener"];
  function listen(type: string, listener: (event: Event) => void, options?: AddEventListenerOptions): void {
    if (type !== "message") return addEventListener(type, listener, options);
    addEventListener(type, (event) => {
      setTimeout(() => {
        if (!options?.signal?.aborted) listener(event);
      }, delayMs);
    }, options);
  }
  socket.addEventListener = listen as WebSocket["addEventListener"];
  return socket;
}

for (const [oldMs, newMs] of [[0, 1_900], [1_900, 0], [700, 300]] as const) {
  test(`ShardManager.rescaleShards matches copies that are ${oldMs} ms and ${newMs} ms late`, async () => {
    using time = fakeTime();
    let delayMs: number = oldMs;
    const createWebSocket: ManagerRigOptions["createWebSocket"] = (url, gateway) =>
      delayed(gateway.createWebSocket(url), delayMs);
    await using flowing = await traffic(time, 1, { createWebSocket }, 10_000);
    delayMs = newMs;
    const rescaling = flowing.rig.manager.rescaleShards(2);
    await flowing.flow(ALL_MS + 12_000);
    await rescaling;
    await flowing.assertOnce();
    assertEquals(flowing.rescales[0]?.unmatched, 0);
  });
}

test("ShardManager.rescaleShards changes over only once every new shard is ready", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  const [old] = flowing.rig.shards;
  gateway.withholdReady();
  const rescaling = manager.rescaleShards(2);
  await flowing.flow(20_000);
  assertEquals([manager.shardCount, manager.shards.get(0) === old], [1, true]);
  assertEquals(manager.pendingShards.map(({ shardId, shardCount }) => [shardId, shardCount]), [[0, 2], [1, 2]]);
  gateway.withholdReady(false);
  await flowing.flow(LEAST_SWITCH_MS - 100);
  assertEquals([manager.shardCount, manager.shards.get(0) === old], [1, true]);
  await flowing.flow(SWITCH_MS - LEAST_SWITCH_MS + 200);
  assertEquals([manager.shardCount, manager.shards.size, manager.pendingShards], [2, 2, []]);
  assert(!flowing.rig.shards.includes(old as NonNullable<typeof old>));
  // What is asked of the manager is answered for the new shards from here on.
  for (const { id } of gateway.guilds) assertEquals(manager.shardFor(id).shardCount, 2);
  await flowing.flow(ALL_MS);
  await rescaling;
  await flowing.assertOnce();
});

test("ShardManager.rescaleShards waits for the guilds of the new shards", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  gateway.withholdGuilds();
  const rescaling = manager.rescaleShards(2);
  await flowing.flow(20_000);
  assertEquals(manager.shardCount, 1);
  gateway.withholdGuilds(false);
  await flowing.flow(SWITCH_MS + 100);
  assertEquals(manager.shardCount, 2);
  await flowing.flow(ALL_MS);
  await rescaling;
  await flowing.assertOnce();
});

test("ShardManager.rescaleShards waits for guilds 30 seconds and no longer", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  gateway.withholdGuilds();
  const rescaling = manager.rescaleShards(2);
  await flowing.flow(30_000 + LEAST_SWITCH_MS - 200);
  assertEquals(manager.shardCount, 1);
  await flowing.flow(SWITCH_MS - LEAST_SWITCH_MS + 400);
  assertEquals(manager.shardCount, 2);
  await flowing.flow(ALL_MS);
  await rescaling;
  await flowing.assertOnce();
});

test("ShardManager.rescaleShards needs no guilds where the intents bring none", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1, { intents: 512 | 32_768 });
  const rescaling = flowing.rig.manager.rescaleShards(2);
  await flowing.flow(SWITCH_MS + 200);
  assertEquals(flowing.rig.manager.shardCount, 2);
  await flowing.flow(ALL_MS);
  await rescaling;
  await flowing.assertOnce();
});

for (const [when, ms] of [["while the new shards come up", 100], ["during the overlap", 3_000]] as const) {
  test(`ShardManager.rescaleShards that is called off ${when} leaves the shards as they were`, async () => {
    using time = fakeTime();
    await using flowing = await traffic(time, 1);
    const { manager, gateway } = flowing.rig;
    const [shard] = flowing.rig.shards;
    const controller = new AbortController();
    if (ms === 100) gateway.withholdReady();
    const rescaling = manager.rescaleShards(2, undefined, { signal: controller.signal });
    await flowing.flow(ms);
    assertEquals(gateway.openConnections, 3);
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await rescaling.catch((error) => error), reason);
    gateway.withholdReady(false);
    assertEquals([manager.shardCount, manager.pendingShards, gateway.openConnections], [1, [], 1]);
    assertStrictEquals(manager.shards.get(0), shard);
    await flowing.flow(1_000);
    await flowing.assertOnce();
    const again = manager.rescaleShards(2);
    await flowing.flow(ALL_MS);
    await again;
    await flowing.assertOnce();
    assertEquals(flowing.rescales.length, 1);
  });
}

test("ShardManager.rescaleShards cannot be called off after the switch, and not begun with an aborted signal", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  const reason = new Error("enough");
  const aborted = AbortSignal.abort(reason);
  assertStrictEquals(await manager.rescaleShards(2, undefined, { signal: aborted }).catch((error) => error), reason);
  assertEquals(gateway.connections.length, 1);
  const controller = new AbortController();
  const rescaling = manager.rescaleShards(2, undefined, { signal: controller.signal });
  await flowing.flow(SWITCH_MS + 500);
  assertEquals(manager.shardCount, 2);
  controller.abort(reason);
  await flowing.flow(ALL_MS);
  await rescaling;
  await flowing.assertOnce();
});

test("ShardManager.rescaleShards says InvalidStateError during another, which goes on", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager } = flowing.rig;
  const rescaling = manager.rescaleShards(2);
  for (const ms of [0, 2_000, SWITCH_MS + 1_000]) {
    await flowing.flow(ms);
    const error = await assertRejects(() => manager.rescaleShards(3), DOMException, "under way");
    assertEquals(error.name, "InvalidStateError");
  }
  await flowing.flow(ALL_MS);
  await rescaling;
  const next = manager.rescaleShards(3);
  await flowing.flow(ALL_MS);
  await next;
  await flowing.assertOnce();
  assertEquals(flowing.rescales.map(({ shardCount }) => shardCount), [2, 3]);
});

test("ShardManager.rescaleShards is refused before it starts where it takes more identifies than may be used", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1, { unlimited: false, manager: { identifyReserve: 10 } });
  const { manager, gateway } = flowing.rig;
  gateway.setRemainingSessionStarts(13);
  const error = await assertRejects(() => manager.rescaleShards(4), DOMException, "takes 4 identifies, and 3");
  assertEquals([error.name, gateway.connections.length], ["InvalidStateError", 1]);
  const rescaling = manager.rescaleShards(4, [0, 1, 2]);
  await time.pass(ALL_MS + 6_000);
  await rescaling;
  assertEquals([manager.shardCount, manager.shardIds, gateway.remainingSessionStarts], [4, [0, 1, 2], 10]);
});

test("ShardManager.rescaleShards refuses numbers that are out of range", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager } = flowing.rig;
  for (const [count, ids] of [[0], [1.5], [2, [2]], [2, []], [2, [0, 0]]] as [number, number[]?][]) {
    await assertRejects(() => manager.rescaleShards(count, ids), RangeError);
  }
});

test("ShardManager.rescaleShards keeps the new sessions in the store, and needs another count there", async () => {
  using time = fakeTime();
  const sessionStore = new MemorySessionStore();
  await using flowing = await traffic(time, 1, { manager: { sessionStore } });
  const { manager } = flowing.rig;
  await time.pass(1_000);
  assert(await sessionStore.load("0-1") !== null);
  await assertRejects(() => manager.rescaleShards(1), RangeError, "session store");
  const rescaling = manager.rescaleShards(2);
  await flowing.flow(ALL_MS);
  await rescaling;
  await time.pass(1_000);
  const kept = await Promise.all(["0-1", "0-2", "1-2"].map((key) => sessionStore.load(key)));
  assertEquals(kept.map((session) => session?.id), [
    undefined,
    ...flowing.rig.shards.map(({ sessionId }) => sessionId),
  ]);
});

test("ShardManager.rescaleShards replaces shards by as many where there is no store", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 2);
  const before = flowing.rig.shards;
  const rescaling = flowing.rig.manager.rescaleShards(2);
  await flowing.flow(ALL_MS);
  await rescaling;
  await flowing.assertOnce();
  assert(flowing.rig.shards.every((shard, index) => shard !== before[index]));
});

test("ShardManager.rescaleShards tells of the new shards before they connect", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, unlimited: true, manager: { shardCount: 1 } });
  void rig.manager.connect();
  await time.pass(1_000);
  const told: unknown[] = [];
  rig.manager.dispatcher.listen("rescaling", (data) => {
    told.push(data, rig.manager.pendingShards.map(({ phase }) => phase));
  });
  const calledOff = new AbortController();
  const rescaled = rig.manager.rescaleShards(3, [0, 2], { signal: calledOff.signal });
  await time.pass(1_000);
  calledOff.abort();
  await rescaled.catch(() => {});
  assertEquals(told, [{ shardCount: 3, shardIds: [0, 2] }, ["idle", "idle"]]);
});

test("ShardManager keeps a number of shards it was rescaled to when it connects again", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { rig } = flowing;
  const rescaling = rig.manager.rescaleShards(4, [2, 1]);
  await time.pass(ALL_MS);
  await rescaling;
  await rig.manager.close({ cleanup: false });
  const connecting = rig.up();
  await time.pass(1_000);
  await connecting;
  assertEquals([rig.manager.shardCount, rig.manager.shardIds], [4, [1, 2]]);
  assertEquals(rig.gateway.resumes.map(({ outcome }) => outcome), ["resumed", "resumed"]);
});

for (
  const [when, ms] of [["before", 2_000], ["after", SWITCH_MS + 1_000], ["long after", SWITCH_MS + 4_000]] as const
) {
  test(`ShardManager can be closed ${when} the switch, and nothing is left running`, async () => {
    using time = fakeTime();
    await using flowing = await traffic(time, 1);
    const { manager, gateway } = flowing.rig;
    const rescaling = manager.rescaleShards(2);
    await flowing.flow(ms);
    const failed = assertRejects(() => rescaling, DOMException);
    await manager.close();
    assertEquals((await failed).name, "AbortError");
    await manager.closed;
    assertEquals([gateway.openConnections, flowing.rescales], [0, []]);
    assertEquals(gateway.closes.every(({ code }) => code === 1000), true);
    await flowing.assertOnce();
  });
}

test("ShardManager.rescaleShards rejects with the critical error of a new shard, and the others go on", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  for (const ms of [0, 3_000]) {
    gateway.withholdReady(ms === 0);
    const rescaling = manager.rescaleShards(2);
    await flowing.flow(ms + 500);
    const failed = assertRejects(() => rescaling, DisallowedIntentsError);
    gateway.disconnect(4014, { shardId: 1 });
    await flowing.flow(SWITCH_MS);
    await failed;
    assertEquals([manager.shardCount, gateway.openConnections, flowing.rig.criticals], [1, 1, []]);
    await flowing.assertOnce();
  }
});

test("ShardManager ends with the critical error of an old shard during a rescale", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 2);
  const { manager, gateway } = flowing.rig;
  const rescaling = manager.rescaleShards(1);
  await flowing.flow(2_000);
  const failed = Promise.all(
    [rescaling, manager.closed].map((one) => assertRejects(() => one, DisallowedIntentsError)),
  );
  gateway.disconnect(4014, { shardId: 1 });
  await time.pass(2_000);
  await failed;
  assertEquals([gateway.openConnections, flowing.rig.criticals.length], [0, 1]);
});

type Fault = (rig: ManagerRig) => void;

/** Shard 1 is there in one of the sets only: the old one, or the new one. */
const FAULTS: Record<string, Fault> = {
  "a network fault": ({ gateway }) => gateway.drop({ shardId: 1 }),
  "op 7": ({ gateway }) => gateway.reconnect({ shardId: 1 }),
  "op 9 with a session": ({ gateway }) => gateway.invalidateSession(true, { shardId: 1 }),
  "op 9 without a session": ({ gateway }) => gateway.invalidateSession(false, { shardId: 1 }),
};

for (const [name, fault] of Object.entries(FAULTS)) {
  for (const set of ["old", "new"] as const) {
    test(`ShardManager.rescaleShards loses and doubles nothing through ${name} in the ${set} set`, async () => {
      // A session that is lost after the old set was closed takes its events along, as without a rescale.
      const isAlone = name === "op 9 without a session" && set === "new";
      const until = isAlone ? SWITCH_MS + 2_400 : SWITCH_MS + 6_500;
      for (let at = 500; at < until; at += 750) {
        using time = fakeTime();
        using _ = fixedRandom(0.9);
        await using flowing = await traffic(time, set === "old" ? 2 : 1, { gateway: { guilds: 2 } });
        const rescaling = flowing.rig.manager.rescaleShards(set === "old" ? 1 : 2);
        await flowing.flow(at);
        fault(flowing.rig);
        await flowing.flow(25_000);
        await rescaling;
        await flowing.assertOnce();
        assertEquals(flowing.rig.criticals, []);
      }
    });
  }
}

test("ShardManager.rescaleShards loses and doubles nothing over real sockets, compressed", async () => {
  // The clock goes ahead of the sockets twenty times as fast, which is far within the skew that is allowed.
  const { setTimeout: sleep } = globalThis;
  using time = fakeTime();
  await using rig = await managerRig({ gateway: { guilds: 4 }, manager: { shardCount: 1 }, unlimited: true });
  await rig.up();
  const said: string[] = [];
  const heard = rig.hear();
  const rescales: RescaledData[] = [];
  rig.manager.dispatcher.listen("rescaled", (data) => rescales.push(data));
  const rescaling = rig.manager.rescaleShards(2);
  for (let step = 0; rescales.length === 0 && step < 5_000; step++) {
    const { channels } = rig.gateway.guilds[step % 4] as ManagerRig["gateway"]["guilds"][0];
    said.push(`${step}`);
    rig.gateway.user("Ann").says(`${step}`, { channelId: channels[0]?.id });
    await new Promise((resolve) => sleep(resolve, 1));
    await time.pass(20);
  }
  await rescaling;
  // What comes after the last message of each guild would be a double.
  const all = rig.gateway.guilds.map(({ channels }) => {
    const channelId = channels[0]?.id;
    const last = rig.manager.eventDispatcher.waitFor("MESSAGE_CREATE", (message) => message.channel_id === channelId);
    rig.gateway.user("Ann").says(`last of ${channelId}`, { channelId });
    return last;
  });
  said.push(...(await Promise.all(all)).map(({ content }) => content));
  assertEquals(heard.toSorted(), said.toSorted());
  assertEquals([rescales[0]?.unmatched, rig.gateway.openConnections], [0, 2]);
});

test("ShardManager.rescaleShards gives up where the new shards do not keep their connections for five minutes", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.1);
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  let failure: Error | null = null;
  const rescaling = manager.rescaleShards(2).catch((error) => void (failure = error));
  await flowing.flow(100);
  gateway.rejectUpgrade(503, 1_000);
  gateway.drop({ shardId: 1 });
  for (let passed = 0; passed < 310_000 && failure === null; passed += 2_000) await flowing.flow(2_000);
  await rescaling;
  assertEquals([(failure as Error | null)?.name, manager.shardCount, manager.pendingShards], ["TimeoutError", 1, []]);
  assertEquals(gateway.openConnections, 1);
  await flowing.assertOnce();
});

test("ShardManager.rescaleShards stores no progress of the new sessions before the switch", async () => {
  using time = fakeTime();
  const sessionStore = new MemorySessionStore();
  await using flowing = await traffic(time, 1, { manager: { sessionStore } });
  const rescaling = flowing.rig.manager.rescaleShards(2);
  await flowing.flow(LEAST_SWITCH_MS - 100);
  const stored = async () =>
    (await Promise.all(["0-2", "1-2"].map((key) => sessionStore.load(key)))).map((session) => session?.sequence);
  assertEquals(await stored(), [1, 1]);
  await flowing.flow(SWITCH_MS - LEAST_SWITCH_MS + 900);
  for (const sequence of await stored()) assertGreater(sequence ?? 0, 20);
  await flowing.flow(ALL_MS);
  await rescaling;
  await flowing.assertOnce();
});

/** How an old shard, the only one, is behind before a rescale begins. */
const BEHIND: Record<string, Fault> = {
  "is mute": ({ gateway }) => gateway.freeze(),
  "cannot resume": ({ gateway }) => {
    gateway.brickResumes();
    gateway.drop();
    setTimeout(() => gateway.brickResumes(false), 60_000);
  },
};

for (const [name, fault] of Object.entries(BEHIND)) {
  test(`ShardManager.rescaleShards waits for an old shard that ${name}`, async () => {
    using time = fakeTime();
    using _ = fixedRandom(0.9);
    await using flowing = await traffic(time, 1);
    await flowing.flow(1_000);
    fault(flowing.rig);
    await flowing.flow(3_000);
    const rescaling = flowing.rig.manager.rescaleShards(2);
    await flowing.flow(ALL_MS);
    assertEquals(flowing.rig.manager.shardCount, 1);
    await flowing.flow(180_000);
    await rescaling;
    await flowing.assertOnce();
    assertEquals(flowing.rescales.map(({ unmatched }) => unmatched), [0]);
  });
}

test("ShardManager.rescaleShards does without an old shard that cannot come back for five minutes", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 2, { gateway: { guilds: 2 } });
  const { gateway, manager } = flowing.rig;
  const rescaling = manager.rescaleShards(1);
  await flowing.flow(2_500);
  gateway.rejectUpgrade(503, 1_000);
  gateway.drop({ shardId: 1 });
  await flowing.flow(290_000);
  assertEquals(manager.shardCount, 2);
  await flowing.flow(40_000);
  await rescaling;
  await flowing.assertOnce();
  assertGreater(flowing.rescales[0]?.unmatched ?? 0, 2_900);
});

for (const set of ["old", "new"] as const) {
  test(`ShardManager.rescaleShards loses and doubles nothing through a stall of the ${set} set`, async () => {
    for (let at = 250; at < SWITCH_MS + 5_000; at += 1_250) {
      for (const ms of [2_500, 300_000]) {
        using time = fakeTime();
        await using flowing = await traffic(time, set === "old" ? 2 : 1, { gateway: { guilds: 2 } });
        const { gateway, manager } = flowing.rig;
        const rescaling = manager.rescaleShards(set === "old" ? 1 : 2);
        await flowing.flow(at);
        gateway.freeze({ shardId: 1 });
        await flowing.flow(Math.min(ms, 5_000));
        if (ms < 5_000) gateway.thaw({ shardId: 1 });
        await time.pass(ms < 5_000 ? 15_000 : 200_000);
        await rescaling;
        await time.pass(120_000);
        await flowing.assertOnce();
      }
    }
  });
}

test("ShardManager.rescaleShards hands commands that wait over to the shards that have the guilds", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  const [old] = flowing.rig.shards;
  const guildIds = gateway.guilds.map(({ id }) => id);
  const sent = Promise.all(
    Array.from({ length: 300 }, (_, index) => old?.requestSoundboardSounds([guildIds[index % 4] as string])),
  );
  const both = old?.requestSoundboardSounds(guildIds);
  const members = old?.requestGuildMembers(guildIds[1] as string, { query: "A", limit: 10 });
  const calledOff = new AbortController();
  const taken = old?.requestSoundboardSounds(guildIds, { signal: calledOff.signal }).catch((error) => error);
  const rescaling = manager.rescaleShards(2);
  await flowing.flow(1_000);
  calledOff.abort("taken back");
  await flowing.flow(ALL_MS);
  await rescaling;
  await time.pass(120_000);
  assertEquals([(await sent).length, await both, await taken], [300, undefined, "taken back"]);
  assert(Array.isArray(await members));
  const asked = gateway.received.filter(({ op }) => op === 31).flatMap(({ d }) =>
    (d as { guild_ids: string[] }).guild_ids
  );
  assertEquals(asked.length, 304);
});

test("ShardManager.rescaleShards waits for the answer to what an old shard has asked", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 1);
  const { manager, gateway } = flowing.rig;
  gateway.loseChunks(1);
  const members = flowing.rig.shards[0]?.requestGuildMembers(gateway.guilds[0]?.id as string, {
    query: "A",
    limit: 10,
  });
  const failed = assertRejects(async () => void await members, DOMException, "no answer for 30000 ms");
  const rescaling = manager.rescaleShards(2);
  await flowing.flow(28_000);
  assertEquals([manager.shardCount, gateway.openConnections], [2, 3]);
  await flowing.flow(10_000);
  await Promise.all([failed, rescaling]);
  assertEquals(gateway.openConnections, 2);
  await flowing.assertOnce();
});

function presenceOf(status: string): PresenceUpdateData {
  return { since: null, activities: [], status, afk: false } as unknown as PresenceUpdateData;
}

test("ShardManager.rescaleShards hands a presence on to the shards that get the guilds", async () => {
  using time = fakeTime();
  await using flowing = await traffic(time, 2);
  const { manager, shards } = flowing.rig;
  void shards[1]?.presenceUpdate(presenceOf("dnd"));
  const rescaling = manager.rescaleShards(4);
  await flowing.flow(1_000);
  const told = manager.pendingShards.map(({ presence }) => presence?.status);
  assertEquals(told, [undefined, "dnd", undefined, "dnd"]);
  void shards[0]?.presenceUpdate(presenceOf("idle"));
  await flowing.flow(ALL_MS);
  await rescaling;
  assertEquals(flowing.rig.shards.map(({ presence }) => presence?.status), ["idle", "dnd", "idle", "dnd"]);
  const sent = flowing.rig.gateway.received.filter(({ op }) => op === 3);
  assertEquals(sent.length, 4);
  // Two that do not agree come together: the manager's it is.
  manager.presence = presenceOf("invisible");
  const again = manager.rescaleShards(1);
  await flowing.flow(ALL_MS);
  await again;
  assertEquals(flowing.rig.shards.map(({ presence }) => presence?.status), ["invisible"]);
});

test("ShardManager.close closes both sets where a listener of what the switch delivers calls it", async () => {
  using time = fakeTime();
  await using rig = await managerRig({
    memory: true,
    unlimited: true,
    gateway: { guilds: 6, maxConcurrency: 16 },
    manager: { shardCount: 2 },
  });
  const { gateway, manager } = rig;
  const connecting = rig.up();
  await time.pass(100);
  await connecting;
  let closing: Promise<void> | undefined;
  manager.eventDispatcher.listen("MESSAGE_CREATE", () => {
    closing = manager.close();
  });
  const rescaling = assertRejects(() => manager.rescaleShards(1), DOMException, "closed");
  await time.pass(1_000);
  // What the old shard cannot have any more is delivered by the new one, at the switch.
  gateway.invalidateSession(false, { shardId: 1 });
  await time.pass(100);
  const guild = gateway.guilds.find(({ id }) => (BigInt(id) >> 22n) % 2n === 1n);
  gateway.user("Ann").says("!shutdown", { channelId: guild?.channels[0]?.id });
  await Promise.all([rescaling, time.pass(60_000)]);
  assertExists(closing);
  await Promise.all([closing, time.pass(3_000)]);
  assertEquals([gateway.openConnections, [...manager.shards.values()].map(({ phase }) => phase)], [0, ["closed"]]);
});
