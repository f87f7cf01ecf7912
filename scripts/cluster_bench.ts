/**
 * What the cluster costs: events a second through one publisher and one worker; CPU an event and latency end to end, by
 * shards and by nodes; what JetStream adds to the latency of a listener; how long a shard rests that is handed over; and
 * the memory of NATS. Arguments choose parts. Linux only: it reads the processes' times and memory from /proc.
 *
 *     deno task cluster:bench
 *     bun scripts/cluster_bench.ts latency handover
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { type AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterWorker } from "../lib/cluster/mod.ts";
import { EventStream } from "../lib/cluster/event_stream.ts";
import { ClusterNames } from "../lib/cluster/names.ts";
import { Publisher } from "../lib/cluster/publisher.ts";
import { sampleId, sampleMessage, sampleUser } from "../lib/testing/mod.ts";
import { shardTimes } from "../tests/cluster/shard_times.ts";
import { spreadOf } from "../tests/cluster/stream_check.ts";
import { ClusterWorld } from "../tests/cluster/world.ts";
import { findNatsServer, NATS_SERVER_HINT, NatsServer } from "./nats_server.ts";

const EVENTS = 40_000;
const PER_SECOND = 1_000;
const SECONDS = 10;

/** How long it takes at most until workers have found the streams, in milliseconds. */
const WORKERS_LOOK_MS = 2_500;

/** How many of a process's ticks make a second. */
const TICKS_PER_SECOND = 100;

/** The CPU time of a process so far, in microseconds. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1_000_000 / TICKS_PER_SECOND;
}

/** The memory of a process, in bytes. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

interface Cost {
  perSecond: number;
  cpuUs: number;
  natsCpuUs: number;
}

async function measure(server: NatsServer, work: () => Promise<void>): Promise<Cost> {
  const before = { nats: await cpuOf(server.pid), own: process.cpuUsage(), at: performance.now() };
  await work();
  const ms = performance.now() - before.at;
  const { user, system } = process.cpuUsage(before.own);
  const nats = await cpuOf(server.pid) - before.nats;
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    perSecond: Math.round(EVENTS / ms * 1_000),
    cpuUs: round((user + system) / EVENTS),
    natsCpuUs: round(nats / EVENTS),
  };
}

/** One publisher and one worker, as fast as they can. */
async function flatOut(path: string): Promise<void> {
  await using server = await NatsServer.start(path);
  const nats = await connect({ servers: server.url });
  const stream = new EventStream(await jetstreamManager(nats), new ClusterNames("bot"), 0, 1, {});
  await stream.lastSequence();
  const message = {
    t: "MESSAGE_CREATE",
    s: 1,
    op: 0,
    d: sampleMessage(sampleUser("Ann"), sampleId(), "x".repeat(200)),
  };
  const payload = new TextEncoder().encode(JSON.stringify(message));
  const published = await measure(server, () => publishAll(nats, stream, payload));
  console.log(`publish, ${payload.byteLength} bytes an event`, published);
  for (const concurrency of [64, 512]) {
    const worker = new ClusterWorker({ nats, group: `bench-${concurrency}`, concurrency });
    let handled = 0;
    const consumed = await measure(server, async () => {
      const done = Promise.withResolvers<void>();
      worker.eventDispatcher.listen("MESSAGE_CREATE", () => {
        if (++handled === EVENTS) done.resolve();
      });
      await worker.connect();
      await done.promise;
    });
    console.log(`handle, up to ${concurrency} at once`, consumed);
    await worker.close();
  }
  await nats.close();
}

/** A steady flow through processes. */
async function endToEnd(path: string, shards: number, nodes: number, workers: number): Promise<void> {
  await using world = await ClusterWorld.start({ natsServer: path, shards, leaseMs: 10_000 });
  await Promise.all(Array.from({ length: nodes }, () => world.addNode()));
  await Promise.all(Array.from({ length: workers }, () => world.addWorker()));
  await world.until("all shards are ready", () => world.told.filter(({ event }) => event === "ready").length >= shards);
  await delay(WORKERS_LOOK_MS);
  const pids = {
    node: [...world.nodes.values()].map(({ pid }) => pid),
    worker: [...world.workers.values()].map(({ pid }) => pid),
    nats: [world.nats.pid],
  };
  const sum = async (of: readonly number[]) => (await Promise.all(of.map(cpuOf))).reduce((a, b) => a + b, 0);
  const all = async () => ({ node: await sum(pids.node), worker: await sum(pids.worker), nats: await sum(pids.nats) });
  const idleFrom = await all();
  await delay(3_000);
  const idleTo = await all();
  const before = await all();
  world.flow.start(PER_SECOND);
  await delay(SECONDS * 1_000);
  world.flow.stop();
  await delay(500);
  const after = await all();
  const { emitted, inStream, handled, doubled, toStreamMs, toWorkerMs } = await world.finish();
  const perEvent = (of: keyof typeof before) => Math.round((after[of] - before[of]) / emitted);
  const idle = (of: keyof typeof before) => `${((idleTo[of] - idleFrom[of]) / 30_000).toFixed(1)} %`;
  console.log(`${shards} shards, ${nodes} nodes, ${workers} workers, ${PER_SECOND} events/s`, {
    lost: emitted - inStream,
    doubled,
    unhandled: emitted - handled,
    cpuUs: { node: perEvent("node"), worker: perEvent("worker"), nats: perEvent("nats") },
    idleCpu: { nodes: idle("node"), workers: idle("worker"), nats: idle("nats") },
    toStreamMs,
    toWorkerMs,
  });
}

