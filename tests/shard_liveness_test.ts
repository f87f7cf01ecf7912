import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "./harness.ts";
import { type FakeTime, fakeTime, fixedRandom, type Rig, rig, type RigOptions } from "./shard_rig.ts";

const INTERVAL_MS = 1000;

/** How long frames that may be waiting in the socket are given before a connection is taken for dead. */
const GRACE_MS = 100;

/** With beats at every full second from now on, the first of them right away. */
async function beatingRig(time: FakeTime, options: RigOptions = {}): Promise<Rig> {
  using _ = fixedRandom(0);
  const it = await rig({ memory: true, ...options, gateway: { heartbeatIntervalMs: INTERVAL_MS, ...options.gateway } });
  await it.shard.connect();
  await time.pass(0);
  assertEquals(it.gateway.received.filter(({ op }) => op === 1).length, 1);
  return it;
}

test("Shard sends the first heartbeat after a random part of the interval, then one every interval", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.25);
  await using it = await rig({ memory: true, gateway: { heartbeatIntervalMs: 40_000 } });
  const start = Date.now();
  await it.shard.connect();
  await time.pass(200_000);
  const beats = it.gateway.received.filter(({ op }) => op === 1).map(({ atMs }) => atMs - start);
  assertEquals(beats, [10_000, 50_000, 90_000, 130_000, 170_000]);
});

test("Shard sends null in heartbeats before READY, and the sequence number after", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true, gateway: { heartbeatIntervalMs: INTERVAL_MS } });
  it.gateway.withholdReady();
  await it.shard.connect();
  await time.pass(1500);
  it.gateway.withholdReady(false);
  await time.pass(1000);
  it.gateway.user("Ann").says("one");
  await time.pass(1000);
  const beats = it.gateway.received.filter(({ op }) => op === 1).map(({ d }) => d);
  assertEquals(beats, [null, null, 2, 3]);
});

test("Shard gives up a connection that went silent within two intervals, and resumes", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  using _ = fixedRandom(0);
  const { shard, gateway } = it;
  await time.pass(1500);
  gateway.freeze();
  const reconnecting = shard.dispatcher.waitFor("reconnecting");
  await time.pass(1499 + GRACE_MS);
  assertEquals(shard.phase, "ready");
  await time.pass(10);
  assertStringIncludes((await reconnecting).error.message, "heartbeats");
  await shard.ready;
  assertEquals(gateway.resumes.map(({ outcome }) => outcome), ["resumed"]);
});

test("Shard gives up a connection without ACKs after two intervals of silence, with 4900", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  using _ = fixedRandom(0);
  await time.pass(1500);
  it.gateway.withholdAcks();
  await time.pass(1499 + GRACE_MS);
  assertEquals(it.gateway.closes.length, 0);
  await time.pass(1);
  assertEquals(it.gateway.closes.map(({ code, initiator }) => [code, initiator]), [[4900, "client"]]);
});

test("Shard waits for one more interval for an ACK where other frames still come", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  using _ = fixedRandom(0);
  await time.pass(1500);
  it.gateway.withholdAcks();
  for (const _ of [2, 3]) {
    await time.pass(1000);
    it.gateway.user("Ann").says("busy");
  }
  await time.pass(499 + GRACE_MS);
  assertEquals([it.shard.phase, it.gateway.closes.length], ["ready", 0]);
  await time.pass(1);
  assertEquals(it.gateway.closes.map(({ code }) => code), [4900]);
});

test("Shard keeps a connection whose ACK comes late, behind other frames", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  await time.pass(1500);
  it.gateway.withholdAcks();
  await time.pass(1000);
  it.gateway.user("Ann").says("busy");
  await time.pass(1000);
  it.gateway.withholdAcks(false);
  it.gateway.sendRaw('{"op":11}');
  await time.pass(10_000);
  assertEquals([it.shard.phase, it.gateway.connections.length], ["ready", 1]);
});

test("Shard does not judge a connection by the heartbeats that the gateway asks for", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  await time.pass(1100);
  it.gateway.withholdAcks();
  for (const _ of [1, 2, 3, 4, 5]) {
    it.gateway.requestHeartbeat();
    await time.pass(100);
  }
  assertEquals([it.shard.phase, it.gateway.connections.length], ["ready", 1]);
  it.gateway.withholdAcks(false);
  await time.pass(5000);
  assertEquals([it.shard.phase, it.gateway.connections.length], ["ready", 1]);
});

