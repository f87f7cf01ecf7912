import { LocalGateway } from "@gangway/gateway/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { test } from "./harness.ts";
import { bareClient, identify } from "./local_gateway_client.ts";
import type { BareClient } from "./local_gateway_client.ts";
import { fakeTime } from "./shard_rig.ts";

const HEADERS = { authorization: "Bot local-token", "user-agent": "DiscordBot (https://example.com, 1)" };

async function connect(
  gateway: LocalGateway,
  compression: "" | "zlib-stream" | "zstd-stream" = "",
): Promise<BareClient> {
  const client = await bareClient(gateway, compression, { memory: true });
  client.send(2, identify(gateway));
  await client.takeEvent("GUILD_CREATE");
  return client;
}

test("LocalGateway works without a socket, over fetch and createWebSocket", async () => {
  await using gateway = new LocalGateway();
  const response = await gateway.fetch(`${gateway.url}/gateway/bot`, { headers: HEADERS });
  assertEquals((await response.json()).url, gateway.gatewayUrl);
  for (const compression of ["", "zlib-stream", "zstd-stream"] as const) {
    await using gateway = await LocalGateway.start({ listen: false });
    const client = await connect(gateway, compression);
    gateway.user("ann").says("hi");
    await client.takeEvent("MESSAGE_CREATE");
    client.socket.close(4900, "bye");
    assertEquals(await client.closed, { code: 4900, reason: "bye" });
    assertEquals(gateway.closes.map(({ code, initiator }) => [code, initiator]), [[4900, "client"]]);
    const resumed = await bareClient(gateway, compression, { memory: true, url: gateway.resumeUrl });
    const { session_id } = client.payloads.find(({ t }) => t === "READY")?.d as { session_id: string };
    resumed.send(6, { token: gateway.token, session_id, seq: 3 });
    await resumed.takeEvent("RESUMED");
    assertEquals(gateway.connections.map(({ via }) => via), ["gateway", "resume"]);
    assertEquals(gateway.violations, []);
  }
});

test("LocalGateway's memory socket keeps the rules of WebSocket", async () => {
  await using gateway = new LocalGateway();
  const socket = gateway.createWebSocket(`${gateway.gatewayUrl}/?v=10&encoding=json`);
  assertEquals([socket.readyState, socket.CONNECTING, socket.OPEN, socket.CLOSING, socket.CLOSED], [0, 0, 1, 2, 3]);
  assertThrows(() => socket.send("x"), DOMException);
  assertThrows(() => socket.close(1001), DOMException);
  assertThrows(() => socket.close(2999), DOMException);
  assertThrows(() => socket.close(4000, "x".repeat(124)), DOMException);
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.onclose = resolve;
  });
  socket.close();
  assertEquals((await closed).code, 1006);
  socket.send("after the end");
  assertEquals(gateway.connections.length, 0);
});

test("LocalGateway's memory socket fails where it is refused, rejected, dropped or cut", async () => {
  await using gateway = new LocalGateway();
  gateway.rejectUpgrade(503);
  assert(!(await (await bareClient(gateway, "", { memory: true })).opened));
  gateway.stopListening();
  assert(!(await (await bareClient(gateway, "", { memory: true })).opened));
  await assertRejects(() => gateway.fetch(`${gateway.url}/gateway/bot`, { headers: HEADERS }), TypeError);
  await gateway.startListening();
  gateway.dropHttp();
  await assertRejects(() => gateway.fetch(`${gateway.url}/gateway/bot`, { headers: HEADERS }), TypeError);
  for (const fault of ["drop", "cut"] as const) {
    const client = await bareClient(gateway, "", { memory: true });
    await client.take(10);
    if (fault === "drop") gateway.drop();
    else {
      gateway.cutAfter(10);
      client.send(1, null);
    }
    assertEquals((await client.closed).code, 1006);
    assertEquals(client.payloads.length, 1);
  }
});

test("LocalGateway's memory socket freezes: no message and no close come through", async () => {
  using time = fakeTime();
  await using gateway = new LocalGateway();
  const client = await connect(gateway);
  gateway.freeze();
  gateway.user("ann").says("held");
  client.socket.close(4900);
  await time.pass(10_000);
  assertEquals([client.socket.readyState, gateway.closes.length, client.payloads.length], [2, 0, 3]);
  gateway.drop();
  assertEquals((await client.closed).code, 1006);
});

test("LocalGateway's memory socket keeps the order of what was held back and what is under way when it thaws", async () => {
  using time = fakeTime();
  await using gateway = new LocalGateway();
  const client = await connect(gateway);
  gateway.freeze();
  gateway.user("ann").says("held");
  await time.pass(10);
  gateway.user("ann").says("under way");
  gateway.thaw();
  gateway.user("ann").says("last");
  for (const content of ["held", "under way", "last"]) {
    assertEquals(((await client.takeEvent("MESSAGE_CREATE")).d as { content: string }).content, content);
  }
});

test("LocalGateway.fetch rejects with the reason of its signal", async () => {
  await using gateway = new LocalGateway();
  gateway.delayHttp(60_000);
  const reason = new Error("enough");
  const controller = new AbortController();
  const asked = gateway.fetch(`${gateway.url}/gateway`, { headers: HEADERS, signal: controller.signal });
  controller.abort(reason);
  assertEquals(await asked.catch((error) => error), reason);
});

test("LocalGateway lives on fake time in memory", async () => {
  const clock = FakeTimers.install({ now: 1_700_000_000_000 });
  try {
    await using gateway = new LocalGateway({ heartbeatTimeoutMs: 60_000, sessionStartLimit: { remaining: 2 } });
    const first = await connect(gateway);
    clock.tick(4999);
    const second = await bareClient(gateway, "", { memory: true });
    second.send(2, identify(gateway));
    assertEquals((await second.take(9)).d, false);
    clock.tick(1);
    assertEquals(gateway.identifies.map(({ atMs }) => atMs), [1_700_000_000_000, 1_700_000_004_999]);
    assertEquals(gateway.remainingSessionStarts, 0);
    clock.tick(55_000);
    assertEquals((await first.closed).code, 4009);
    clock.tick(14_400_000);
    assertEquals(gateway.remainingSessionStarts, 1000);
  } finally {
    clock.uninstall();
  }
});

test("LocalGateway delays the invalid session of an IDENTIFY too many", async () => {
  const clock = FakeTimers.install();
  try {
    await using gateway = new LocalGateway({ invalidSessionDelayMs: 2000 });
    await connect(gateway);
    const second = await bareClient(gateway, "", { memory: true });
    second.send(2, identify(gateway));
    second.send(1, null);
    await second.take(11);
    clock.tick(1999);
    second.send(1, null);
    await second.take(11);
    clock.tick(1);
    assertEquals((await second.take(9)).d, false);
  } finally {
    clock.uninstall();
  }
});

test("LocalGateway takes a heartbeat that lags far behind for a fault, and a recent one not", async () => {
  const clock = FakeTimers.install();
  try {
    await using gateway = new LocalGateway();
    const client = await connect(gateway);
    client.send(1, 1);
    await client.take(11);
    assertEquals(gateway.violations, []);
    clock.tick(5100);
    client.send(1, 1);
    await client.take(11);
    assertEquals(gateway.violations.length, 1);
  } finally {
    clock.uninstall();
  }
});
