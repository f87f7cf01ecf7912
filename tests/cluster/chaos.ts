import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../lib/testing/random.ts";
import { shardTimes } from "./shard_times.ts";
import { type ClusterReport, ClusterWorld } from "./world.ts";

/** Options of {@linkcode runClusterChaos}. */
export interface ClusterChaosOptions {
  /** The path of `nats-server`. */
  natsServer: string;
  /** What happens, and when. */
  seed: number;
  /** How many things happen. */
  steps: number;
  /** How many messages a second. */
  perSecond: number;
  /** How long a lease is, in milliseconds. */
  leaseMs: number;
  /** How many shards. */
  shards: number;
  /** How many nodes there are to begin with, and mostly. */
  nodes: number;
  /** How many workers. */
  workers: number;
  /** Called with what happens, in words. */
  onHappening?: (text: string) => void;
}

/** What a run came to. */
export interface ClusterChaosReport extends ClusterReport {
  /** How long the flow lasted, in milliseconds. */
  durationMs: number;
  /** The longest time that a shard had no session that was connected, in milliseconds. */
  longestGapMs: number;
  /** The longest time that a shard had two of them, in milliseconds. */
  longestTwiceMs: number;
  /** How often what happened. */
  happenings: Record<string, number>;
}

/** Everything that can happen; the first of them in a run are one of each. */
const HAPPENINGS = [
  "node killed",
  "worker killed",
  "node paused beyond its lease",
  "NATS killed and started",
  "node left and another joined",
] as const;

type Happening = typeof HAPPENINGS[number];

/** A steady flow through a cluster of processes, of which some die, leave, join or stand still now and then. */
export async function runClusterChaos(options: ClusterChaosOptions): Promise<ClusterChaosReport> {
  const { natsServer, seed, steps, perSecond, leaseMs, shards, onHappening = () => {} } = options;
  const random = new Random(seed);
  const happenings: Record<string, number> = {};
  await using world = await ClusterWorld.start({
    natsServer,
    shards,
    leaseMs,
    onTold: (name, { event, shardId, detail, error }) => {
      if (event === "ready" || event === "resumed") return;
      onHappening(`  ${name}: ${event}${shardId === null ? "" : ` ${shardId}`} ${error ?? JSON.stringify(detail)}`);
    },
  });
  await Promise.all(Array.from({ length: options.nodes }, () => world.addNode()));
  await Promise.all(Array.from({ length: options.workers }, () => world.addWorker()));
  await world.allConnected();
  await world.until("all shards are ready", () => {
    const ready = new Set(world.told.filter(({ event }) => event === "ready").map(({ shardId }) => shardId));
    return ready.size === shards;
  });
  const begunAt = performance.now();
  world.flow.start(perSecond);
  await delay(1_000);
  for (let step = 0; step < steps; step++) {
    const happening = HAPPENINGS[step] ?? HAPPENINGS[random.below(HAPPENINGS.length)] as Happening;
    happenings[happening] = (happenings[happening] ?? 0) + 1;
    onHappening(`${((performance.now() - begunAt) / 1_000).toFixed(1)} s: ${happening}`);
    await happen(world, happening, leaseMs, random);
    await delay(500 + random.below(1_000));
  }
  await world.allConnected();
  const durationMs = Math.round(performance.now() - begunAt);
  const { longestGapMs, longestTwiceMs } = shardTimes(world.gateway);
  return { ...await world.finish(), durationMs, longestGapMs, longestTwiceMs, happenings };
}

async function happen(world: ClusterWorld, happening: Happening, leaseMs: number, random: Random): Promise<void> {
  const nodes = [...world.nodes.keys()];
  const node = nodes[random.below(nodes.length)] as string;
  switch (happening) {
    case "node killed":
      await world.end(node, "SIGKILL");
      await Promise.all([world.addNode(), delay(leaseMs)]);
      return;
    case "worker killed": {
      const workers = [...world.workers.keys()];
      await world.end(workers[random.below(workers.length)] as string, "SIGKILL");
      await world.addWorker();
      return;
    }
    case "node paused beyond its lease":
      world.child(node).signal("SIGSTOP");
      await delay(leaseMs * 1.5);
      world.child(node).signal("SIGCONT");
      await delay(leaseMs / 2);
      return;
    case "NATS killed and started":
      await world.nats.kill();
      await delay(100 + random.below(leaseMs));
      await world.nats.start();
      return;
    case "node left and another joined":
      await Promise.all([world.end(node, "SIGTERM"), world.addNode()]);
      return;
  }
}

/** What part of the flow that was asked for there has to have been, for a run to say something. */
const LEAST_FLOW = 0.9;

/** What is wrong with a run, whatever identifies it took; nothing, where all promises were kept. */
export function lossesOf(report: ClusterReport, asked: { perSecond: number }): string[] {
  const { emitted, perSecond, inStream, handled, doubled, outOfOrder, repeatedIds, violations, reportedLost } = report;
  return [
    ...(perSecond < asked.perSecond * LEAST_FLOW ? [`the flow was ${perSecond} a second, not ${asked.perSecond}`] : []),
    ...(inStream < emitted ? [`${emitted - inStream} of ${emitted} events are in no stream`] : []),
    ...(handled < emitted ? [`${emitted - handled} of ${emitted} events were not handled`] : []),
    ...(doubled > 0 ? [`${doubled} events are in a stream more often than once`] : []),
    ...(outOfOrder > 0 ? [`${outOfOrder} events are out of order`] : []),
    ...(repeatedIds > 0 ? [`${repeatedIds} message ids are there more often than once`] : []),
    ...(reportedLost.length > 0 ? [`events were reported lost: ${JSON.stringify(reportedLost)}`] : []),
    ...violations,
  ];
}

/** The same of a run in which no session should have had to begin anew, and no shard be live twice. */
export function problemsOf(report: ClusterChaosReport, options: ClusterChaosOptions): string[] {
  const { identifies, longestTwiceMs } = report;
  const { shards, leaseMs } = options;
  return [
    ...lossesOf(report, options),
    ...(longestTwiceMs > leaseMs ? [`a shard was live twice for ${longestTwiceMs} ms`] : []),
    ...(identifies !== shards ? [`${identifies} identifies were spent on ${shards} shards`] : []),
  ];
}
