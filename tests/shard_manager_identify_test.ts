import { type IdentifyLimited, IdentifyQueue } from "@gangway/gateway";
import { assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { type ManagerRig, managerRig } from "./shard_manager_rig.ts";
import { fakeTime, fixedRandom } from "./shard_rig.ts";

/** Five seconds and the margin. */
const WINDOW_MS = 5_250;

/** Who identified when, from the first one on. */
function identifies({ gateway }: ManagerRig): [shardId: number, afterMs: number][] {
  const [first] = gateway.identifies;
  return gateway.identifies.map(({ shard, atMs }) => [shard[0], atMs - (first?.atMs ?? 0)]);
}

for (const maxConcurrency of [1, 2, 16]) {
  test(`ShardManager starts 32 shards ${maxConcurrency} at a time, lowest ids first`, async () => {
    using time = fakeTime();
    await using rig = await managerRig({ memory: true, gateway: { shards: 32, maxConcurrency } });
    const connecting = rig.manager.connect();
    await time.pass((32 / maxConcurrency) * WINDOW_MS);
    await connecting;
    const expected = Array.from({ length: 32 }, (_, id) => [id, Math.floor(id / maxConcurrency) * WINDOW_MS]);
    assertEquals(identifies(rig), expected as [number, number][]);
    assertEquals(rig.manager.activeShards.length, 32);
  });
}

test("ShardManager shows who decides when shards identify", async () => {
  using time = fakeTime();
  await using rig = await managerRig({
    memory: true,
    gateway: { sessionStartLimit: { total: 5, resetAfterMs: 60_000 } },
  });
  await using other = await managerRig({ memory: true, unlimited: true });
  const queue = rig.manager.identifyRateLimiter as IdentifyQueue;
  assertEquals(queue.remaining, Infinity);
  void rig.manager.connect();
  await time.pass(1_000);
  assertEquals(queue.remaining, 4);
  assertEquals(other.manager.identifyRateLimiter instanceof IdentifyQueue, false);
});

test("ShardManager's shards wait for their turn when they have to identify again", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0);
  await using rig = await managerRig({ memory: true, gateway: { shards: 4, maxConcurrency: 2 } });
  const connecting = rig.manager.connect();
  await time.pass(60_000);
  await connecting;
  rig.gateway.clearRecords();
  rig.gateway.invalidateSession(false);
  await time.pass(60_000);
  assertEquals(identifies(rig), [[0, 0], [1, 0], [2, WINDOW_MS], [3, WINDOW_MS]]);
  assertEquals(rig.manager.activeShards.length, 4);
});

test("ShardManager's shards need no turn to resume", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0);
  await using rig = await managerRig({ memory: true, gateway: { shards: 4, maxConcurrency: 1 } });
  const connecting = rig.manager.connect();
  await time.pass(60_000);
  await connecting;
  rig.gateway.drop();
  await time.pass(1_000);
  assertEquals([rig.gateway.resumes.length, rig.gateway.identifies.length], [4, 4]);
  assertEquals(rig.manager.activeShards.length, 4);
});

test("ShardManager holds the next shard of a key back while one waits for READY", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 3, maxConcurrency: 2 } });
  rig.gateway.withholdReady();
  const connecting = rig.manager.connect();
  await time.pass(60_000);
  assertEquals(identifies(rig), [[0, 0], [1, 0]]);
  rig.gateway.withholdReady(false);
  await time.pass(100);
  await connecting;
  assertEquals(identifies(rig).map(([id]) => id), [0, 1, 2]);
});

for (const [name, remaining, identifyReserve] of [["none is", 0, 0], ["only the reserve is", 20, 20]] as const) {
  test(`ShardManager identifies nobody where ${name} left before the renewal, and says so`, async () => {
    using time = fakeTime();
    await using rig = await managerRig({
      memory: true,
      gateway: {
        shards: 2,
        maxConcurrency: 2,
        sessionStartLimit: { total: 1_000, remaining, resetAfterMs: 3_600_000 },
      },
      manager: { identifyReserve },
    });
    const limited: IdentifyLimited[] = [];
    rig.manager.dispatcher.listen("identify_limited", (data) => limited.push(data));
    const connecting = rig.manager.connect();
    await time.pass(3_599_000);
    assertEquals([rig.gateway.identifies.length, rig.gateway.connections.length], [0, 0]);
    assertEquals(limited, [{ remaining, reserve: identifyReserve, retryAfterMs: 3_600_000 }]);
    await time.pass(1_000);
    await connecting;
    assertEquals(identifies(rig).map(([id]) => id), [0, 1]);
    assertEquals(limited.length, 1);
  });
}

test("ShardManager uses up the budget down to the reserve, and goes on after the renewal", async () => {
  using time = fakeTime();
  await using rig = await managerRig({
    memory: true,
    gateway: { shards: 4, maxConcurrency: 4, sessionStartLimit: { total: 100, remaining: 12, resetAfterMs: 600_000 } },
    manager: { identifyReserve: 10 },
  });
  const connecting = rig.manager.connect();
  await time.pass(599_000);
  assertEquals([identifies(rig).map(([id]) => id), rig.gateway.remainingSessionStarts], [[0, 1], 10]);
  await time.pass(1_000);
  await connecting;
  assertEquals(identifies(rig).map(([id]) => id), [0, 1, 2, 3]);
});

test("ShardManager resumes from the store without an identify left", async () => {
  const { MemorySessionStore } = await import("@gangway/gateway");
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, manager: { sessionStore: new MemorySessionStore() } });
  const connecting = rig.manager.connect();
  await time.pass(1_000);
  await connecting;
  await rig.manager.close({ cleanup: false });
  rig.gateway.setRemainingSessionStarts(0);
  await rig.up();
  assertEquals([rig.gateway.identifies.length, rig.gateway.resumes.length], [1, 1]);
});
