import { assertEquals } from "@std/assert";
import { findNatsServer, NATS_SERVER_HINT } from "../scripts/nats_server.ts";
import { type ClusterChaosOptions, lossesOf, problemsOf, runClusterChaos } from "./cluster/chaos.ts";
import { type RescaleChaosOptions, runRescaleChaos } from "./cluster/rescale_chaos.ts";
import { test } from "./harness.ts";

const natsServer = await findNatsServer();

test("A cluster of processes loses and doubles no event while nodes, workers and NATS are killed", async () => {
  const lines: string[] = [];
  const options: ClusterChaosOptions = {
    natsServer: natsServer as string,
    seed: 1,
    steps: 5,
    perSecond: 500,
    leaseMs: 2_000,
    shards: 6,
    nodes: 3,
    workers: 2,
    onHappening: (line) => lines.push(line),
  };
  const problems = problemsOf(await runClusterChaos(options), options);
  assertEquals(problems, [], `${problems.join("\n")}\n${lines.join("\n")}`);
}, { skip: natsServer === null && NATS_SERVER_HINT, timeoutMs: 150_000 });

test(
  "A cluster of processes is rescaled while a node or NATS is killed, or a node paused, and loses and doubles no event",
  async () => {
    const lines: string[] = [];
    const options: RescaleChaosOptions = {
      natsServer: natsServer as string,
      seed: 1,
      shardCounts: [2, 3, 4, 2],
      // The long runs wait for one another's identifies as well.
      maxConcurrency: 4,
      perSecond: 300,
      leaseMs: 2_000,
      onHappening: (line) => lines.push(line),
    };
    const problems = lossesOf(await runRescaleChaos(options), options);
    assertEquals(problems, [], `${problems.join("\n")}\n${lines.join("\n")}`);
  },
  { skip: natsServer === null && NATS_SERVER_HINT, timeoutMs: 120_000 },
);
