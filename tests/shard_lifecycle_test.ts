import { MemorySessionStore, ReconnectCheckFailedError, Shard, type ShardPhase, TimesPer } from "@gangway/gateway";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { test } from "./harness.ts";
import { ALL_INTENTS, connectedRig, fakeTime, fixedRandom, rig } from "./shard_rig.ts";

function assertInvalidState(body: () => Promise<unknown>): Promise<Error> {
  return assertRejects(body, DOMException).then((error) => {
    assertEquals(error.name, "InvalidStateError");
    return error;
  });
}

test("Shard connects, is ready, delivers and closes, in this order of phases", async () => {
  await using it = await rig();
  const { shard, gateway } = it;
  const phases: ShardPhase[] = [shard.phase];
  shard.dispatcher.listen("phase", ({ phase, previous }) => {
    assertEquals(previous, phases.at(-1));
    phases.push(phase);
  });
  assertEquals([shard.session, shard.sessionId, shard.sessionSequenceNumber], [null, null, null]);
  await shard.connect();
  await shard.connected;
  await shard.ready;
  assertEquals(await it.echo("hello"), "hello");
  assertEquals(shard.sessionId, shard.session?.id);
  assertEquals(shard.sessionSequenceNumber, 3);
  const closed = shard.closed;
  await shard.close();
  await closed;
  assertEquals(phases, ["idle", "waiting", "connecting", "identifying", "ready", "closed"]);
  assertEquals(it.told, ["ready", "client_disconnect true"]);
  assertEquals(gateway.closes.map(({ code, initiator }) => [code, initiator]), [[1000, "client"]]);
  assertEquals(gateway.openConnections, 0);
  assertEquals(shard.session, null);
});

test("Shard says InvalidStateError to a second connect", async () => {
  await using it = await connectedRig();
  await assertInvalidState(() => it.shard.connect());
  assertEquals(await it.echo("still here"), "still here");
});

test("Shard closed without cleanup closes with 4900, and connects again with a resume", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const id = shard.sessionId;
  await shard.close({ cleanup: false });
  assertEquals(gateway.closes.map(({ code }) => code), [4900]);
  assertEquals([shard.phase, shard.sessionId], ["closed", id]);
  gateway.user("Ann").says("missed");
  const connecting = shard.connect();
  const missed = shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  await connecting;
  assertEquals((await missed).content, "missed");
  await shard.ready;
  assertEquals(shard.sessionId, id);
  assertEquals([gateway.identifies.length, gateway.resumes.length], [1, 1]);
  assertEquals(gateway.resumes[0]?.via, "resume");
});

test("Shard closed with cleanup connects again with a new session", async () => {
  await using it = await connectedRig();
  const id = it.shard.sessionId;
  await it.shard.close();
  await it.up();
  assertEquals([it.gateway.identifies.length, it.gateway.resumes.length], [2, 0]);
  assert(it.shard.sessionId !== id);
});

test("Shard renews its promises at each life, and rejects what is pending with an AbortError at close", async () => {
  await using it = await rig();
  const { shard, gateway } = it;
  gateway.withholdHello();
  const { connected, ready, closed } = shard;
  await shard.connect();
  const event = shard.eventDispatcher.waitFor("READY");
  await shard.close();
  for (const promise of [connected, ready, event]) {
    assertEquals((await assertRejects(() => promise, DOMException)).name, "AbortError");
  }
  await closed;
  await closed;
  gateway.withholdHello(false);
  const next = shard.closed;
  assertStrictEquals(next, closed);
  await it.up();
  assert(shard.closed !== closed);
  await shard.ready;
});

test("Shard keeps a pending ready through retries, and renews only one that came true", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  const { shard, gateway } = it;
  gateway.reconnectBeforeHello(2);
  const { ready, connected } = shard;
  await shard.connect();
  assertStrictEquals(shard.ready, ready);
  await ready;
  await connected;
  assertStrictEquals(shard.ready, ready);
  assertEquals(gateway.connections.length, 3);
  const lost = shard.dispatcher.waitFor("disconnect");
  gateway.reconnect();
  await lost;
  await shard.dispatcher.waitFor("reconnecting");
  assert(shard.ready !== ready);
  assert(shard.connected !== connected);
  await shard.ready;
});

test("Shard can be closed during the handshake", async () => {
  await using it = await rig();
  const { shard } = it;
  await shard.connect();
  assertEquals(shard.phase, "connecting");
  await shard.close();
  assertEquals([shard.phase, it.told], ["closed", ["client_disconnect true"]]);
  assertEquals(it.gateway.identifies.length, 0);
});

