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
  /** When a node is killed, and which. */
  seed: number;
  /** How many shards there are, one after the other. */
  shardCounts: readonly number[];
  /** How many messages a second. */
  perSecond: number;
  /** How long a lease is, in milliseconds. */
  leaseMs: number;
  /** Called with what happens, in words. */
  onHappening?: (text: string) => void;
}

/** A rescale without trouble takes about so long, in milliseconds. */
const RESCALE_MS = 4_000;

/** A steady flow through a cluster that is rescaled, while a node dies, or stands still beyond its lease. */
export async function runRescaleChaos(options: RescaleChaosOptions): Promise<ClusterReport> {
  const { natsServer, seed, shardCounts: [first = 1, ...counts], perSecond, leaseMs, onHappening = () => {} } = options;
  const random = new Random(seed);
  await using world = await ClusterWorld.start({
    natsServer,
    shards: first,
    leaseMs,
    onTold: (name, { event, detail, error }) => onHappening(`  ${name}: ${event} ${error ?? JSON.stringify(detail)}`),
  });
  await Promise.all([world.addNode(), world.addNode(), world.addNode()]);
  await Promise.all([world.addWorker(), world.addWorker()]);
  await world.allConnected();
  await world.until("all shards are ready", () => world.told.filter(({ event }) => event === "ready").length >= first);
  const nats = await connect({ servers: world.nats.url, maxReconnectAttempts: -1 });
  const board = await Board.open(nats, "gangway_bot", { timeoutMs: 5_000 });
  try {
    world.flow.start(perSecond);
    for (const [index, shardCount] of counts.entries()) {
      // Whoever asks need not be one of them.
      const rescaled = rescaleCluster({ board, shardCount, available: Infinity, signals: [] });
      await delay(random.below(RESCALE_MS));
      const nodes = [...world.nodes.keys()];
      const victim = nodes[random.below(nodes.length)] as string;
      onHappening(`to ${shardCount} shards, and ${victim} ${index % 2 === 0 ? "killed" : "paused"}`);
      await Promise.all([rescaled, index % 2 === 0 ? replace(world, victim) : pause(world, victim, leaseMs * 1.5)]);
    }
    await world.until("the new shards are connected", () => world.gateway.openConnections === counts.at(-1));
    return await world.finish();
  } finally {
    await board[Symbol.asyncDispose]();
    await nats.close();
  }
}

async function replace(world: ClusterWorld, node: string): Promise<void> {
  await world.end(node, "SIGKILL");
  await world.addNode();
}

async function pause(world: ClusterWorld, node: string, ms: number): Promise<void> {
  world.child(node).signal("SIGSTOP");
  await delay(ms);
  world.child(node).signal("SIGCONT");
}
