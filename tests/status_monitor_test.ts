import { MemorySessionStore } from "@gangway/gateway";
import { sampleGuild } from "@gangway/gateway/testing";
import { assert, assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { type FakeTime, fakeTime, fixedRandom } from "./shard_rig.ts";
import { HERE, StatusReader, type StatusRig, statusRig } from "./status_rig.ts";

async function connected(time: FakeTime, shards = 1, guilds = 1): Promise<StatusRig> {
  const status = await statusRig({ memory: true, unlimited: true, gateway: { shards, guilds } });
  void status.rig.manager.connect();
  await time.pass(1_000);
  return status;
}

// deno-lint-ignore no-explicit-any -- the tests compare it
async function snapshot(status: StatusRig): Promise<any> {
  const reader = new StatusReader(await status.get("/events"));
  const message = await reader.next();
  await reader.cancel();
  return message?.data;
}

test("statusHandler shows what a shard does from its start on", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using status = await statusRig({ memory: true, gateway: { shards: 3, maxConcurrency: 1 } });
  assertEquals((await snapshot(status)).summary.alive, false);
  void status.rig.manager.connect();
  await time.pass(1_000);
  const { summary, shards } = await snapshot(status);
  assertEquals(shards.map(({ phase }: { phase: string }) => phase), ["ready", "waiting", "waiting"]);
  assertEquals([summary.alive, summary.ready, summary.shards, summary.shardCount], [true, 1, 3, 3]);
  assertEquals([summary.identifiesLeft, summary.connectedInMs, summary.connectedAfterMs], [999, 10_500, null]);
  assertEquals(shards[0], {
    ...shards[0],
    ...{ id: 0, latency: null, guilds: 1, rate: 0, disconnects: 0, sessions: 1, resumes: 0, last: null, failure: null },
  });
  await time.pass(12_000);
  const { summary: later } = await snapshot(status);
  assertEquals([later.ready, later.connectedInMs, later.identifiesLeft], [3, null, 997]);
  assert(later.connectedAfterMs >= 10_500 && later.connectedAfterMs < 12_000);
});

test("statusHandler counts events by the sequence numbers of sessions, also across a new session", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using status = await connected(time);
  const { gateway } = status.rig;
  const total = () => status.metric('gangway_shard_events_total{shard="0"}');
  // READY and GUILD_CREATE.
  assertEquals(await total(), 2);
  for (let count = 0; count < 40; count++) gateway.user("Ann").says("hello");
  await time.pass(1);
  assertEquals(await total(), 42);
  await time.pass(4_000);
  assertEquals((await snapshot(status)).shards[0].rate, 8.4);
  await time.pass(5_000);
  assertEquals((await snapshot(status)).shards[0].rate, 0);
  gateway.invalidateSession(false);
  await time.pass(10_000);
  assertEquals(await total(), 44);
  assertEquals(await status.metric('gangway_shard_sessions_total{shard="0"}'), 2);
  // A point every five seconds, of the shard and of all.
  const history = await status.json("/history?shard=0");
  assertEquals([history.stepMs, history.rate.slice(0, 2)], [5_000, [8.4, 0]]);
  assertEquals(await status.json("/history"), history);
});

test("statusHandler counts of a session from a store what follows only", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  const sessionStore = new MemorySessionStore();
  await using status = await statusRig({ memory: true, unlimited: true, manager: { sessionStore } });
  const { gateway, manager } = status.rig;
  await sessionStore.save("0-1", {
    ...{ id: "stored", sequence: 5_000, resumeUrl: gateway.resumeUrl },
    ...{ shardId: 0, shardCount: 1, savedAt: Date.now() },
  });
  gateway.withholdHello();
  void manager.connect();
  await time.pass(3_000);
  assertEquals(manager.shards.get(0)?.sessionSequenceNumber, 5_000);
  assertEquals(await status.metric('gangway_shard_events_total{shard="0"}'), 0);
});

test("statusHandler shows how a connection was lost, and the latency of the one there is", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using status = await connected(time);
  await time.pass(60_000);
  assert((await snapshot(status)).shards[0].latency !== null);
  status.rig.gateway.disconnect(4000);
  await time.pass(1_000);
  const [row] = (await snapshot(status)).shards;
  assertEquals([row.phase, row.disconnects, row.resumes], ["ready", 1, 1]);
  assertEquals([row.last.code, row.last.reason], [4000, "Disconnected from the gateway: it closed with 4000"]);
  assertEquals(await status.metric('gangway_shard_disconnects_total{shard="0",code="4000"}'), 1);
  status.rig.gateway.drop();
  await time.pass(1_000);
  const { last } = (await snapshot(status)).shards[0];
  assertEquals([last.code, last.reason], [null, "Disconnected from the gateway: the connection was lost"]);
  assertEquals(await status.metric('gangway_shard_disconnects_total{shard="0",code=""}'), 1);
});

