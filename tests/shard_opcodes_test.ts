import { GatewayOpcode, type ReconnectingData } from "@gangway/gateway";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "./harness.ts";
import { connectedRig, fakeTime, fixedRandom, rig } from "./shard_rig.ts";

test("Shard waits for a HELLO that is late", async () => {
  await using it = await rig();
  it.gateway.delayHello(30);
  await it.up();
  assertEquals(it.gateway.connections.length, 1);
});

test("Shard gives up a connection without HELLO after its deadline, and keeps trying", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0);
  await using it = await rig({ memory: true, shard: { connectTimeoutMs: 2000 } });
  const { shard, gateway } = it;
  gateway.withholdHello();
  await shard.connect();
  const reconnecting = shard.dispatcher.waitFor("reconnecting");
  await time.pass(1999);
  assertEquals([shard.phase, gateway.connections.length], ["connecting", 1]);
  await time.pass(10);
  assertStringIncludes((await reconnecting).error.message, "HELLO did not come within 2000 ms");
  assertEquals([gateway.closes.map(({ code }) => code), gateway.connections.length], [[4900], 2]);
  gateway.withholdHello(false);
  await shard.ready;
  await time.pass(10_000);
  assertEquals(shard.phase, "ready");
});

test("Shard gives up a handshake that is never answered after its deadline", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0);
  let mute = 2;
  const closed: unknown[] = [];
  await using it = await rig({
    memory: true,
    shard: { connectTimeoutMs: 2000 },
    createWebSocket: (url, gateway) => {
      if (mute-- <= 0) return gateway.createWebSocket(url);
      return Object.assign(new EventTarget(), { readyState: 0, close: () => closed.push(url) }) as unknown as WebSocket;
    },
  });
  const errors: string[] = [];
  it.shard.dispatcher.listen("reconnecting", ({ error }) => errors.push(error.message));
  await it.shard.connect();
  await time.pass(4010);
  await it.shard.ready;
  assertEquals([closed.length, errors.length], [2, 2]);
  for (const error of errors) assertStringIncludes(error, "the handshake did not come within 2000 ms");
});

test("Shard reconnects and resumes when it is asked to, with a code that keeps the session", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const reconnecting = it.shard.dispatcher.waitFor("reconnecting");
  await it.survive(() => it.gateway.reconnect({ closeAfterMs: 60_000 }));
  assertStringIncludes((await reconnecting).error.message, "Reconnect");
  assertEquals(it.gateway.closes.map(({ code, initiator }) => [code, initiator]), [[4900, "client"]]);
  assertEquals(it.gateway.resumes.map(({ outcome }) => outcome), ["resumed"]);
  assertEquals(it.told, ["ready", "disconnect null", "reconnecting", "resumed"]);
});

test("Shard reconnects when it is asked to before HELLO, with its session where it has one", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  it.gateway.reconnectBeforeHello();
  await it.up();
  assertEquals([it.gateway.connections.length, it.gateway.identifies.length], [2, 1]);
  it.gateway.reconnectBeforeHello();
  await it.survive(() => it.gateway.drop());
  assertEquals([it.gateway.connections.length, it.gateway.identifies.length, it.gateway.resumes.length], [4, 1, 1]);
});

for (const resumable of [true, false]) {
  const verb = resumable ? "resumes" : "identifies anew";

  for (const [random, waitMs] of [[0, 1000], [0.25, 2000], [0.999, 4996]] as const) {
    test(`Shard ${verb} ${waitMs} ms after an invalid session, and sends nothing else before`, async () => {
      using time = fakeTime();
      await using it = await rig({ memory: true });
      const { shard, gateway } = it;
      await shard.connect();
      await shard.ready;
      using _ = fixedRandom(random);
      const id = shard.sessionId;
      const reconnecting = shard.dispatcher.waitFor("reconnecting");
      gateway.invalidateSession(resumable);
      const { delayMs, error } = await reconnecting;
      const sent = shard.requestSoundboardSounds(["1"]);
      assertEquals([Math.round(delayMs), shard.sessionId], [waitMs, resumable ? id : null]);
      assertStringIncludes(error.message, "InvalidSession");
      await time.pass(waitMs - 1);
      assertEquals(gateway.connections.length, 1);
      await time.pass(2);
      await shard.ready;
      await sent;
      const ops = gateway.received.filter(({ connectionId, op }) => connectionId === 2 && op !== 1).map(({ op }) => op);
      assertEquals(ops, [resumable ? 6 : 2, 31]);
      assertEquals(gateway.connections[1]?.via, resumable ? "resume" : "gateway");
    });
  }

  test(`Shard ${verb} after an invalid session in the middle of a resume`, async () => {
    using time = fakeTime();
    using _ = fixedRandom();
    await using it = await rig({ memory: true });
    const { shard, gateway } = it;
    await shard.connect();
    await shard.ready;
    gateway.refuseResumes(1, { resumable });
    gateway.drop();
    await time.pass(10);
    assertEquals(gateway.resumes.map(({ outcome }) => outcome), ["invalid session"]);
    await time.pass(5000);
    await shard.ready;
    assertEquals([gateway.resumes.length, gateway.identifies.length], resumable ? [2, 1] : [1, 2]);
  });

  test(`Shard identifies again after an invalid session that says ${resumable} before READY`, async () => {
    using time = fakeTime();
    using _ = fixedRandom();
    await using it = await rig({ memory: true });
    const { shard, gateway } = it;
    gateway.withholdReady();
    await shard.connect();
    await time.pass(0);
    gateway.invalidateSession(resumable);
    gateway.withholdReady(false);
    await time.pass(5000);
    await shard.ready;
    assertEquals([gateway.resumes.length, gateway.identifies.map(({ via }) => via)], [0, ["gateway", "gateway"]]);
  });
}

