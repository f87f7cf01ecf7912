import {
  BotAuthentication,
  GatewayError,
  HTTPClient,
  InvalidShardCountError,
  type RescaledData,
  ShardManager,
} from "@gangway/gateway";
import { LocalGateway } from "@gangway/gateway/testing";
import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { test } from "./harness.ts";
import { type ManagerRig, managerRig } from "./shard_manager_rig.ts";
import { fakeTime, fixedRandom } from "./shard_rig.ts";

function rescales({ manager }: ManagerRig): RescaledData[] {
  const rescales: RescaledData[] = [];
  manager.dispatcher.listen("rescaled", (data) => rescales.push(data));
  return rescales;
}

for (const code of [4010, 4011]) {
  test(`ShardManager follows the recommendation when its shard count was left to the gateway: ${code}`, async () => {
    using time = fakeTime();
    await using rig = await managerRig({ memory: true, gateway: { shards: 2, maxConcurrency: 16, guilds: 4 } });
    const followed = rescales(rig);
    const connecting = rig.up();
    await time.pass(1_000);
    await connecting;
    rig.gateway.setRecommendedShards(4);
    rig.gateway.disconnect(code, { shardId: 1 });
    await time.pass(60_000);
    assertEquals(followed.map(({ shardCount, shardIds }) => [shardCount, shardIds]), [[4, [0, 1, 2, 3]]]);
    assertEquals([rig.manager.shardCount, rig.manager.activeShards.length, rig.criticals], [4, 4, []]);
    assertEquals(rig.gateway.openConnections, 4);
    const heard = rig.hear();
    rig.say("hello");
    await time.pass(100);
    assertEquals(heard.length, 4);
  });
}

test("ShardManager follows the recommendation once where all shards are refused at once", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 3, maxConcurrency: 16, guilds: 4 } });
  const followed = rescales(rig);
  const connecting = rig.up();
  await time.pass(1_000);
  await connecting;
  rig.gateway.setRecommendedShards(4);
  rig.gateway.delayHttp(500);
  rig.gateway.disconnect(4011);
  await time.pass(60_000);
  assertEquals([followed.length, rig.manager.shardCount, rig.criticals], [1, 4, []]);
  assertEquals(rig.manager.activeShards.length, 4);
});

test("ShardManager follows the recommendation while it still connects shards, and connect resolves", async () => {
  using time = fakeTime();
  await using rig = await managerRig({
    memory: true,
    gateway: { shards: 3, maxConcurrency: 1, guilds: 4, shardCountMultipleOf: 2 },
  });
  const followed = rescales(rig);
  void rig.gateway.next("identify").then(() => rig.gateway.setRecommendedShards(4));
  const connecting = rig.manager.connect();
  await time.pass(120_000);
  await connecting;
  assertEquals([followed.length, rig.manager.shardCount, rig.criticals], [1, 4, []]);
  assertEquals(rig.manager.activeShards.length, 4);
});

test("ShardManager follows again where the new shard count is refused after all", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0);
  await using rig = await managerRig({ memory: true, gateway: { shards: 1, maxConcurrency: 16, guilds: 4 } });
  const connecting = rig.up();
  await time.pass(1_000);
  await connecting;
  rig.gateway.setRecommendedShards(2);
  rig.gateway.disconnect(4011);
  // The new shards have taken over, and the old ones are not gone yet.
  await time.pass(9_500);
  assertEquals(rig.manager.shardCount, 2);
  rig.gateway.setRecommendedShards(4);
  rig.gateway.disconnect(4011);
  await time.pass(120_000);
  assertEquals([rig.manager.shardCount, rig.manager.activeShards.length, rig.criticals], [4, 4, []]);
});

test("ShardManager ends where a shard is refused and the recommendation is the same", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 2, maxConcurrency: 16 } });
  const connecting = rig.up();
  await time.pass(1_000);
  await connecting;
  rig.gateway.disconnect(4011, { shardId: 0 });
  const closed = assertRejects(() => rig.manager.closed, InvalidShardCountError);
  await time.pass(10_000);
  assertEquals(rig.criticals, [await closed]);
  assertEquals(rig.gateway.openConnections, 0);
});

test("ShardManager ends where too few identifies are left to follow the recommendation", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 2, maxConcurrency: 16 } });
  const connecting = rig.up();
  await time.pass(1_000);
  await connecting;
  rig.gateway.setRecommendedShards(4);
  rig.gateway.setRemainingSessionStarts(3);
  rig.gateway.disconnect(4011, { shardId: 0 });
  const closed = assertRejects(() => rig.manager.closed, GatewayError, "takes 4 identifies, and 3");
  await time.pass(10_000);
  const error = await closed;
  assertEquals(rig.criticals, [error]);
  assertStringIncludes(error.message, "run the doctor");
  assertInstanceOf(error.cause, DOMException);
});

for (const code of [4010, 4011]) {
  test(`ShardManager ends where a shard count that it was given is refused: ${code}`, async () => {
    await using rig = await managerRig({ gateway: { shards: 4, maxConcurrency: 16 }, manager: { shardCount: 2 } });
    await rig.up();
    rig.gateway.disconnect(code, { shardId: 1 });
    const error = await assertRejects(() => rig.manager.closed, InvalidShardCountError);
    assertEquals([error.code, rig.criticals], [code, [error]]);
    assertEquals(rig.gateway.httpRequests.length, 1);
  });
}

test("ShardManager stops to follow when it is closed", async () => {
  using time = fakeTime();
  await using rig = await managerRig({ memory: true, gateway: { shards: 1, maxConcurrency: 16 } });
  const connecting = rig.up();
  await time.pass(1_000);
  await connecting;
  rig.gateway.setRecommendedShards(4);
  rig.gateway.delayHttp(5_000);
  rig.gateway.disconnect(4011);
  await time.pass(1_000);
  await rig.manager.close();
  await rig.manager.closed;
  await time.pass(60_000);
  assertEquals([rig.criticals, rig.gateway.openConnections, rig.gateway.identifies.length], [[], 0, 1]);
});

test("ShardManager.rescaleShards counts the identifies that were sent while it asked how many are left", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using gateway = await LocalGateway.start({
    listen: false,
    maxConcurrency: 16,
    sessionStartLimit: { total: 1_000, remaining: 3 },
  });
  let delayMs = 0;
  const client = new HTTPClient({
    baseUrl: gateway.url,
    fetch: async (url, init) => {
      const response = await gateway.fetch(url, init);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      return response;
    },
    createWebSocket: gateway.createWebSocket,
  });
  const options = { compress: "none", shardCount: 1 } as const;
  await using manager = new ShardManager(new BotAuthentication(gateway.token), 0, client, options);
  void manager.connect();
  await time.pass(1_000);
  delayMs = 8_000;
  const refused = assertRejects(() => manager.rescaleShards(2), DOMException, "takes 2 identifies, and 1");
  await time.pass(1_000);
  // The answer is on its way, and says that there are two.
  gateway.invalidateSession(false);
  await time.pass(20_000);
  await refused;
  assertEquals([gateway.identifies.length, gateway.remainingSessionStarts], [2, 1]);
  client.close();
});