test("statusHandler tells attempts to connect that fail from connections that were lost", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using status = await connected(time);
  status.rig.gateway.rejectUpgrade(503, 2);
  status.rig.gateway.disconnect(4000);
  await time.pass(5);
  const [row] = (await snapshot(status)).shards;
  assertEquals([row.disconnects, row.last.code, row.failure !== null], [1, 4000, true]);
  await time.pass(5_000);
  const [later] = (await snapshot(status)).shards;
  assertEquals([later.phase, later.disconnects, later.last.code, later.failure], ["ready", 1, 4000, null]);
  assertEquals(await status.metric('gangway_shard_connect_failures_total{shard="0"}'), 2);
});

test("statusHandler follows guilds without reading the large ones of the start", async () => {
  using time = fakeTime();
  await using status = await connected(time, 1, 3);
  const { gateway, manager } = status.rig;
  const [shard] = status.rig.shards;
  const guilds = async () => (await snapshot(status)).shards[0].guilds;
  assertEquals(await guilds(), 3);
  assertEquals(shard?.eventDispatcher.hasNamedListeners("GUILD_CREATE"), false);
  await time.pass(70_000);
  assertEquals(shard?.eventDispatcher.hasNamedListeners("GUILD_CREATE"), true);
  const id = gateway.guilds[0]?.id ?? "";
  gateway.emit("GUILD_DELETE", { id, unavailable: true });
  gateway.emit("GUILD_CREATE", { ...sampleGuild("back", { id }), unavailable: false });
  await time.pass(1);
  assertEquals(await guilds(), 3);
  gateway.emit("GUILD_CREATE", sampleGuild("new"));
  await time.pass(1);
  assertEquals(await guilds(), 4);
  gateway.emit("GUILD_DELETE", { id });
  await time.pass(1);
  assertEquals(await guilds(), 3);
  // Nothing looks at every event.
  for (const dispatcher of [manager.eventDispatcher, manager.rawDispatcher, shard?.rawDispatcher]) {
    assertEquals(dispatcher?.hasListeners("MESSAGE_CREATE"), false);
  }
  assertEquals(shard?.eventDispatcher.hasListeners("MESSAGE_CREATE"), false);
});

test("statusHandler goes over to the new shards of a rescale, and counters go on", async () => {
  using time = fakeTime();
  await using status = await connected(time, 2, 4);
  const { gateway, manager } = status.rig;
  for (let count = 0; count < 10; count++) gateway.user("Ann").says("hello");
  const reader = new StatusReader(await status.get("/events"));
  await time.pass(1_000);
  const events = await status.metric('gangway_shard_events_total{shard="0"}');
  gateway.withholdReady();
  const rescaled = manager.rescaleShards(4);
  await time.pass(2_000);
  const { summary: during } = await snapshot(status);
  assertEquals([during.shards, during.rescaling], [2, { shardCount: 4, ready: 0, total: 4 }]);
  gateway.withholdReady(false);
  await time.pass(30_000);
  await rescaled;
  const { summary, shards } = await snapshot(status);
  assertEquals([summary.shards, summary.ready, summary.rescaling], [4, 4, null]);
  assertEquals(shards.map(({ guilds }: { guilds: number }) => guilds), [1, 1, 1, 1]);
  assertEquals(shards.map(({ sessions }: { sessions: number }) => sessions), [2, 2, 1, 1]);
  // What a new shard received before it took over, the old one received as well.
  assertEquals(await status.metric('gangway_shard_events_total{shard="0"}'), events);
  await reader.until(({ shards }, name) => name === "snapshot" && shards.length === 4);
  await reader.cancel();
});

test("statusHandler forgets the new shards of a rescale that was called off", async () => {
  using time = fakeTime();
  await using status = await connected(time);
  status.rig.gateway.withholdReady();
  const calledOff = new AbortController();
  const rescaled = status.rig.manager.rescaleShards(2, undefined, { signal: calledOff.signal });
  await time.pass(1_000);
  assertEquals((await snapshot(status)).summary.rescaling.total, 2);
  calledOff.abort();
  await rescaled.catch(() => {});
  const { summary } = await snapshot(status);
  assertEquals([summary.shards, summary.rescaling], [1, null]);
});

