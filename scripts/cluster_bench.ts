/**
 * What the cluster costs: events a second through one publisher and one worker, and CPU an event and latency end to end,
 * by shards and by nodes. Linux only: it reads the processes' times from /proc.
 *
 *     deno task cluster:bench
 *     bun scripts/cluster_bench.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterWorker } from "../lib/cluster/mod.ts";
import { EventStream } from "../lib/cluster/event_stream.ts";
import { ClusterNames } from "../lib/cluster/names.ts";
import { Publisher } from "../lib/cluster/publisher.ts";
import { sampleId, sampleMessage, sampleUser } from "../lib/testing/mod.ts";
import { ClusterWorld } from "../tests/cluster/world.ts";
import { findNatsServer, NATS_SERVER_HINT, NatsServer } from "./nats_server.ts";

const EVENTS = 40_000;
const PER_SECOND = 1_000;
const SECONDS = 10;

/** How many of a process's ticks make a second. */
const TICKS_PER_SECOND = 100;

/** The CPU time of a process so far, in microseconds. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1_000_000 / TICKS_PER_SECOND;
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
  const names = new ClusterNames("bot");
  const stream = new EventStream(await jetstreamManager(nats), names, 0, 1, {});
  await stream.lastSequence();
  const message = {
    t: "MESSAGE_CREATE",
    s: 1,
    op: 0,
    d: sampleMessage(sampleUser("Ann"), sampleId(), "x".repeat(200)),
  };
  const payload = new TextEncoder().encode(JSON.stringify(message));
  const published = await measure(server, async () => {
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
    for (let count = 0; count < EVENTS; count++) {
      void publisher.publish(names.event("MESSAGE_CREATE", 0), `s:${count}`, payload);
    }
    await drained.promise;
    publisher.stop();
  });
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
  await delay(1_000);
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
  const { emitted, inStream, handled, doubled, medianMs, p99Ms } = await world.finish();
  const perEvent = (of: keyof typeof before) => Math.round((after[of] - before[of]) / emitted);
  const idle = (of: keyof typeof before) => `${((idleTo[of] - idleFrom[of]) / 30_000).toFixed(1)} %`;
  console.log(`${shards} shards, ${nodes} nodes, ${workers} workers, ${PER_SECOND} events/s`, {
    lost: emitted - inStream,
    doubled,
    unhandled: emitted - handled,
    cpuUs: { node: perEvent("node"), worker: perEvent("worker"), nats: perEvent("nats") },
    idleCpu: { nodes: idle("node"), workers: idle("worker"), nats: idle("nats") },
    toStreamMs: { median: medianMs, p99: p99Ms },
  });
}

const path = await findNatsServer();
if (path === null) {
  console.log(`Cannot run: ${NATS_SERVER_HINT}`);
  process.exitCode = 1;
} else {
  console.log("Bun" in globalThis ? "Bun" : "Deno");
  await flatOut(path);
  for (const [shards, nodes, workers] of [[4, 1, 1], [16, 1, 1], [64, 1, 1], [64, 2, 2], [64, 4, 2]] as const) {
    await endToEnd(path, shards, nodes, workers);
  }
}
