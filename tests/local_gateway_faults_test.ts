import { LocalGateway } from "@gangway/gateway/testing";
import type { LocalGatewayFormat } from "@gangway/gateway/testing";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { runtime, test } from "./harness.ts";
import { bareClient, identify } from "./local_gateway_client.ts";
import type { BareClient } from "./local_gateway_client.ts";

const COMPRESSIONS = ["", "zlib-stream", "zstd-stream"] as const;

async function ready(gateway: LocalGateway, compression: typeof COMPRESSIONS[number] = ""): Promise<BareClient> {
  const client = await bareClient(gateway, compression);
  client.send(2, identify(gateway));
  await client.takeEvent("GUILD_CREATE");
  return client;
}

/** Reads something larger than one block, after everything small. */
async function readLarge(client: BareClient, gateway: LocalGateway): Promise<void> {
  const text = Array.from({ length: 30_000 }, (_, index) => index.toString(36)).join(" \u{1F600}");
  gateway.emit("LARGE", { text });
  assertEquals(((await client.takeEvent("LARGE")).d as { text: string }).text, text);
}

for (const compression of COMPRESSIONS) {
  const name = compression === "" ? "no compression" : compression;

  test(`LocalGateway sends small and large payloads with ${name}`, async () => {
    await using gateway = await LocalGateway.start();
    const client = await ready(gateway, compression);
    await readLarge(client, gateway);
    gateway.user("ann").says("after");
    await client.takeEvent("MESSAGE_CREATE");
    assertEquals(client.frames.every((frame) => typeof frame === "string"), compression === "");
    if (compression === "zstd-stream") assertEquals(client.frames.length, client.payloads.length);
  });

  test(`LocalGateway.corrupt and sendRaw send what they are given with ${name}`, async () => {
    await using gateway = await LocalGateway.start();
    const client = await ready(gateway, compression);
    gateway.sendRaw('{"op":99,"d":[]}');
    assertEquals((await client.take(99)).d, []);
    const failed = new Promise((resolve) => client.socket.addEventListener("message", ({ data }) => resolve(data)));
    const errors = new Promise<void>((resolve) => {
      client.onerror = () => resolve();
    });
    gateway.corrupt();
    await failed;
    await errors;
    gateway.sendRaw(new Uint8Array([1, 2, 3]));
    gateway.sendRaw("text", { bare: true });
    while (client.frames.at(-1) !== "text") await new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(client.frames.at(-2), new Uint8Array([1, 2, 3]));
  });
}

test("LocalGateway mixes plain and compressed frames where IDENTIFY asks for payload compression", async () => {
  await using gateway = await LocalGateway.start();
  const client = await bareClient(gateway);
  client.send(2, identify(gateway, { compress: true }));
  await client.takeEvent("GUILD_CREATE");
  client.send(1, 2);
  await client.take(11);
  assertEquals(client.frames.map((frame) => typeof frame), ["string", "object", "object", "string"]);
});

const FORMATS: LocalGatewayFormat[] = [
  { pretty: true },
  { keyOrder: "reversed" },
  { keyOrder: "shuffled", unknownFields: true, pretty: true },
  { omitNulls: true },
  { splitAt: 1 },
  { splitAt: "random", unknownFields: true },
  { readyPaddingBytes: 1_000_000, splitAt: 1000 },
];

for (const format of FORMATS) {
  test(`LocalGateway means the same with the format ${JSON.stringify(format)}`, async () => {
    await using gateway = await LocalGateway.start({ format });
    const client = await ready(gateway, "zlib-stream");
    gateway.user("ann").says("hi");
    const message = await client.takeEvent("MESSAGE_CREATE");
    assertEquals([message.s, (message.d as { content: string }).content], [3, "hi"]);
    client.send(1, 3);
    const ack = await client.take(11);
    assertEquals("s" in ack, format.omitNulls !== true);
    if (format.splitAt === 1) assert(client.frames.every((frame) => frame.length === 1));
  });
}

test("LocalGateway.drop breaks the connection and keeps the session", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway);
  gateway.drop({ shardId: 1 });
  assertEquals(gateway.openConnections, 1);
  gateway.drop({ shardId: 0 });
  const { code } = await client.closed;
  assertEquals(code, runtime === "deno" ? 0 : 1006);
  assertEquals(gateway.closes.map(({ initiator }) => initiator), ["network"]);
});

test("LocalGateway.freeze holds everything back until thaw", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway);
  gateway.freeze();
  gateway.user("ann").says("held");
  client.send(1, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(client.payloads.at(-1)?.t, "GUILD_CREATE");
  assertEquals(gateway.received.length, 1);
  assertEquals(client.socket.readyState, WebSocket.OPEN);
  gateway.thaw();
  await client.takeEvent("MESSAGE_CREATE");
  await client.take(11);
});

test("LocalGateway ends while a connection is frozen", async () => {
  const gateway = await LocalGateway.start();
  const client = await ready(gateway);
  gateway.freeze();
  gateway.user("ann").says("held");
  await gateway[Symbol.asyncDispose]();
  await client.closed;
});

