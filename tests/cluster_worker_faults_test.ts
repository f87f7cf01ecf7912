import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { Shard } from "@gangway/gateway";
import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { serveCommands } from "../lib/cluster/commands.ts";
import { RemoteShard } from "../lib/cluster/remote_shard.ts";
import { StreamConsumer } from "../lib/cluster/stream_consumer.ts";
import type { NatsServer } from "../scripts/nats_server.ts";
import { capturedErrors } from "./captured_errors.ts";
import { NatsProxy } from "./cluster/nats_proxy.ts";
import { ClusterRig, connectTo, natsTest, until } from "./cluster/rig.ts";
import { WorkerRig } from "./cluster/worker_rig.ts";

natsTest("ClusterWorker goes on soon after NATS was away, whatever is lost as it comes back", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  await rig.addNode();
  await rig.ready(1);
  await using proxy = await NatsProxy.start(server);
  const worker = await rig.makeWorker({}, proxy);
  const handled: string[] = [];
  worker.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => void handled.push(content));
  await worker.connect();
  rig.say("before");
  await until(() => handled.length === 1);
  // Without an answer to that, the client would wait for another half a minute.
  void proxy.lose(/CONSUMER\.INFO/, "answer");
  await server.kill();
  await server.start();
  rig.say("after");
  // The first may come again: the server was killed just after it was acknowledged.
  await deadline(until(() => handled.includes("after")), 15_000);
});

natsTest("ClusterWorker makes its consumer again where somebody has deleted it", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  await rig.addNode();
  await rig.ready(1);
  const worker = await rig.makeWorker();
  const handled: string[] = [];
  worker.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => void handled.push(content));
  await worker.connect();
  rig.say("before");
  await until(() => handled.length === 1);
  await (await jetstreamManager(await rig.connect())).consumers.delete("gangway_bot_events_0", "workers");
  await until(() => handled.length === 2);
  rig.say("after");
  await deadline(until(() => handled.includes("after")), 10_000);
});

/** What is written down of an event that is tried alone. */
const TRIED = /^\$KV\.gangway_bot[._]tried/;

natsTest("ClusterWorker tries an event alone though the answer to its note about that was lost", async (server) => {
  await using rig = await WorkerRig.start(server);
  await rig.say("hello");
  await rig.deliver(2);
  const lost = rig.proxy.lose(TRIED, "answer");
  await rig.addWorker({ maxDeliver: 2, ackWaitMs: 500 });
  await lost;
  await rig.done();
  assertEquals([rig.handled, await rig.dead()], [["hello"], 0]);
});

natsTest(
  "ClusterWorker takes no event for deadly whose trial has ended, whatever NATS was told of that",
  async (server) => {
    using _errors = capturedErrors();
    await using rig = await WorkerRig.start(server);
    await rig.say("hello");
    await rig.deliver(3);
    let attempts = 0;
    await rig.addWorker({ maxDeliver: 3, ackWaitMs: 500 }, () => {
      if (++attempts > 1) return;
      void rig.proxy.lose(TRIED);
      throw new Error("not yet");
    });
    await rig.done();
    assertEquals([rig.handled, await rig.dead()], [["hello"], 0]);
    // Nobody but workers is woken by it, and it does not stay for ever.
    const { nats } = await connectTo(server);
    try {
      assertEquals(await Array.fromAsync(await (await new Kvm(nats).open("gangway_bot")).keys("tried.>")), []);
      assertEquals((await (await new Kvm(nats).open("gangway_bot_tried")).status()).ttl, 3_600_000);
    } finally {
      await nats.close();
    }
  },
);

natsTest("ClusterWorker begins nothing else while it tries an event alone", async (server) => {
  await using rig = await WorkerRig.start(server);
  await rig.say("suspect");
  await rig.deliver(1);
  const released = Promise.withResolvers<void>();
  await rig.addWorker(
    { maxDeliver: 1, ackWaitMs: 30_000 },
    (content) => content === "suspect" ? released.promise : undefined,
  );
  await until(() => rig.begun.length === 1);
  for (const content of ["one", "two"]) await rig.say(content);
  await rig.delivered(3);
  // They are there, and would have begun.
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(rig.begun, ["suspect"]);
  released.resolve();
  await rig.done();
  assertEquals(rig.handled, ["suspect", "one", "two"]);
});

natsTest("ClusterWorker that is closed leaves those to others that wait to be tried alone", async (server) => {
  await using rig = await WorkerRig.start(server);
  for (const content of ["one", "two", "three"]) await rig.say(content);
  await rig.deliver(1);
  const released = Promise.withResolvers<void>();
  const worker = await rig.addWorker({ maxDeliver: 1 }, () => released.promise);
  await rig.delivered(3);
  await until(() => rig.begun.length === 1);
  const closing = worker.close();
  await rig.addWorker({ maxDeliver: 1 });
  await until(() => rig.handled.length === 2);
  released.resolve();
  await closing;
  await rig.done();
  assertEquals([rig.handled.toSorted(), await rig.dead()], [["one", "three", "two"], 0]);
});

natsTest("ClusterWorker that is closed does not wait until its stream is quiet", async (server) => {
  await using rig = await WorkerRig.start(server);
  const worker = await rig.addWorker({});
  let isOver = false;
  const talking = (async () => {
    // Far more often than a stream has to be silent to count as quiet.
    while (!isOver) await rig.say("hello");
  })();
  await until(() => rig.handled.length > 0);
  await worker.close();
  isOver = true;
  await talking;
});

