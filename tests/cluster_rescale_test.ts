import { assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { Board } from "../lib/cluster/board.ts";
import { clusterStatus } from "../lib/cluster/mod.ts";
import { callOff, type LeaseRecord, type Plan, planOf } from "../lib/cluster/plan.ts";
import { Flow } from "./cluster/flow.ts";
import { ClusterRig, natsTest, until } from "./cluster/rig.ts";
import { checkStreams } from "./cluster/stream_check.ts";

natsTest("ClusterNode rescales the cluster, driven from any node: nothing lost or doubled", async (server) => {
  // No clock of a node is compared with that of NATS.
  const { now } = Date;
  Date.now = () => now() + 60_000;
  try {
    await using rig = await ClusterRig.start(server, { shards: 2, guilds: 12, maxConcurrency: 16 });
    const { gateway } = rig;
    const [one, other] = [await rig.addNode(), await rig.addNode()];
    await rig.ready(2);
    const flow = new Flow(gateway);
    flow.start(300);
    await other.rescale(3);
    await rig.ready(3);
    assertEquals(other.shardCount, 3);
    await until(() => one.shardCount === 3);
    flow.stop();
    const nats = await rig.connect();
    await until(async () => (await checkStreams(nats, "bot", flow.sent)).missing.length === 0);
    const { doubled, outOfOrder } = await checkStreams(nats, "bot", flow.sent);
    assertEquals([doubled, outOfOrder, gateway.identifies.length, gateway.violations], [0, 0, 5, []]);
  } finally {
    Date.now = now;
  }
});

natsTest("ClusterNode rescales also where more comes at the switch than may wait for NATS", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 2, guilds: 4, maxConcurrency: 16 });
  const { gateway } = rig;
  const node = await rig.addNode({ maxPending: 100 });
  await rig.ready(2);
  const flow = new Flow(gateway);
  flow.start(300);
  const stalled = node.dispatcher.waitFor("publishing_stalled");
  await node.rescale(1);
  // No more is kept than may wait for NATS: the rest comes with the replay, where its copies are told apart as well.
  assertGreaterOrEqual((await stalled).pending, 100);
  await rig.ready(1);
  flow.stop();
  const nats = await rig.connect();
  await until(async () => (await checkStreams(nats, "bot", flow.sent)).missing.length === 0);
  const { doubled, outOfOrder } = await checkStreams(nats, "bot", flow.sent);
  assertEquals([doubled, outOfOrder, gateway.identifies.length, gateway.violations], [0, 0, 3, []]);
});

natsTest("ClusterNode refuses a rescale that cannot be, and can be called off", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 2, sessionStartLimit: { total: 6 } });
  const { gateway } = rig;
  const node = await rig.makeNode();
  await assertRejects(() => node.rescale(3), DOMException, "not connected");
  await node.connect();
  await rig.ready(2);
  await assertRejects(() => node.rescale(2), RangeError, "2 shards already");
  await assertRejects(() => node.rescale(0), RangeError, "whole number from 1");
  await until(async () => (await clusterStatus({ nats: await rig.connect() })).identify.remaining === 4);
  await assertRejects(() => node.rescale(5), DOMException, "it takes 5 identifies, and 4 can be used");
  gateway.withholdReady();
  const giveUp = new AbortController();
  const rescaled = node.rescale(3, { signal: giveUp.signal });
  await assertRejects(() => node.rescale(4), DOMException, "another rescale is under way");
  await gateway.next("identify", ({ shard }) => shard[1] === 3);
  giveUp.abort(new Error("changed my mind"));
  await assertRejects(() => rescaled, Error, "changed my mind");
  gateway.withholdReady(false);
  await rig.ready(2);
  assertEquals(node.shardCount, 2);
});

natsTest("ClusterNode reports no loss of shards whose events are left to others", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 2, guilds: 6, maxConcurrency: 16 });
  const { gateway } = rig;
  const node = await rig.addNode();
  await rig.ready(2);
  const lost: unknown[] = [];
  node.dispatcher.listen("events_lost", (data) => void lost.push(data));
  gateway.withholdGuilds();
  const rescaled = node.rescale(3);
  await gateway.next("identify", ({ shard }) => shard[0] === 2);
  await until(() => node.shards.get(2)?.phase === "ready");
  const again = gateway.next("identify", ({ shard }) => shard[0] === 2);
  gateway.invalidateSession(false, { shardId: 2 });
  await again;
  gateway.withholdGuilds(false);
  await rescaled;
  assertEquals(lost, []);
  assertEquals((await clusterStatus({ nats: await rig.connect() })).losses, { times: 0, events: 0 });
});

natsTest("ClusterNode begins a rescale anew where another one was called off and has left leases", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 2, guilds: 6, maxConcurrency: 16 });
  const { gateway } = rig;
  const one = await rig.addNode();
  await rig.ready(2);
  gateway.withholdReady();
  const rescaled = one.rescale(3);
  rescaled.catch(() => {});
  await gateway.next("identify", ({ shard }) => shard[1] === 3);
  await one.close();
  await using board = await Board.open(await rig.connect(), "gangway_bot", { timeoutMs: 5_000 });
  const left = () => [...board.under<LeaseRecord>("lease.2.")];
  await until(() => left().length === 3);
  // As when all were ready, and their nodes died before they could remove them.
  for (const [lease, record] of left()) {
    await board.write(`lease.2.${lease}`, { ...record, node: lease === "0" ? null : "dead-1", state: "ready" });
  }
  await callOff(board, planOf(board)?.next?.id ?? "");
  gateway.withholdReady(false);
  const other = await rig.addNode();
  await rig.ready(2);
  gateway.withholdReady();
  const plans: Plan[] = [];
  board.onChange(({ key, after }) => {
    if (key === "plan") plans.push(after as Plan);
  }, AbortSignal.any([]));
  const identified = gateway.next("identify", ({ shard }) => shard[1] === 3);
  const again = other.rescale(3);
  await identified;
  assertEquals(plans.map(({ next }) => next?.phase), ["warming"]);
  gateway.withholdReady(false);
  await again;
  await until(() => left().length === 0);
  assertEquals(other.shardCount, 3);
});

natsTest("ClusterNode calls a rescale off whose shards cannot go on, and goes on itself", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 6, maxConcurrency: 16 });
  const { gateway } = rig;
  const node = await rig.addNode();
  await rig.ready(1);
  gateway.setShardRules({ shardCountMultipleOf: 3 });
  // Three of them identify at once, and some fail after it was called off.
  await assertRejects(() => node.rescale(4), DOMException, "called off");
  await rig.ready(1);
  assertEquals(node.shardCount, 1);
});
