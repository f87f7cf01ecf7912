/**
 * The chaos of the cluster at length: processes of nodes and workers, a real nats-server, and a steady flow, while some
 * of them die, leave, join or stand still; and then while the cluster is rescaled and a node dies or stands still, or NATS
 * dies.
 *
 *     deno task cluster:chaos --seed 1 --steps 20 --rate 1000
 *     bun scripts/cluster_chaos.ts --seed 1 --steps 20 --rate 1000
 *
 * @module
 */
// deno-lint-ignore-file no-console

import process from "node:process";
import { parseArgs } from "node:util";
import { lossesOf, problemsOf, runClusterChaos } from "../tests/cluster/chaos.ts";
import { runRescaleChaos } from "../tests/cluster/rescale_chaos.ts";
import type { ClusterReport } from "../tests/cluster/world.ts";
import { findNatsServer, NATS_SERVER_HINT } from "./nats_server.ts";

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      steps: { type: "string", default: "20" },
      rate: { type: "string", default: "1000" },
      lease: { type: "string", default: "3000" },
      shards: { type: "string", default: "12" },
      nodes: { type: "string", default: "3" },
      workers: { type: "string", default: "2" },
      rescales: { type: "string", default: "4" },
      quiet: { type: "boolean", default: false },
    },
  });
  const natsServer = await findNatsServer();
  if (natsServer === null) {
    console.log(`Cannot run: ${NATS_SERVER_HINT}`);
    return false;
  }
  const common = {
    natsServer,
    seed: Number(values.seed),
    leaseMs: Number(values.lease),
    onHappening: values.quiet ? () => {} : (text: string) => console.log(text),
  };
  const options = {
    ...common,
    steps: Number(values.steps),
    perSecond: Number(values.rate),
    shards: Number(values.shards),
    nodes: Number(values.nodes),
    workers: Number(values.workers),
  };
  const chaos = await runClusterChaos(options);
  const isWell = show("chaos", chaos, problemsOf(chaos, options));
  if (values.rescales === "0") return isWell;
  const shardCounts = Array.from(
    { length: Number(values.rescales) + 1 },
    (_, index) => [4, 6, 3, 5, 8][index % 5] ?? 4,
  );
  const rescaling = { ...common, shardCounts, perSecond: Number(values.rate) / 2 };
  const rescales = await runRescaleChaos(rescaling);
  return show(`rescales to ${shardCounts.slice(1)}`, rescales, lossesOf(rescales, rescaling)) && isWell;
}

function show(what: string, { missing: _, ...report }: ClusterReport, problems: readonly string[]): boolean {
  console.log(what, report);
  for (const problem of problems) console.log(`PROBLEM: ${problem}`);
  const { emitted, inStream, doubled, handled } = report;
  console.log(`lost ${emitted - inStream}, doubled ${doubled}, unhandled ${emitted - handled}`);
  return problems.length === 0;
}

if (!await main()) process.exitCode = 1;
