import { Decompressor, HTTPClient, IdentifyQueue, ReconnectCheckFailedError, Shard } from "@gangway/gateway";
import { LocalGateway } from "@gangway/gateway/testing";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "./harness.ts";
import { connectedRig, fakeTime, fixedRandom, type Rig, rig } from "./shard_rig.ts";

/** Gives a command, and tells how it ended. */
function command({ shard, gateway }: Rig): { state: string } {
  const told = { state: "waits" };
  shard.requestSoundboardSounds([gateway.guilds[0]?.id ?? ""]).then(
    () => told.state = "sent",
    (error) => told.state = String(error),
  );
  return told;
}

function commandsOf({ gateway }: Rig): number {
  return gateway.received.filter(({ op }) => op === 31).length;
}

test("Shard that is closed by a listener of ready sends no command before the next connection is usable", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using it = await rig({ memory: true });
  const { shard } = it;
  shard.dispatcher.listen("ready", () => void shard.close({ cleanup: false }), { once: true });
  shard.connect().catch(() => {});
  await time.pass(2_000);
  assertEquals(shard.phase, "closed");
  void shard.connect();
  const told = command(it);
  await time.pass(2_000);
  assertEquals([shard.phase, told.state, commandsOf(it)], ["ready", "sent", 1]);
});

test("Shard whose token is set by a listener of resumed sends no command before the next connection is usable", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.9);
  await using it = await rig({ memory: true, violates: true });
  const { shard, gateway } = it;
  void shard.connect();
  await time.pass(2_000);
  shard.dispatcher.listen("resumed", () => shard.token = "another", { once: true });
  gateway.drop();
  await time.pass(0);
  const told = command(it);
  await time.pass(950);
  assertEquals([shard.phase, told.state], ["backing_off", "waits"]);
  shard.token = gateway.token;
  await time.pass(20_000);
  assertEquals([shard.phase, told.state, commandsOf(it)], ["ready", "sent", 1]);
});

for (const how of ["another token", "a close"] as const) {
  test(`Shard counts an IDENTIFY whose sent event is answered with ${how}`, async () => {
    using time = fakeTime();
    using _ = fixedRandom();
    await using gateway = await LocalGateway.start({ listen: false });
    const { fetch, createWebSocket } = gateway;
    const client = new HTTPClient({ baseUrl: gateway.url, fetch, createWebSocket });
    const queue = new IdentifyQueue();
    queue.update({ total: 1_000, remaining: 5, reset_after: 86_400_000, max_concurrency: 1 });
    await using shard = new Shard(0, 1, 0, gateway.token, queue, client, { compress: "none" });
    let isFirst = true;
    shard.dispatcher.listen("sent", ({ op }) => {
      if (op !== 2 || !isFirst) return;
      isFirst = false;
      if (how === "a close") return void shard.close();
      shard.token = "another";
      shard.token = gateway.token;
    });
    shard.connect().catch(() => {});
    await time.pass(2_000);
    if (how === "a close") void shard.connect();
    await time.pass(20_000);
    assertEquals([shard.phase, queue.remaining, gateway.violations], ["ready", 3, []]);
    assertEquals(gateway.identifies.length, 2);
    client.close();
  });
}

test("Shard does not identify where shouldReconnect became false during the handshake", async () => {
  await using it = await rig();
  const { shard, gateway } = it;
  shard.dispatcher.listen("phase", ({ phase }) => {
    if (phase === "connecting") shard.shouldReconnect = false;
  });
  await shard.connect();
  assertInstanceOf(await shard.closed.catch((error) => error), ReconnectCheckFailedError);
  assertEquals(gateway.identifies.length, 0);
});

for (const how of ["closed", "given another token"] as const) {
  test(`Shard that is ${how} by createDecompressor leaves no socket open`, async () => {
    using _ = fixedRandom();
    let isFirst = true;
    await using it: Rig = await rig({
      shard: {
        compress: "zlib-stream",
        createDecompressor: (format) => {
          if (isFirst) {
            if (how === "closed") void it.shard.close();
            else it.shard.token = "another";
            it.shard.token = it.gateway.token;
          }
          isFirst = false;
          return new Decompressor(format);
        },
      },
    });
    const { shard, gateway } = it;
    const left = gateway.next("close");
    shard.connect().catch(() => {});
    await left;
    if (how === "closed") {
      await shard.closed;
      assertEquals([gateway.identifies.length, gateway.openConnections], [0, 0]);
    } else {
      await shard.ready;
      assertEquals([gateway.identifies.length, gateway.openConnections], [1, 1]);
    }
  });
}

test("Shard.close called twice at the same time resolves both times when the socket is closed", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const order: string[] = [];
  const socketClosed = gateway.next("close").then(() => order.push("socket"));
  await Promise.all([
    shard.close().then(() => order.push("close")),
    shard.close().then(() => order.push("close")),
    socketClosed,
  ]);
  assertEquals(order, ["socket", "close", "close"]);
});

test("Shard.connect and Shard.close reject where the options are none", async () => {
  await using it = await rig();
  const { shard } = it;
  for (const options of [null, 1, "cleanup"]) {
    await assertRejects(() => shard.connect(options as never), TypeError, "options");
    await assertRejects(() => shard.close(options as never), TypeError, "options");
  }
  assert(shard.phase === "idle");
});