/** What the way through JetStream adds to the way to a listener in the process that has the connection. */
async function addedLatency(path: string): Promise<void> {
  await using world = await ClusterWorld.start({ natsServer: path, shards: 4, leaseMs: 10_000, nodesListen: true });
  await Promise.all([world.addNode(), world.addWorker()]);
  await world.until("all shards are ready", () => world.told.filter(({ event }) => event === "ready").length >= 4);
  await delay(WORKERS_LOOK_MS);
  world.flow.start(PER_SECOND);
  await delay(SECONDS * 1_000);
  const { emitted, handled, toNodeMs, toStreamMs, toWorkerMs } = await world.finish();
  console.log(`latency, 4 shards, 1 node, 1 worker, ${PER_SECOND} events/s`, {
    unhandled: emitted - handled,
    toNodeMs,
    toStreamMs,
    toWorkerMs,
  });
}

/** How long a shard rests that goes from one node to another, with nothing else to do. */
async function handOver(path: string): Promise<void> {
  await using world = await ClusterWorld.start({ natsServer: path, shards: 12, leaseMs: 10_000 });
  const nodes = [await world.addNode(), await world.addNode()];
  await world.until("all shards are ready", () => world.told.filter(({ event }) => event === "ready").length >= 12);
  for (const node of nodes) {
    const successor = await world.addNode();
    const claims = () => world.told.filter(({ from, event }) => from === successor && event === "lease_claimed").length;
    await world.until(`${successor} has its share`, () => claims() >= 4);
    await world.end(node, "SIGTERM");
    await world.allConnected();
  }
  const { gapsMs } = shardTimes(world.gateway);
  console.log("a shard that is handed over rests, in ms", { times: gapsMs.length, ...spreadOf(gapsMs) });
}

/** What NATS needs for what a cluster makes there. */
async function memory(path: string): Promise<void> {
  const COUNT = 200;
  await using server = await NatsServer.start(path);
  const nats = await connect({ servers: server.url });
  const manager = await jetstreamManager(nats);
  const names = new ClusterNames("bot");
  const streams = Array.from({ length: COUNT }, (_, lease) => new EventStream(manager, names, lease, 1, {}));
  const grown = async (each: number, work: () => Promise<unknown>) => {
    const before = await memoryOf(server.pid);
    await work();
    return Math.round((await memoryOf(server.pid) - before) / each);
  };
  await streams[0]?.lastSequence();
  const ofStream = await grown(COUNT - 1, async () => {
    for (const stream of streams) await stream.lastSequence();
  });
  const ofConsumer = await grown(COUNT, async () => {
    for (const { name } of streams) {
      await manager.consumers.add(name, { durable_name: "workers", ack_policy: "explicit" as AckPolicy });
    }
  });
  await nats.close();
  const ofMessage = await memoryOfMessage(path, 100);
  const ofId = await memoryOfMessage(path, 300_000) - ofMessage;
  console.log("memory of NATS, in bytes", { stream: ofStream, consumer: ofConsumer, message: ofMessage, id: ofId });
}

/** What a message takes, of which some is given back soon, where its id is remembered for so long. */
async function memoryOfMessage(path: string, duplicateWindowMs: number): Promise<number> {
  await using server = await NatsServer.start(path);
  const nats = await connect({ servers: server.url });
  const stream = new EventStream(await jetstreamManager(nats), new ClusterNames("bot"), 0, 1, { duplicateWindowMs });
  await stream.lastSequence();
  const before = await memoryOf(server.pid);
  await publishAll(nats, stream, new Uint8Array(), 5 * EVENTS);
  const after = await memoryOf(server.pid);
  await nats.close();
  return Math.round((after - before) / (5 * EVENTS));
}

/** So many events as fast as one publisher can. */
async function publishAll(
  nats: NatsConnection,
  stream: EventStream,
  payload: Uint8Array,
  events: number = EVENTS,
): Promise<void> {
  const drained = Promise.withResolvers<void>();
  const publisher = new Publisher({
    nats,
    lastSequence: () => stream.lastSequence(),
    mayPublish: () => true,
    window: 256,
    ackTimeoutMs: 5_000,
    onError: (error) => console.log("publisher:", error),
    onTooLarge: () => {},
    onDrained: () => drained.resolve(),
  });
  const subject = new ClusterNames("bot").event("MESSAGE_CREATE", 0);
  for (let count = 0; count < events; count++) void publisher.publish(subject, `s:${count}`, payload);
  await drained.promise;
  publisher.stop();
}

const PARTS: Record<string, (path: string) => Promise<void>> = {
  memory,
  handover: handOver,
  "flat-out": flatOut,
  latency: addedLatency,
  growth: async (path) => {
    for (const [shards, nodes, workers] of [[4, 1, 1], [16, 1, 1], [64, 1, 1], [64, 2, 2], [64, 4, 2]] as const) {
      await endToEnd(path, shards, nodes, workers);
    }
  },
};

const path = await findNatsServer();
if (path === null) {
  console.log(`Cannot run: ${NATS_SERVER_HINT}`);
  process.exitCode = 1;
} else {
  console.log("Bun" in globalThis ? "Bun" : "Deno");
  const chosen = process.argv.slice(2);
  for (const [name, run] of Object.entries(PARTS)) if (chosen.length === 0 || chosen.includes(name)) await run(path);
}
