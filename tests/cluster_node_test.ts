import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { assert, assertEquals, assertInstanceOf, assertLessOrEqual, assertRejects } from "@std/assert";
import { clusterStatus, type StreamOptions } from "../lib/cluster/mod.ts";
import { BotAuthentication, InvalidTokenError, type Session } from "../mod.ts";
import { checkStreams } from "./cluster/stream_check.ts";
import { Flow } from "./cluster/flow.ts";
import { ClusterRig, natsTest, until } from "./cluster/rig.ts";

natsTest(
  "ClusterNode shares the shards with a node that joins, and a leaving one hands over: no identify",
  async (server) => {
    await using rig = await ClusterRig.start(server);
    const { gateway } = rig;
    const one = await rig.addNode({ name: "one" });
    await rig.ready(4);
    const flow = new Flow(gateway);
    flow.start(500);
    const other = await rig.addNode({ name: "other" });
    await until(() => one.shards.size === 2 && other.shards.size === 2 && gateway.resumes.length === 2);
    await one.close();
    await until(() => other.shards.size === 4 && gateway.resumes.length === 4);
    flow.stop();
    await rig.ready(4);
    const nats = await rig.connect();
    await until(async () => (await checkStreams(nats, "bot", flow.sent)).missing.length === 0);
    const { doubled, outOfOrder, repeatedIds } = await checkStreams(nats, "bot", flow.sent);
    assertEquals([doubled, outOfOrder, repeatedIds], [0, 0, 0]);
    assertEquals([gateway.identifies.length, gateway.violations], [4, []]);
    assert(gateway.resumes.every(({ outcome }) => outcome === "resumed"));
    assert(gateway.closes.filter(({ initiator }) => initiator === "client").every(({ code }) => code === 4900));
  },
);

natsTest(
  "ClusterNode ends the sessions when it is told to, and a cluster that comes back resumes else",
  async (server) => {
    await using rig = await ClusterRig.start(server);
    const { gateway } = rig;
    const one = await rig.addNode();
    await rig.ready(4);
    await one.close();
    const other = await rig.addNode();
    await until(() => gateway.resumes.length === 4);
    await other.close({ cleanup: true });
    await rig.addNode();
    await rig.ready(4);
    assertEquals(gateway.identifies.length, 8);
    assertEquals(gateway.violations, []);
    assertEquals((await clusterStatus({ nats: await rig.connect() })).losses.times, 0);
  },
);

natsTest("ClusterNode closes its shards where NATS takes too little, and loses nothing", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  const { gateway } = rig;
  const node = await rig.addNode({ maxPending: 50, leaseMs: 60_000 });
  await rig.ready(1);
  await until(() => node.pending === 0);
  await server.kill();
  const stalled = node.dispatcher.waitFor("publishing_stalled");
  const closed = gateway.next("close");
  const flow = new Flow(gateway);
  for (let count = 0; count < 100; count++) flow.send();
  assertEquals((await stalled).shardIds, [0]);
  assertEquals((await closed).code, 4900);
  for (let count = 0; count < 100; count++) flow.send();
  const resumed = node.dispatcher.waitFor("publishing_resumed");
  await server.start();
  await resumed;
  const nats = await rig.connect();
  await until(async () => (await checkStreams(nats, "bot", flow.sent)).missing.length === 0);
  const { doubled, outOfOrder } = await checkStreams(nats, "bot", flow.sent);
  assertEquals([doubled, outOfOrder, gateway.identifies.length, gateway.violations], [0, 0, 1, []]);
});

natsTest("ClusterNode is replaced on all machines, one after the other: no identify, nothing lost", async (server) => {
  // Two keys of the limit, and three nodes that want them: the gateway itself looks after the five seconds.
  await using rig = await ClusterRig.start(server, { maxConcurrency: 2, identifyWindowMs: 5_000 });
  const { gateway } = rig;
  const old = await Promise.all([rig.addNode(), rig.addNode(), rig.addNode()]);
  await rig.ready(4);
  const flow = new Flow(gateway);
  flow.start(300);
  for (const node of old) {
    const successor = await rig.addNode();
    await until(() => successor.shards.size > 0);
    await node.close();
    await rig.ready(4);
  }
  flow.stop();
  const nats = await rig.connect();
  await until(async () => (await checkStreams(nats, "bot", flow.sent)).missing.length === 0);
  const { doubled, outOfOrder, repeatedIds } = await checkStreams(nats, "bot", flow.sent);
  assertEquals([doubled, outOfOrder, repeatedIds], [0, 0, 0]);
  assertEquals([gateway.identifies.length, gateway.violations], [4, []]);
  assert(gateway.resumes.every(({ outcome }) => outcome === "resumed"));
});

