import { jetstreamManager } from "@nats-io/jetstream";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { clusterStatus } from "../lib/cluster/mod.ts";
import { capturedErrors } from "./captured_errors.ts";
import { Child } from "./child.ts";
import { Flow } from "./cluster/flow.ts";
import { ClusterRig, natsTest, until } from "./cluster/rig.ts";

natsTest("ClusterWorker shares the events of all shards with the others of its group", async (server) => {
  await using rig = await ClusterRig.start(server);
  await rig.addNode();
  await rig.ready(4);
  const handled: string[][] = [[], []];
  for (const mine of handled) {
    const worker = await rig.makeWorker({ concurrency: 4 });
    worker.eventDispatcher.listen("MESSAGE_CREATE", async ({ content }, { shardId, sequence, sessionId }) => {
      assert(shardId !== null && sequence !== null && sessionId !== null);
      await new Promise((resolve) => setTimeout(resolve, 1));
      mine.push(content);
    });
    await worker.connect();
  }
  for (let count = 0; count < 400; count++) rig.say(`${count}`, count);
  await until(() => handled.flat().length === 400);
  assertEquals(new Set(handled.flat()).size, 400);
  assert(handled.every((mine) => mine.length > 0));
});

natsTest(
  "ClusterWorker is done with an event when its listeners are, and gets it again where one failed",
  async (server) => {
    using _errors = capturedErrors();
    await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
    await rig.addNode();
    const worker = await rig.makeWorker();
    const attempts: string[] = [];
    const failed: number[] = [];
    worker.dispatcher.listen("event_failed", ({ deliveries }) => failed.push(deliveries));
    const done = Promise.withResolvers<void>();
    worker.eventDispatcher.listen("MESSAGE_CREATE", async ({ content }) => {
      attempts.push(content);
      await Promise.resolve();
      if (attempts.length < 3) throw new Error("not yet");
      await done.promise;
    });
    await worker.connect();
    await rig.ready(1);
    rig.say("hello");
    await until(() => attempts.length === 3);
    assertEquals([failed, worker.running], [[1, 2], 1]);
    const nats = await rig.connect();
    const lag = async () => (await clusterStatus({ nats })).lag[0];
    assertEquals((await lag())?.running, 1);
    done.resolve();
    await until(async () => (await lag())?.running === 0);
  },
);

natsTest(
  "ClusterWorker puts aside what it cannot handle, prints what nobody listens for, and goes on",
  async (server) => {
    using errors = capturedErrors();
    await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
    await rig.addNode();
    const worker = await rig.makeWorker({ maxDeliver: 2 });
    const handled: string[] = [];
    const dead = worker.dispatcher.waitFor("dead_letter");
    worker.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => {
      if (content === "poison") throw new Error("cannot swallow");
      handled.push(content);
    });
    await worker.connect();
    await rig.ready(1);
    for (const content of ["one", "poison", "two"]) rig.say(content);
    assertEquals((await dead).deliveries, 2);
    assertEquals(errors.printed.map(([text]) => text), Array(2).fill('A listener for "MESSAGE_CREATE" failed:'));
    await until(() => handled.length === 2);
    const nats = await rig.connect();
    const message = await (await jetstreamManager(nats)).streams.getMessage("gangway_bot_dead", { seq: 1 });
    assertEquals(message?.subject, "gangway.bot.dead.MESSAGE_CREATE.0");
    assertEquals(message?.header.get("Gangway-Error"), "Error: cannot swallow");
    assert(new TextDecoder().decode(message?.data).includes("poison"));
    assertEquals((await clusterStatus({ nats })).deadLetters, 1);
  },
);

