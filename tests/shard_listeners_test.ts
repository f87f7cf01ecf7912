import { Dispatcher, GatewayEvent, type GatewayEvents, GatewayOpcode, type ShardEvents } from "@gangway/gateway";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { capturedErrors } from "./captured_errors.ts";
import { test } from "./harness.ts";
import { connectedRig, fixedRandom, rig } from "./shard_rig.ts";

test("Shard goes on when listeners throw or reject, and reports each as listener_error", async () => {
  using errors = capturedErrors();
  await using it = await connectedRig();
  const { shard } = it;
  const reports: ShardEvents["listener_error"][] = [];
  shard.dispatcher.listen("listener_error", (report) => reports.push(report));
  const [thrown, rejected, waited, raw, own] = ["thrown", "rejected", "waited", "raw", "own"].map((m) => new Error(m));
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => {
    throw thrown;
  });
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => Promise.reject(rejected));
  shard.eventDispatcher.listen("MESSAGE_CREATE", (_data, event) => event.waitUntil(Promise.reject(waited)));
  shard.rawDispatcher.listen(GatewayOpcode.Dispatch, () => {
    throw raw;
  });
  shard.dispatcher.listen("sent", () => {
    throw own;
  });
  assertEquals(await it.echo("first"), "first");
  assertEquals(await it.echo("second"), "second");
  const beat = it.gateway.next("heartbeat");
  it.gateway.requestHeartbeat();
  await beat;
  const messages = reports.map(({ error }) => (error as Error).message);
  for (const text of ["thrown", "rejected", "waited", "raw"]) {
    assertEquals(messages.filter((message) => message === text).length, 2);
  }
  assertEquals(messages.filter((message) => message === "own").length, 1);
  const report = reports.find(({ error }) => error === thrown);
  assertInstanceOf(report?.event, GatewayEvent);
  assertEquals([report.event.type, report.event.shardId], ["MESSAGE_CREATE", 0]);
  assertEquals([errors.printed, it.gateway.connections.length], [[], 1]);
});

test("Shard prints what no listener_error listener takes, and what these throw themselves", async () => {
  using errors = capturedErrors();
  await using it = await connectedRig();
  const { shard } = it;
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => {
    throw new Error("unheard");
  });
  await it.echo("one");
  assertEquals(errors.printed.length, 1);
  shard.dispatcher.listen("listener_error", () => {
    throw new Error("worse");
  });
  await it.echo("two");
  assertEquals(errors.printed.map((data) => (data[1] as Error).message), ["unheard", "worse"]);
});

test("Shard prints a critical error once where nobody would learn of it", async () => {
  for (const who of ["nobody", "critical", "closed", "everything"]) {
    using errors = capturedErrors();
    await using it = await rig({ token: "wrong", unheard: true });
    const { shard } = it;
    if (who === "everything") shard.dispatcher.listenAll(() => {});
    if (who === "critical") shard.dispatcher.listen("critical", () => {});
    if (who === "closed") shard.closed.catch(() => {});
    const ended = Promise.withResolvers<void>();
    shard.dispatcher.listen("phase", ({ phase }) => phase === "closed" && ended.resolve());
    await shard.connect();
    await ended.promise;
    const isPrinted = who === "nobody" || who === "everything";
    assertEquals(errors.printed.map(([error]) => (error as Error).name), isPrinted ? ["InvalidTokenError"] : []);
  }
});

test("Shard's events bubble to a parent, as the same object and after its own listeners", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  const parent = new Dispatcher<GatewayEvents>();
  const order: unknown[] = [];
  shard.eventDispatcher.parent = parent;
  parent.listen("MESSAGE_CREATE", (data, event) => order.push("parent", data, event));
  shard.eventDispatcher.listen("MESSAGE_CREATE", (data, event) => {
    event.stopImmediatePropagation();
    order.push("shard", data, event);
  });
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => order.push("stopped"));
  const heard = parent.waitFor("MESSAGE_CREATE");
  it.gateway.user("Ann").says("hello");
  assertEquals((await heard).content, "hello");
  assertEquals([order[0], order[3], order.length], ["shard", "parent", 6]);
  assertStrictEquals(order[1], order[4]);
  assertStrictEquals(order[2], order[5]);
  shard.eventDispatcher.parent = null;
  assert(!shard.eventDispatcher.hasListeners("TYPING_START"));
});

test("Shard's events tell where they come from, with the message as it was received", async () => {
  await using it = await connectedRig();
  const { shard } = it;
  const events: GatewayEvent[] = [];
  shard.eventDispatcher.listenAll((event) => events.push(event));
  await it.echo("hello");
  const [event] = events as [GatewayEvent];
  assertEquals([event.type, event.shardId, event.sessionId, event.sequence], [
    "MESSAGE_CREATE",
    0,
    shard.sessionId,
    shard.sessionSequenceNumber,
  ]);
  const payload = JSON.parse(new TextDecoder().decode(event.payload));
  assertEquals([payload.t, payload.op, payload.d], ["MESSAGE_CREATE", 0, event.detail]);
});

test("Shard can be closed, and given another token, by a listener in the middle of a dispatch", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const { token } = shard;
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => {
    shard.token = "another";
    shard.token = token;
  }, { once: true });
  await it.survive(() => gateway.user("Ann").says("new session"));
  assertEquals(gateway.identifies.length, 2);
  const texts: string[] = [];
  shard.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => texts.push(content));
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => void shard.close({ cleanup: false }), { once: true });
  const { closed } = shard;
  gateway.user("Ann").says("close");
  gateway.user("Ann").says("too late");
  await closed;
  assertEquals(texts, ["close"]);
  const connecting = shard.connect();
  const again = shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  await connecting;
  assertEquals((await again).content, "too late");
});

test("Shard can be closed by a listener of every event of its own", async () => {
  for (const name of ["phase", "sent", "ready", "disconnect", "reconnecting", "heartbeat"] as const) {
    using _ = fixedRandom();
    await using it = await rig();
    const { shard, gateway } = it;
    let closing: Promise<void> | undefined;
    shard.dispatcher.listen(name, () => closing ??= shard.close(), { once: true });
    shard.eventDispatcher.listen(
      "GUILD_CREATE",
      () => void (name === "heartbeat" ? gateway.requestHeartbeat() : gateway.drop()),
    );
    const { closed } = shard;
    void shard.connect();
    await closed;
    await closing;
    assertEquals([shard.phase, gateway.openConnections], ["closed", 0]);
    await shard.connect();
    await shard.ready;
  }
});