natsTest("ClusterNode counts and tells what an outage of NATS has cost that outlasts the replay", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1, replayLimit: 20 });
  const { gateway } = rig;
  const node = await rig.addNode({ maxPending: 10, leaseMs: 60_000 });
  await rig.ready(1);
  await until(() => node.pending === 0);
  await server.kill();
  const closed = gateway.next("close");
  const flow = new Flow(gateway);
  for (let count = 0; count < 30; count++) flow.send();
  await closed;
  for (let count = 0; count < 100; count++) flow.send();
  const lost = node.dispatcher.waitFor("events_lost");
  await server.start();
  const { shardId, missed, reason } = await lost;
  assertEquals([shardId, missed], [0, null]);
  assert(reason.includes("could not be resumed after sequence"));
  await rig.ready(1);
  flow.send();
  const nats = await rig.connect();
  await until(async () => (await clusterStatus({ nats })).losses.times === 1);
  await until(async () => !(await checkStreams(nats, "bot", flow.sent)).missing.includes(flow.sent));
  // What was received before is there, and so is what came after.
  const { missing, doubled } = await checkStreams(nats, "bot", flow.sent);
  assertEquals(missing, Array.from({ length: missing.length }, (_, index) => flow.sent - missing.length + index));
  assert(missing.length < flow.sent - 1);
  assertEquals([doubled, gateway.identifies.length, gateway.violations], [0, 2, []]);
});

natsTest("ClusterNode stores no sequence number of an event that its stream did not take", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  const { gateway } = rig;
  const node = await rig.addNode({ stream: { maxBytes: 20_000 } });
  await rig.ready(1);
  const full = node.dispatcher.waitFor(
    "cluster_error",
    ({ error }) => String(error).includes("maximum bytes exceeded"),
  );
  const flow = new Flow(gateway);
  for (let count = 0; count < 100; count++) flow.send();
  await full;
  await node.close();
  const nats = await rig.connect();
  const manager = await jetstreamManager(nats);
  const name = "gangway_bot_events_0";
  const last = await manager.streams.getMessage(name, { last_by_subj: ">" });
  const session = await (await new Kvm(nats).open("gangway_bot_sessions")).get("0-1");
  const stored = session?.json<{ session: Session }>().session.sequence;
  assertLessOrEqual(stored ?? Infinity, Number(last?.header.get("Nats-Msg-Id").split(":")[1]));
  await manager.streams.update(name, { max_bytes: -1 });
  await rig.addNode();
  await until(async () => (await checkStreams(nats, "bot", flow.sent)).missing.length === 0);
  const { doubled, outOfOrder } = await checkStreams(nats, "bot", flow.sent);
  assertEquals([doubled, outOfOrder, gateway.identifies.length], [0, 0, 1]);
});

natsTest("ClusterNode has message ids remembered for the life of a session and a lease", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  const manager = await jetstreamManager(await rig.connect());
  for (const [leaseMs, windowMs] of [[10_000, 300_000], [250_000, 430_000]] as const) {
    const stream = { duplicateWindowMs: undefined } as unknown as StreamOptions;
    const node = await rig.addNode({ app: `lease${leaseMs}`, leaseMs, stream });
    await rig.ready(1);
    const { config } = await manager.streams.info(`gangway_lease${leaseMs}_events_0`);
    assertEquals(config.duplicate_window, windowMs * 1_000_000);
    await node.close();
  }
});