natsTest(
  "ClusterWorker's event that kills it becomes a dead letter, and those that were with it do not",
  async (server) => {
    await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
    await rig.addNode();
    await rig.ready(1);
    const others = Array.from({ length: 20 }, (_, index) => `${index} ${Date.now()}`);
    for (const content of ["poison", ...others]) rig.say(content);
    const folder = await mkdtemp(`${tmpdir()}/gangway-poison-`);
    try {
      const log = `${folder}/log`;
      const buried = Promise.withResolvers<void>();
      const args = { nats: server.url, log, poison: "poison", options: { ackWaitMs: 500, maxDeliver: 1 } };
      const onLine = (line: string) => {
        if (line.includes("dead_letter")) buried.resolve();
      };
      // It dies of it once, and twice more where that is tried alone.
      for (let death = 0; death < 3; death++) {
        await using worker = new Child("cluster/worker_process.ts", [JSON.stringify(args)], onLine);
        await worker.ended;
      }
      await using _ = new Child("cluster/worker_process.ts", [JSON.stringify(args)], onLine);
      await buried.promise;
      const handled = async () =>
        (await readFile(log, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
      await until(async () => (await handled()).length === others.length);
      assertEquals(
        (await handled()).map((line) => line.split(" ")[0]).sort(),
        others.map((content) => content.split(" ")[0]).sort(),
      );
      const nats = await rig.connect();
      assertEquals((await clusterStatus({ nats })).deadLetters, 1);
      const message = await (await jetstreamManager(nats)).streams.getMessage("gangway_bot_dead", { seq: 1 });
      assertEquals(message?.header.get("Gangway-Error"), "Error: No worker finished it");
      assert(new TextDecoder().decode(message?.data).includes("poison"));
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

natsTest("ClusterWorker handles no more at once than it may", async (server) => {
  await using rig = await ClusterRig.start(server);
  await rig.addNode();
  const worker = await rig.makeWorker({ concurrency: 3 });
  let running = 0;
  let most = 0;
  let handled = 0;
  const full = Promise.withResolvers<void>();
  worker.eventDispatcher.listen("MESSAGE_CREATE", async () => {
    most = Math.max(most, ++running);
    // The first ones wait for one another: fewer than three would wait for ever.
    if (running === 3) full.resolve();
    await full.promise;
    running--;
    handled++;
  });
  await worker.connect();
  await rig.ready(4);
  for (let count = 0; count < 100; count++) rig.say(`${count}`, count);
  await until(() => handled === 100);
  assertEquals(most, 3);
});

natsTest(
  "ClusterWorker that is ordered handles a shard's events one after the other, failures included",
  async (server) => {
    using _errors = capturedErrors();
    await using rig = await ClusterRig.start(server, { shards: 2, guilds: 2, maxConcurrency: 2 });
    await rig.addNode();
    await rig.ready(2);
    const handled: [shardId: number | null, content: number][] = [];
    let failures = 2;
    for (let count = 0; count < 2; count++) {
      const worker = await rig.makeWorker({ ordered: true });
      worker.eventDispatcher.listen("MESSAGE_CREATE", async ({ content }, { shardId }) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        if (content === "20" && failures-- > 0) throw new Error("not yet");
        handled.push([shardId, Number(content)]);
      });
      await worker.connect();
    }
    for (let count = 0; count < 60; count++) rig.say(`${count}`, count);
    await until(() => handled.length === 60);
    for (const shard of [0, 1]) {
      const numbers = handled.filter(([shardId]) => shardId === shard).map(([, content]) => content);
      assertEquals(numbers, numbers.toSorted((one, other) => one - other));
    }
  },
);

natsTest("ClusterWorker sends commands to the node that owns the shard, wherever it goes", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 2, guilds: 2, maxConcurrency: 2 });
  const { gateway } = rig;
  const one = await rig.addNode();
  const worker = await rig.makeWorker();
  assertThrows(() => worker.shard(0), DOMException, "not connected");
  await worker.connect();
  await rig.ready(2);
  const guildId = gateway.guilds[1]?.id as string;
  const shard = worker.shardFor(guildId);
  assertEquals(shard.shardId, 1);
  assertEquals((await shard.requestGuildMembers(guildId, { query: "", limit: 10 })).length, 3);
  const voice = gateway.next("payload", ({ op }) => op === 4);
  await shard.voiceStateUpdate({ guild_id: guildId, channel_id: null, self_mute: false, self_deaf: false });
  assertEquals((await voice).shardId, 1);
  const info = gateway.next("payload", ({ op }) => op === 43);
  await shard.requestChannelInfo(guildId, ["voice_start_time"]);
  assertEquals((await info).shardId, 1);
  await assertRejects(() => shard.requestGuildMembers("nonsense", { query: "", limit: 1 }), TypeError, "snowflake");
  await assertRejects(
    () => shard.requestSoundboardSounds([], { signal: AbortSignal.abort(new Error("no")) }),
    Error,
    "no",
  );
  assertThrows(() => worker.shard(2), RangeError, "from 0 to 1");

  // What is under way when it goes, and what is asked while nobody has it.
  gateway.loseChunks();
  const asked = gateway.next("payload", ({ op }) => op === 8);
  const members = shard.requestGuildMembers(guildId, { query: "", limit: 10 });
  await asked;
  await one.close();
  const waiting = shard.presenceUpdate({ status: "idle" as never, since: null, activities: [], afk: false });
  const presence = gateway.next("payload", ({ op }) => op === 3);
  await rig.addNode();
  await waiting;
  assertEquals((await presence).shardId, 1);
  assertEquals((await members).length, 3);
});

natsTest("ClusterWorker waits for its listeners when it is closed, and leaves the rest to others", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  await rig.addNode();
  await rig.ready(1);
  const handled = new Map<string, number>();
  const note = (content: string) => void handled.set(content, (handled.get(content) ?? 0) + 1);
  const one = await rig.makeWorker({ concurrency: 4 });
  const released = Promise.withResolvers<void>();
  one.eventDispatcher.listen("MESSAGE_CREATE", async ({ content }) => {
    await released.promise;
    note(content);
  });
  await one.connect();
  const flow = new Flow(rig.gateway);
  for (let count = 0; count < 40; count++) flow.send();
  await until(() => one.running === 4);
  const closing = one.close();
  const other = await rig.makeWorker();
  other.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => note(content));
  await other.connect();
  // What waits for its turn goes back at once, however long those take.
  await until(() => handled.size === 36);
  assertEquals(one.running, 4);
  released.resolve();
  await closing;
  await until(() => handled.size === 40);
  assertEquals([...handled.values()].filter((count) => count > 1).length, 0);
});

natsTest("ClusterWorker of a group that was set up otherwise sets it up anew", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  await rig.addNode();
  await rig.ready(1);
  for (const options of [{ ackWaitMs: 5_000 }, { ackWaitMs: 9_000 }, { ordered: true }, { ordered: false }]) {
    const worker = await rig.makeWorker(options);
    const errors: unknown[] = [];
    worker.dispatcher.listen("cluster_error", ({ error }) => errors.push(error));
    const heard = worker.eventDispatcher.waitFor(
      "MESSAGE_CREATE",
      ({ content }) => content === JSON.stringify(options),
    );
    await worker.connect();
    rig.say(JSON.stringify(options));
    await heard;
    await worker.close();
    assertEquals(errors, []);
  }
  const [lag] = (await clusterStatus({ nats: await rig.connect() })).lag;
  assertEquals([lag?.waiting, lag?.running], [0, 0]);
});