test("Shard that is closed in the moment its socket opens leaves no connection behind", async () => {
  const closing: Promise<void>[] = [];
  await using it = await rig({
    memory: true,
    createWebSocket: (url, gateway) => {
      const socket = gateway.createWebSocket(url);
      const { addEventListener } = socket;
      // After everyone who listens from the start.
      socket.addEventListener = ((type: "open", ...rest: [EventListener]) => {
        addEventListener.call(socket, type, ...rest);
        if (type === "open") addEventListener.call(socket, type, () => closing.push(it.shard.close()));
      }) as WebSocket["addEventListener"];
      return socket;
    },
  });
  await it.shard.connect();
  await assertRejects(() => it.shard.ready, DOMException);
  await Promise.all(closing);
  assertEquals([closing.length, it.gateway.openConnections, it.gateway.received.length], [1, 0, 0]);
});

test("Shard can be closed while it waits for a permit, which it does not keep", async () => {
  await using it = await rig();
  const limiter = new TimesPer(1, 0.001, { marginMs: 0 });
  const held = await limiter.acquire({ shardId: 1, shardCount: 2 });
  await using shard = new Shard(0, 1, ALL_INTENTS, it.gateway.token, limiter, it.client);
  const connecting = shard.connect();
  assertEquals(shard.phase, "waiting");
  await shard.close();
  assertEquals((await assertRejects(() => connecting, DOMException)).name, "AbortError");
  held[Symbol.dispose]();
  using _ = await limiter.acquire({ shardId: 0, shardCount: 1 });
  assertEquals(it.gateway.connections.length, 0);
});

test("Shard can be closed in back-off", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  gateway.drop();
  await time.pass(499);
  assertEquals(shard.phase, "backing_off");
  await shard.close();
  assertEquals([shard.phase, time.timers()], ["closed", 0]);
});

test("Shard can be closed twice, at once and later, and before it was ever connected", async () => {
  await using it = await rig();
  await it.shard.close();
  assertEquals([it.shard.phase, it.told], ["closed", []]);
  await it.shard.closed;
  await it.up();
  await Promise.all([it.shard.close({ cleanup: false }), it.shard.close()]);
  await it.shard.close();
  assertEquals(it.told, ["ready", "client_disconnect false"]);
});

test("Shard that is closed twice at once and connected after the first is not ended by the second", async () => {
  const store = new MemorySessionStore();
  await using it = await connectedRig({ shard: { sessionStore: store } });
  const { shard } = it;
  // The second close is still writing when the first one is done.
  const writes = [
    Promise.resolve(),
    new Promise<void>((resolve) => shard.dispatcher.listen("resumed", () => resolve())),
  ];
  store.save = () => writes.shift() ?? Promise.resolve();
  const first = shard.close({ cleanup: false });
  const second = shard.close({ cleanup: false });
  await first;
  await shard.connect();
  let over = false;
  shard.closed.then(() => over = true);
  await shard.ready;
  await second;
  await it.echo("still here");
  assertEquals([over, shard.phase], [false, "ready"]);
});

test("Shard is disposed of with its session ended where there is no store", async () => {
  await using it = await rig();
  {
    await using shard = new Shard(0, 1, ALL_INTENTS, it.gateway.token, new TimesPer(1, 5), it.client);
    await shard.connect();
    await shard.ready;
  }
  assertEquals(it.gateway.closes.map(({ code }) => code), [1000]);
});

test("Shard is disposed of with its session kept where there is a store", async () => {
  const store = new MemorySessionStore();
  await using it = await connectedRig({ shard: { sessionStore: store } });
  const { shard } = it;
  const { id } = shard.session ?? {};
  await shard[Symbol.asyncDispose]();
  assertEquals(it.gateway.closes.map(({ code }) => code), [4900]);
  assertEquals((await store.load("0-1"))?.id, id);
});

test("Shard ends with the signal of its lifetime, with the session kept", async () => {
  const controller = new AbortController();
  await using it = await connectedRig({ shard: { signal: controller.signal } });
  const { shard, gateway } = it;
  const reason = new Error("Enough");
  const event = shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  controller.abort(reason);
  await shard.closed;
  assertEquals(gateway.closes.map(({ code }) => code), [4900]);
  assertStrictEquals(await shard.ready.catch((error) => error), reason);
  assertStrictEquals(await event.catch((error) => error), reason);
  assertStrictEquals(await shard.connect().catch((error) => error), reason);
  assertEquals(it.told, ["ready", "client_disconnect false"]);
});

test("Shard.connect gives up with the reason of its signal, until the shard has been ready", async () => {
  await using it = await rig();
  const { shard, gateway } = it;
  const aborted = AbortSignal.abort(new Error("Before"));
  assertStrictEquals(await shard.connect({ signal: aborted }).catch((error) => error), aborted.reason);
  assertEquals(shard.phase, "idle");

  gateway.withholdReady();
  const first = new AbortController();
  await shard.connect({ signal: first.signal });
  await gateway.next("identify");
  const { ready } = shard;
  first.abort(new Error("Too slow"));
  assertStrictEquals(await ready.catch((error) => error), first.signal.reason);
  await shard.closed;
  gateway.withholdReady(false);

  const second = new AbortController();
  await shard.connect({ signal: second.signal });
  await shard.ready;
  second.abort();
  assertEquals(await it.echo("still here"), "still here");
});