test("Shard connects again after an invalid session before HELLO", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using it = await rig({ memory: true });
  it.gateway.withholdHello();
  await it.shard.connect();
  await time.pass(0);
  it.gateway.invalidateSession(false);
  it.gateway.withholdHello(false);
  await time.pass(5000);
  assertEquals([it.shard.phase, it.gateway.connections.length], ["ready", 2]);
});

test("Shard backs off between identifies that come to nothing", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true });
  const { shard, gateway } = it;
  const delays: number[] = [];
  shard.dispatcher.listen("reconnecting", ({ delayMs }: ReconnectingData) => delays.push(delayMs));
  shard.dispatcher.listen("ready", () => gateway.disconnect(4009));
  await shard.connect();
  await time.pass(3_600_000);
  assertEquals(delays.slice(0, 4), [500, 3750, 7500, 15_000]);
  assertEquals(delays.at(-1), 450_000);
  assert(gateway.identifies.length < 25);
});

test("Shard answers a requested heartbeat at once, with the sequence number", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  await it.echo("one more");
  const beats = gateway.received.filter(({ op }) => op === 1).length;
  for (const _ of [1, 2, 3]) {
    const beat = gateway.next("heartbeat");
    gateway.requestHeartbeat();
    assertEquals((await beat).d, shard.sessionSequenceNumber);
  }
  assertEquals(gateway.received.filter(({ op }) => op === 1).length, beats + 3);
});

test("Shard hands an opcode that it does not know to the raw dispatcher only", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const events: string[] = [];
  shard.eventDispatcher.listenAll(({ type }) => events.push(type));
  const raw = shard.rawDispatcher.waitFor("99");
  gateway.sendRaw('{"op":99,"d":{"new":true}}');
  assertEquals(await raw, { op: 99, d: { new: true }, s: null, t: null });
  gateway.sendRaw('{"op":-1}');
  gateway.sendRaw('{"op":11}');
  assertEquals(await it.echo("still here"), "still here");
  assertEquals(events, ["MESSAGE_CREATE"]);
});

test("Shard delivers an event that nobody has heard of, with its data", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const event = shard.eventDispatcher.waitFor("SOMETHING_NEW" as string);
  gateway.emit("SOMETHING_NEW", { of: ["this", 1] });
  assertEquals(await event, { of: ["this", 1] });
});

test("Shard hands every payload to the raw dispatcher, under its opcode", async () => {
  using _ = fixedRandom();
  await using it = await rig({ gateway: { heartbeatIntervalMs: 20_000 } });
  const { shard, gateway } = it;
  const ops = new Set<string>();
  shard.rawDispatcher.listenAll(({ type }) => ops.add(type));
  const hello = Promise.withResolvers<unknown>();
  shard.rawDispatcher.listen(GatewayOpcode.Hello, ({ d, op }) => hello.resolve([op, d]), { once: true });
  const names: (string | null)[] = [];
  shard.rawDispatcher.listen(GatewayOpcode.Dispatch, ({ t }) => names.push(t));
  await it.up();
  assertEquals(await hello.promise, [10, { heartbeat_interval: 20_000, _trace: ["local"] }]);
  const ack = shard.rawDispatcher.waitFor(GatewayOpcode.HeartbeatAck);
  gateway.requestHeartbeat();
  await ack;
  await it.survive(() => gateway.reconnect());
  assertEquals(names, ["READY", "GUILD_CREATE", "RESUMED"]);
  assertEquals([...ops].sort(), ["0", "1", "10", "11", "7"]);
});