test("statusHandler sends what has changed, and a step every five seconds where nothing has", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using status = await connected(time, 2, 2);
  await time.pass(10_000);
  const reader = new StatusReader(await status.get("/events"));
  await time.pass(300);
  assertEquals((await reader.next())?.name, "snapshot");
  status.rig.gateway.disconnect(4000, { shardId: 1 });
  await time.pass(1_000);
  const { shards, rates } = await reader.until(({ shards }) => shards.length > 0);
  assertEquals([shards.map(({ id }: { id: number }) => id), rates], [[1], {}]);
  await time.pass(20_000);
  const steps = reader.messages.filter(({ data }) => data.step).length;
  assertEquals(steps, 4);
  await reader.cancel();
});

test("statusHandler sends a slow reader everything at once, later", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using status = await connected(time, 2, 2);
  const response = await status.get("/events");
  for (const shardId of [0, 1]) {
    status.rig.gateway.disconnect(4000, { shardId });
    await time.pass(3_000);
  }
  const reader = new StatusReader(response);
  assertEquals((await reader.next())?.name, "snapshot");
  await time.pass(1_100);
  const update = await reader.until((_data, name) => name === "update");
  assertEquals(update.shards.map(({ id }: { id: number }) => id), [0, 1]);
  await reader.cancel();
});

test("statusHandler lets no more than a hundred look on", async () => {
  using time = fakeTime();
  await using status = await connected(time);
  const readers: StatusReader[] = [];
  for (let count = 0; count < 100; count++) readers.push(new StatusReader(await status.get("/events")));
  assertEquals((await status.get("/events")).status, 503);
  await readers.pop()?.cancel();
  const next = await status.get("/events");
  assertEquals(next.status, 200);
  readers.push(new StatusReader(next));
  await Promise.all(readers.map((reader) => reader.cancel()));
});

test("statusHandler has timers between connect and close only, and follows the next time as well", async () => {
  using time = fakeTime();
  await using status = await statusRig({ memory: true, unlimited: true });
  assertEquals(time.timers(), 0);
  for (let round = 0; round < 3; round++) {
    void status.rig.manager.connect();
    await time.pass(1_000);
    const reader = new StatusReader(await status.get("/events"));
    await status.rig.manager.close();
    assertEquals((await reader.next())?.data.summary.alive, true);
    assertEquals(await reader.next(), null);
    assertEquals(time.timers(), 0);
    const { summary, shards } = await snapshot(status);
    assertEquals([summary.alive, shards[0].phase], [false, "closed"]);
  }
});

test("statusHandler made after the manager connected does not know how long that took", async () => {
  using time = fakeTime();
  await using first = await connected(time);
  await using status = await statusRig({ memory: true });
  const { statusHandler } = await import("@gangway/gateway/status");
  using handler = statusHandler(first.rig.manager);
  const read = async () => {
    const reader = new StatusReader(await handler(new Request("http://localhost/events"), HERE));
    const message = await reader.next();
    await reader.cancel();
    return message?.data;
  };
  const { summary, shards } = await read();
  assertEquals([summary.alive, summary.ready], [true, 1]);
  assertEquals([summary.startedAt, summary.connectedAfterMs, summary.connectedInMs], [null, null, null]);
  // Nor in how many guilds it is, before the next READY.
  assertEquals([summary.guilds, shards[0].guilds], [null, null]);
  first.rig.gateway.invalidateSession(false);
  await time.pass(10_000);
  assertEquals((await read()).summary.guilds, 1);
  assertEquals((await snapshot(status)).summary.alive, false);
});

test("statusHandler says when identifying goes on", async () => {
  using time = fakeTime();
  const sessionStartLimit = { total: 1, remaining: 1, resetAfterMs: 60_000 };
  await using status = await statusRig({ memory: true, gateway: { shards: 2, sessionStartLimit } });
  void status.rig.manager.connect();
  await time.pass(10_000);
  const { summary } = await snapshot(status);
  assertEquals([summary.identifiesLeft, summary.ready], [0, 1]);
  assert(summary.limitedUntil > Date.now() && summary.limitedUntil <= Date.now() + 60_000);
  assertEquals(await status.metric("gangway_identify_limited"), 1);
});

test("statusHandler says why there are no shards yet", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using status = await statusRig({ memory: true, unlimited: true });
  status.rig.gateway.rejectHttp(503, 2);
  void status.rig.manager.connect();
  await time.pass(10);
  const { summary, shards } = await snapshot(status);
  assertEquals([summary.alive, shards.length, summary.failure !== null], [true, 0, true]);
  await time.pass(60_000);
  const { summary: later } = await snapshot(status);
  assertEquals([later.ready, later.failure], [1, null]);
});