test("Shard.connect rejects with the reason of its signal while it waits for a permit", async () => {
  await using it = await rig();
  const limiter = new TimesPer(1, 5);
  using _ = await limiter.acquire({ shardId: 1, shardCount: 2 });
  await using shard = new Shard(0, 1, ALL_INTENTS, it.gateway.token, limiter, it.client);
  const controller = new AbortController();
  const connecting = shard.connect({ signal: controller.signal });
  const reason = new Error("No time");
  controller.abort(reason);
  assertStrictEquals(await connecting.catch((error) => error), reason);
  await shard.closed;
});

test("Shard with shouldReconnect false does not identify: critical, connect, ready and closed say so", async () => {
  await using it = await rig();
  const { shard } = it;
  shard.shouldReconnect = false;
  assertEquals(shard.shouldReconnect, false);
  const critical = Promise.withResolvers<Error>();
  shard.dispatcher.listen("critical", (error) => critical.resolve(error));
  const { ready, closed } = shard;
  const error = await assertRejects(() => shard.connect(), ReconnectCheckFailedError, "shouldReconnect");
  assertStringIncludes(error.message, "run the doctor");
  assertStrictEquals(await critical.promise, error);
  assertStrictEquals(await ready.catch((error) => error), error);
  assertStrictEquals(await closed.catch((error) => error), error);
  assertEquals([shard.phase, it.gateway.connections.length], ["closed", 0]);
  shard.shouldReconnect = true;
  await it.up();
});

test("Shard with shouldReconnect false resumes, and fails where the session is lost", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  shard.shouldReconnect = false;
  await it.survive(() => gateway.drop());
  assertEquals(gateway.resumes.length, 1);
  const { closed } = shard;
  gateway.disconnect(4009);
  assertInstanceOf(await closed.catch((error) => error), ReconnectCheckFailedError);
  assertEquals(gateway.identifies.length, 1);
});

test("Shard.latency is in seconds, once a heartbeat has been acknowledged and as long as there is a connection", async () => {
  await using it = await connectedRig({ gateway: { heartbeatIntervalMs: 40 } });
  const { shard } = it;
  const { latency } = await shard.dispatcher.waitFor("heartbeat");
  assertEquals(shard.latency, latency);
  assert(latency > 0);
  await shard.close();
  assertEquals(assertThrows(() => shard.latency, DOMException).name, "InvalidStateError");
});

test("Shard.latency throws InvalidStateError before the first connection and before the first ACK", async () => {
  await using it = await rig();
  assertEquals(assertThrows(() => it.shard.latency, DOMException).name, "InvalidStateError");
  it.gateway.withholdAcks();
  await it.up();
  assertEquals(assertThrows(() => it.shard.latency, DOMException).name, "InvalidStateError");
});

test("Shard can be closed by who listens for its critical error", async () => {
  await using it = await rig({ token: "wrong", violates: true });
  it.shard.dispatcher.listen("critical", (error) => void it.shard.close().then(() => it.told.push(error.name)));
  await it.shard.connect();
  const error = await it.shard.closed.catch((error) => error);
  assertEquals(error.name, "InvalidTokenError");
  await it.shard.close();
  assertEquals(it.told.filter((name) => name === "InvalidTokenError").length, 1);
});

for (const phase of ["waiting", "connecting", "identifying", "ready"] as const) {
  test(`Shard.close from a listener that is told of the phase ${phase} closes`, async () => {
    await using it = await rig();
    const { shard } = it;
    const closing = Promise.withResolvers<void>();
    shard.dispatcher.listen("phase", (now) => {
      if (now.phase === phase) closing.resolve(shard.close());
    });
    void shard.connect();
    await closing.promise;
    assertEquals(shard.phase, "closed");
  });
}

test("Shard can be connected again as soon as connect has failed", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  await shard.close({ cleanup: false });
  const controller = new AbortController();
  const connecting = shard.connect({ signal: controller.signal });
  controller.abort(new Error("No time"));
  await assertRejects(() => connecting, Error, "No time");
  assertEquals(shard.phase, "closed");
  await shard.connect();
  await shard.ready;
  await shard.close();
  shard.shouldReconnect = false;
  await assertRejects(() => shard.connect(), ReconnectCheckFailedError);
  shard.shouldReconnect = true;
  await it.up();
});

for (const isEarly of [true, false]) {
  test(`Shard whose signal is aborted ${isEarly ? "already" : "before it is connected"} is closed`, async () => {
    await using it = await rig();
    const controller = new AbortController();
    const reason = new Error("Enough");
    if (isEarly) controller.abort(reason);
    const { signal } = controller;
    const shard = new Shard(0, 1, ALL_INTENTS, it.gateway.token, new TimesPer(1, 5), it.client, { signal });
    const { closed, ready } = shard;
    const event = shard.eventDispatcher.waitFor("READY");
    controller.abort(reason);
    await closed;
    for (const promise of [ready, event, shard.connect()]) {
      assertStrictEquals(await promise.catch((error) => error), reason);
    }
    assertEquals(shard.phase, "closed");
    await shard.close();
  });
}
