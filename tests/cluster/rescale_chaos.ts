import { connect } from "@nats-io/transport-node";
import { setTimeout as delay } from "node:timers/promises";
import { Board } from "../../lib/cluster/board.ts";
import { rescaleCluster } from "../../lib/cluster/rescale_cluster.ts";
import { Random } from "../../lib/testing/random.ts";
import { type ClusterReport, ClusterWorld } from "./world.ts";

/** Options of {@linkcode runRescaleChaos}. */
export interface RescaleChaosOptions {
  /** The path of `nats-server`. */
  natsServer: string;
  /** When something happens, and to which node. */
  seed: number;
  /** How many shards there are, one after the other. */
  shardCounts: readonly number[];
  /** How many may identify at once; as many as there are shards at first, where it is left out. */
  maxConcurrency?: number;
  /** How many messages a second. */
  perSecond: number;
  /** How long a lease is, in milliseconds. */
  leaseMs: number;
  /** Called with what happens, in words. */
  onHappening?: (text: string) => void;
}

/** A rescale takes longer than this, in milliseconds: what happens within it happens to the rescale. */
const RESCALE_MS = 2_000;

/** What happens in a rescale, in turn. */
const HAPPENINGS = ["a node is killed", "a node is paused beyond its lease", "NATS is killed and started"] as const;

/** A steady flow through a cluster that is rescaled, while a node dies or stands still beyond its lease, or NATS dies. */
export async function runRescaleChaos(options: RescaleChaosOptions): Promise<ClusterReport> {
  const {
    natsServer,
    seed,
    shardCounts: [first = 1, ...counts],
    perSecond,
    leaseMs,
    maxConcurrency,
    onHappening = () => {},
  } = options;
  const random = new Random(seed);
  await using world = await ClusterWorld.start({
    natsServer,
    shards: first,
    ...maxConcurrency === undefined ? {} : { maxConcurrency },
    leaseMs,
    onTold: (name, { event, detail, error }) => onHappening(`  ${name}: ${event} ${error ?? JSON.stringify(detail)}`),
  });
  await Promise.all([world.addNode(), world.addNode(), world.addNode()]);
  await Promise.all([world.addWorker(), world.addWorker()]);
  await world.allConnected();
  await world.until("all shards are ready", () => world.told.filter(({ event }) => event === "ready").length >= first);
  const nats = await connect({ servers: world.nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const board = await Board.open(nats, "gangway_bot", { timeoutMs: 5_000 });
  try {
    world.flow.start(perSecond);
    for (const [index, shardCount] of counts.entries()) {
      // Whoever asks need not be one of them.
      const rescaled = rescaleCluster({ board, shardCount, available: Infinity, signals: [] });
      await delay(random.below(RESCALE_MS));
      const happening = HAPPENINGS[index % HAPPENINGS.length] as typeof HAPPENINGS[number];
      onHappening(`to ${shardCount} shards, and ${happening}`);
      await Promise.all([rescaled, happen(world, happening, leaseMs, random)]);
    }
    await world.until("the new shards are connected", () => world.gateway.openConnections === counts.at(-1));
    return await world.finish();
  } finally {
    await board[Symbol.asyncDispose]();
    await nats.close();
  }
}

async function happen(
  world: ClusterWorld,
  happening: typeof HAPPENINGS[number],
  leaseMs: number,
  random: Random,
): Promise<void> {
  const nodes = [...world.nodes.keys()];
  const node = nodes[random.below(nodes.length)] as string;
  switch (happening) {
    case "a node is killed":
      await world.end(node, "SIGKILL");
      await world.addNode();
      return;
    case "a node is paused beyond its lease":
      world.child(node).signal("SIGSTOP");
      await delay(leaseMs * 1.5);
      world.child(node).signal("SIGCONT");
      return;
    case "NATS is killed and started":
      await world.nats.kill();
      await delay(100 + random.below(leaseMs * 1.5));
      await world.nats.start();
      return;
  }
}