test("LocalGateway.cutAfter breaks the connection in the middle of a message", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway);
  gateway.cutAfter(100);
  gateway.user("ann").says("lost");
  await client.closed;
  assertEquals(client.payloads.at(-1)?.t, "GUILD_CREATE");
});

test("LocalGateway.withholdHello, delayHello and reconnectBeforeHello change how a connection starts", async () => {
  await using gateway = await LocalGateway.start();
  gateway.withholdHello();
  const waiting = await bareClient(gateway);
  gateway.withholdHello(false);
  await waiting.take(10);
  gateway.reconnectBeforeHello();
  const sentAway = await bareClient(gateway);
  assertEquals((await sentAway.take(7)).d, null);
  gateway.delayHello(10);
  const late = await bareClient(gateway);
  await late.take(10);
  gateway.delayHello(60_000);
  await bareClient(gateway);
});

test("LocalGateway.withholdReady lets ACKs flow, and READY come later", async () => {
  await using gateway = await LocalGateway.start();
  gateway.withholdReady();
  gateway.withholdGuilds();
  const client = await bareClient(gateway);
  client.send(2, identify(gateway));
  client.send(1, null);
  await client.take(11);
  assertEquals(client.payloads.map(({ op }) => op), [10, 11]);
  gateway.withholdReady(false);
  await client.takeEvent("READY");
  client.send(1, 1);
  await client.take(11);
  gateway.withholdGuilds(false);
  await client.takeEvent("GUILD_CREATE");
});

test("LocalGateway.withholdAcks, requestHeartbeat and reconnect send, or not", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway);
  gateway.requestHeartbeat();
  assertEquals((await client.take(1)).d, null);
  gateway.withholdAcks();
  const beat = gateway.next("heartbeat");
  client.send(1, 2);
  const { d, lastSequence, shardId } = await beat;
  assertEquals([d, lastSequence, shardId], [2, 2, 0]);
  gateway.reconnect({ closeAfterMs: 5 });
  await client.take(7);
  assertEquals(client.payloads.at(-2)?.op, 1);
  assertEquals((await client.closed).code, 4000);
});

test("LocalGateway records a client that closes with 1000 after op 7", async () => {
  await using gateway = await LocalGateway.start();
  const client = await ready(gateway);
  gateway.reconnect();
  await client.take(7);
  client.socket.close(1000);
  await gateway.next("violation", undefined, { past: true });
});

test("LocalGateway ends connections without heartbeats as it was told to", async () => {
  for (const heartbeatTimeoutCode of [4009, 1000, "drop"] as const) {
    await using gateway = await LocalGateway.start({ heartbeatTimeoutMs: 20, heartbeatTimeoutCode });
    const client = await bareClient(gateway);
    const { code } = await client.closed;
    if (heartbeatTimeoutCode === "drop") assert(code === 0 || code === 1006);
    else assertEquals(code, heartbeatTimeoutCode);
  }
});

test("LocalGateway.disconnect closes with every code, and without one", async () => {
  for (const code of [1000, 1001, 4000, 4001, 4014, 4999, null]) {
    await using gateway = await LocalGateway.start();
    const client = await bareClient(gateway);
    gateway.disconnect(code);
    const expected = code ?? (runtime === "deno" ? 1005 : 1006);
    assertEquals((await client.closed).code, expected);
  }
});

test("LocalGateway.rejectUpgrade refuses handshakes, on one address where told", async () => {
  await using gateway = await LocalGateway.start();
  gateway.rejectUpgrade(503, 1, { via: "resume" });
  assert(await (await bareClient(gateway)).opened);
  assert(!(await (await bareClient(gateway, "", { url: gateway.resumeUrl })).opened));
  assert(await (await bareClient(gateway, "", { url: gateway.resumeUrl })).opened);
});

test("LocalGateway.stopListening refuses connections, keeps open ones, and starts again on the same port", async () => {
  await using gateway = await LocalGateway.start();
  const headers = { authorization: `Bot ${gateway.token}`, "user-agent": "DiscordBot (https://example.com, 1)" };
  const ask = async () => await (await fetch(`${gateway.url}/gateway/bot`, { headers })).body?.cancel();
  const client = await ready(gateway);
  await ask();
  gateway.stopListening();
  await assertRejects(ask);
  assert(!(await (await bareClient(gateway)).opened));
  gateway.user("ann").says("still here");
  await client.takeEvent("MESSAGE_CREATE");
  await gateway.startListening();
  await ask();
  assert(await (await bareClient(gateway)).opened);
});

test("LocalGateway.next takes records of the past where told, and ends with its signal or the gateway", async () => {
  const gateway = await LocalGateway.start();
  await ready(gateway);
  const identified = await gateway.next("identify", ({ shard }) => shard[0] === 0, { past: true });
  assertEquals(identified.outcome, "ready");
  const controller = new AbortController();
  const aborted = gateway.next("message", undefined, { signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await aborted.catch((error) => error), reason);
  const pending = gateway.next("message");
  await gateway[Symbol.asyncDispose]();
  assertEquals((await pending.catch((error) => error)).name, "AbortError");
});