test("Shard sends its own heartbeats on time although the gateway asked for many before HELLO", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0);
  await using it = await rig({ memory: true, violates: true, gateway: { heartbeatIntervalMs: 10_000 } });
  it.gateway.withholdHello();
  await it.shard.connect();
  await time.pass(0);
  for (let count = 0; count < 150; count++) it.gateway.requestHeartbeat();
  await time.pass(1000);
  const greetedAt = Date.now();
  it.gateway.withholdHello(false);
  await time.pass(30_000);
  const beats = it.gateway.received.filter(({ op, atMs }) => op === 1 && atMs >= greetedAt);
  assertEquals(beats.map(({ atMs }) => atMs - greetedAt), [0, 10_000, 20_000, 30_000]);
});

test("Shard that slept does not take the connection for dead, and tells how late it was", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  const { shard, gateway } = it;
  const lags: number[] = [];
  shard.dispatcher.listen("lag", ({ lagMs }) => lags.push(lagMs));
  await time.pass(900);
  gateway.freeze();
  await time.pass(200);
  time.sleep(60_000);
  // The ACK of the beat before has been in the socket all the time.
  gateway.thaw();
  await time.pass(5000);
  assertEquals([shard.phase, gateway.connections.length], ["ready", 1]);
  assert(lags[0] !== undefined && lags[0] > 59_000);
});

test("Shard that slept notices that the connection is dead soon after", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  using _ = fixedRandom(0);
  it.gateway.freeze();
  await time.pass(1100);
  time.sleep(60_000);
  await time.pass(GRACE_MS + 10);
  assertEquals(it.gateway.resumes.map(({ outcome }) => outcome), ["resumed"]);
});

test("Shard waits long for READY in an outage, as long as heartbeats are answered", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true });
  const { shard, gateway } = it;
  gateway.withholdReady();
  await shard.connect();
  await time.pass(299_000);
  assertEquals([shard.phase, gateway.identifies.length], ["identifying", 1]);
  gateway.withholdReady(false);
  await time.pass(0);
  assertEquals([shard.phase, gateway.identifies.length], ["ready", 1]);
});

test("Shard does not wait for READY for ever", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true });
  const { shard, gateway } = it;
  gateway.withholdReady();
  await shard.connect();
  const reconnecting = shard.dispatcher.waitFor("reconnecting");
  await time.pass(3_600_000);
  assertStringIncludes((await reconnecting).error.message, "READY");
  assert(gateway.identifies.length < 10);
});

test("Shard gives up a replay that is silent for 30 seconds, and keeps the session", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  const id = shard.sessionId;
  gateway.pauseReplayAfter(1);
  gateway.drop();
  for (const text of ["one", "two"]) gateway.user("Ann").says(text);
  await time.pass(500);
  assertEquals([shard.phase, gateway.resumes.length], ["resuming", 1]);
  const reconnecting = shard.dispatcher.waitFor("reconnecting");
  await time.pass(29_999);
  assertEquals(shard.phase, "resuming");
  gateway.pauseReplayAfter(null);
  gateway.pauseReplayAfter(0);
  await shard.ready;
  gateway.drop();
  assertEquals((await reconnecting).attempt, 2);
  await time.pass(1000);
  const late = shard.dispatcher.waitFor("reconnecting");
  await time.pass(29_999);
  assertEquals(shard.phase, "resuming");
  await time.pass(1);
  assertStringIncludes((await late).error.message, "RESUMED did not come within 30000 ms");
  gateway.pauseReplayAfter(null);
  await time.pass(5000);
  assertEquals([shard.phase, shard.sessionId, gateway.identifies.length], ["ready", id, 1]);
});

test("Shard sends heartbeats on time while listeners do not come to an end", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time);
  const hung = Promise.withResolvers<void>();
  it.shard.eventDispatcher.listen("MESSAGE_CREATE", () => hung.promise);
  it.shard.dispatcher.listenAll(() => hung.promise);
  it.gateway.user("Ann").says("hello");
  await time.pass(10_000);
  assertEquals(it.gateway.received.filter(({ op }) => op === 1).length, 11);
  hung.resolve();
});

test("Shard survives a gateway that closes for want of heartbeats", async () => {
  using time = fakeTime();
  await using it = await beatingRig(time, { gateway: { heartbeatTimeoutMs: 5000, heartbeatTimeoutCode: "drop" } });
  using _ = fixedRandom(0);
  time.sleep(6000);
  await time.pass(1000);
  assertEquals([it.shard.phase, it.gateway.resumes.length], ["ready", 1]);
});