natsTest("ClusterNode tells of events that a lost session has cost", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  const { gateway } = rig;
  const one = await rig.addNode();
  await rig.ready(1);
  await one.close();
  await rig.ready(0);
  rig.say("nobody hears this");
  gateway.expireSessions();
  const other = await rig.makeNode();
  const lost = other.dispatcher.waitFor("events_lost");
  await other.connect();
  const { shardId, missed, reason } = await lost;
  assertEquals([shardId, missed], [0, null]);
  assert(reason.includes("could not be resumed"));
});

natsTest(
  "ClusterNode counts a refused session once, also where a node ends before the next one begins",
  async (server) => {
    await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
    const { gateway } = rig;
    const one = await rig.addNode();
    await rig.ready(1);
    await until(() => one.pending === 0);
    gateway.withholdReady();
    const refused = gateway.next("identify");
    gateway.invalidateSession(false);
    await refused;
    await one.close();
    gateway.withholdReady(false);
    const other = await rig.makeNode();
    const lost = other.dispatcher.waitFor("events_lost");
    await other.connect();
    assertEquals((await lost).shardId, 0);
    await rig.ready(1);
    await other.close();
    await rig.addNode();
    await rig.ready(1);
    assertEquals((await clusterStatus({ nats: await rig.connect() })).losses, { times: 1, events: 0 });
  },
);

natsTest("ClusterNode publishes only the events that were asked for, as they were received", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  const node = await rig.addNode({ events: ["MESSAGE_CREATE"] });
  await rig.ready(1);
  const heard = node.eventDispatcher.waitFor("MESSAGE_CREATE", (_, event) => {
    payload = event.payload;
    return true;
  });
  let payload: Uint8Array = new Uint8Array();
  rig.say("hello");
  await heard;
  await until(() => node.pending === 0);
  const manager = await jetstreamManager(await rig.connect());
  const message = await manager.streams.getMessage("gangway_bot_events_0", { seq: 1 });
  assertEquals(message?.subject, "gangway.bot.events.MESSAGE_CREATE.0");
  assertEquals(message?.data, payload);
  assertEquals((await manager.streams.info("gangway_bot_events_0")).state.messages, 1);
});

natsTest("ClusterNode ends with the error that no shard can go on after", async (server) => {
  await using rig = await ClusterRig.start(server);
  await assertRejects(
    async () => await (await rig.makeNode({ authentication: new BotAuthentication("wrong") })).connect(),
    InvalidTokenError,
  );
  const node = await rig.makeNode();
  const closed = node.closed.then(() => null, (error: unknown) => error);
  rig.gateway.setAllowedIntents(0);
  await node.connect();
  assertInstanceOf(await closed, Error);
  await rig.ready(0);
});

natsTest("ClusterNode and ClusterWorker refuse options that make no sense", async (server) => {
  await using rig = await ClusterRig.start(server);
  await assertRejects(() => rig.makeNode({ leaseMs: 10 }), RangeError, "leaseMs");
  await assertRejects(() => rig.makeNode({ shardsPerLease: 0 }), RangeError, "shardsPerLease");
  await assertRejects(() => rig.makeNode({ app: "a.b" }), TypeError, "Cannot name a cluster");
  await assertRejects(() => rig.makeNode({ nats: {} as never }), TypeError, "nats");
  await assertRejects(() => rig.makeWorker({ group: "a b" }), TypeError, "group");
  await assertRejects(() => rig.makeWorker({ concurrency: 0 }), RangeError, "concurrency");
});

natsTest("ClusterNode can lease several shards as one, with a stream for them", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 5, guilds: 10, maxConcurrency: 5 });
  const one = await rig.addNode({ shardsPerLease: 2 });
  const other = await rig.addNode({ shardsPerLease: 2 });
  await rig.ready(5);
  const flow = new Flow(rig.gateway);
  for (let count = 0; count < 100; count++) flow.send();
  const nats = await rig.connect();
  await until(async () => (await checkStreams(nats, "bot", 100)).missing.length === 0);
  const status = await clusterStatus({ nats });
  assertEquals(status.streams.length, 3);
  assertEquals(status.leases.map(({ shardIds }) => shardIds), [[0, 1], [2, 3], [4]]);
  assertEquals(status.nodes.map(({ shards }) => shards).sort(), [one.shards.size, other.shards.size].sort());
});