natsTest("StreamConsumer ends that is closed before it has begun to ask for messages", async (server) => {
  await using _rig = await WorkerRig.start(server);
  const { nats } = await connectTo(server);
  try {
    const { consumers } = await jetstreamManager(nats);
    const made = Promise.withResolvers<void>();
    const add: typeof consumers.add = async (...args) => {
      await made.promise;
      return await consumers.add(...args);
    };
    const consumer = new StreamConsumer({
      nats,
      manager: { consumers: { add } } as JetStreamManager,
      stream: "gangway_bot_events_0",
      group: "workers",
      ackWaitMs: 30_000,
      maxAckPending: 8,
      prefetch: 8,
      onMessage: () => Promise.resolve(true),
      onError: (error) => Promise.reject(error),
    });
    const closing = consumer.close();
    made.resolve();
    await deadline(closing, 10_000);
  } finally {
    await nats.close();
  }
});

natsTest("ClusterWorker counts how often an event failed, and not how often it was given back", async (server) => {
  using _errors = capturedErrors();
  await using rig = await WorkerRig.start(server);
  await rig.say("hello");
  await rig.deliver(4);
  let attempts = 0;
  await rig.addWorker({ maxDeliver: 3 }, () => {
    if (++attempts < 3) throw new Error("not yet");
  });
  await rig.done();
  assertEquals([attempts, rig.handled, await rig.dead()], [3, ["hello"], 0]);
});

natsTest("ClusterWorker puts aside what cannot even be read", async (server) => {
  await using rig = await WorkerRig.start(server);
  await rig.say("hello", "gzip");
  await rig.addWorker({ maxDeliver: 2 });
  await rig.done();
  assertEquals([rig.begun, await rig.dead()], [[], 1]);
});

natsTest("ClusterWorker handles an event once that was done with while NATS was away", async (server) => {
  await using rig = await WorkerRig.start(server);
  await rig.say("hello");
  await rig.addWorker({ ackWaitMs: 500 }, async () => {
    if (rig.begun.length > 1) return;
    rig.proxy.cut();
    // It takes a moment until the client sees that.
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  await until(() => rig.handled.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 600));
  await rig.proxy.mend();
  await rig.done();
  assertEquals(rig.handled, ["hello"]);
});

natsTest("ClusterWorker does not begin again with what it has, where it could not say so in time", async (server) => {
  await using rig = await WorkerRig.start(server);
  await rig.say("hello");
  const released = Promise.withResolvers<void>();
  await rig.addWorker({ ackWaitMs: 500 }, (content) => {
    if (content === "again" || rig.begun.length > 1) return;
    rig.proxy.cut();
    return released.promise;
  });
  await until(() => rig.begun.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 600));
  await rig.proxy.mend();
  await rig.say("again");
  await until(() => rig.begun.includes("again"));
  released.resolve();
  await rig.done();
  assertEquals(rig.handled.toSorted(), ["again", "hello"]);
});

natsTest("ClusterWorker leaves a stream of dead letters as somebody has set it up", async (server) => {
  await using rig = await WorkerRig.start(server);
  await using connection = await connectTo(server);
  const { streams } = await jetstreamManager(connection.nats);
  await streams.add({ name: "gangway_bot_dead", subjects: ["gangway.bot.dead.>"], max_msgs: 7 });
  await rig.addWorker({});
  assertEquals((await streams.info("gangway_bot_dead")).config.max_msgs, 7);
});

/** Asks for the members of a guild, by way of a proxy, as often as a test likes. */
async function asking(server: NatsServer) {
  await using stack = new AsyncDisposableStack();
  const rig = stack.use(await ClusterRig.start(server, { shards: 1, guilds: 1 }));
  await rig.addNode();
  await rig.ready(1);
  const proxy = stack.use(await NatsProxy.start(server));
  const worker = await rig.makeWorker({}, proxy);
  await worker.connect();
  const guildId = rig.gateway.guilds[0]?.id as string;
  const owned = stack.move();
  return {
    proxy,
    ask: () => worker.shardFor(guildId).requestGuildMembers(guildId, { query: "", limit: 10 }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

natsTest("RemoteShard asks again what was answered while the connection was lost", async (server) => {
  await using own = await asking(server);
  for (const what of ["request", "answer"] as const) {
    const lost = own.proxy.lose(/\.command\.0$/, what);
    const members = own.ask();
    await lost;
    own.proxy.cut();
    await own.proxy.mend();
    assertEquals((await deadline(members, 10_000)).length, 3);
  }
});

natsTest("RemoteShard asks again where a part of the answer is missing", async (server) => {
  await using own = await asking(server);
  // The first of two: the members; the other one says that there are no more.
  const lost = own.proxy.lose(/\.command\.0$/, "answer");
  const members = own.ask();
  await lost;
  assertEquals((await deadline(members, 10_000)).length, 3);
});

natsTest("RemoteShard asks again while the shard is closed because NATS takes no events", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  const over = new AbortController();
  let attempts = 0;
  // What a node owns meanwhile: a shard that is closed, and comes back.
  const shard = {
    get phase() {
      return attempts < 3 ? "closed" : "ready";
    },
    presenceUpdate: () =>
      ++attempts < 3 ? Promise.reject(new DOMException("closed", "InvalidStateError")) : Promise.resolve(),
  } as unknown as Shard;
  serveCommands({ nats, subject: "gangway.bot.command.0", shard, signal: over.signal });
  await nats.flush();
  const remote = new RemoteShard({
    nats,
    shardId: () => 0,
    subjectOf: () => "gangway.bot.command.0",
    ownerOf: () => "one",
    onChange: () => {},
  });
  await deadline(remote.presenceUpdate({ status: "online", activities: [], since: null, afk: false }), 10_000);
  over.abort();
  assertEquals(attempts, 3);
});
