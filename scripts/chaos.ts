/**
 * The chaos suite at length, on Deno and on Bun.
 *
 *     deno task chaos --seed 17                  one run, to see a failure again
 *     deno task chaos --seed 1 --minutes 10      one run after the other until the time is up, and the parts below
 *     bun scripts/chaos.ts --seed 1 --minutes 10 --days 1 --shards 16
 *
 * A run follows from its seed (and `--days` and `--shards` where they are given) on either runtime. `--lines` says how
 * many of the last happenings a failure shows.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import process from "node:process";
import { parseArgs } from "node:util";
import { supportedFormats } from "../lib/decompressor.ts";
import { type LeakReport, openAndClose, reconnectOften } from "../tests/chaos/leaks.ts";
import { massDisconnect } from "../tests/chaos/mass_disconnect.ts";
import type { WorldOptions } from "../tests/chaos/plan.ts";
import { addReport, describe, describeFailure, emptyTotal } from "../tests/chaos/report.ts";
import { runRescaleWorld } from "../tests/chaos/rescale_world.ts";
import { runWorld } from "../tests/chaos/run_world.ts";
import { runSocketWorld } from "../tests/chaos/socket_world.ts";

const isBun = "Bun" in globalThis;

/** How many worlds of rescales a long run has. */
const RESCALE_SEEDS = 500;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      minutes: { type: "string", default: "0" },
      days: { type: "string" },
      shards: { type: "string" },
      lines: { type: "string" },
    },
  });
  const minutes = Number(values.minutes);
  const given = { days: values.days, shards: values.shards, lines: values.lines };
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined).map(([name, value]) => [name, Number(value)]),
  );
  const worlds = await runWorlds({ seed: Number(values.seed), ...options }, minutes);
  if (minutes === 0) return worlds;
  const first = Number(values.seed);
  const others = [await rescales(first), await sockets(first), await masses(), await leaks()];
  return worlds && others.every((isWell) => isWell);
}

async function runWorlds({ seed: first, ...options }: WorldOptions, minutes: number): Promise<boolean> {
  const untilMs = performance.now() + minutes * 60_000;
  const total = emptyTotal();
  let seed = first;
  do {
    const report = await runWorld({ seed, ...options });
    addReport(total, report);
    if (report.problems.length > 0) console.log(describeFailure(report, again({ seed, ...options })).join("\n"));
    seed++;
  } while (performance.now() < untilMs);
  console.log(`${isBun ? "Bun" : "Deno"}, seeds ${first} to ${seed - 1}`);
  console.log(describe(total).join("\n"));
  return total.failed === 0;
}

function again({ seed, days, shards }: WorldOptions): string {
  const options = [`--seed ${seed}`];
  if (days !== undefined) options.push(`--days ${days}`);
  if (shards !== undefined) options.push(`--shards ${shards}`);
  return `${isBun ? "bun scripts/chaos.ts" : "deno task chaos"} ${options.join(" ")}`;
}

async function rescales(first: number): Promise<boolean> {
  const total: Record<string, number> = { failed: 0 };
  for (let seed = first; seed < first + RESCALE_SEEDS; seed++) {
    const { problems, lines, ...figures } = await runRescaleWorld({ seed });
    for (const [name, value] of Object.entries(figures)) total[name] = (total[name] ?? 0) + value;
    if (problems.length === 0) continue;
    total.failed = (total.failed ?? 0) + 1;
    console.log([`RESCALES, SEED ${seed}`, ...lines, ...problems.map((problem) => `PROBLEM: ${problem}`)].join("\n"));
  }
  console.log(`rescales, seeds ${first} to ${first + RESCALE_SEEDS - 1}: ${JSON.stringify(total)}`);
  return total.failed === 0;
}

async function sockets(seed: number): Promise<boolean> {
  let isWell = true;
  for (const compress of ["none", ...supportedFormats()] as const) {
    const { problems, lines, ...figures } = await runSocketWorld({ seed, durationMs: 30_000, shards: 8, compress });
    console.log(`sockets, ${compress}: ${JSON.stringify(figures)}`);
    if (problems.length === 0) continue;
    console.log([...lines, ...problems.map((problem) => `PROBLEM: ${problem}`)].join("\n"));
    isWell = false;
  }
  return isWell;
}

async function masses(): Promise<boolean> {
  let isWell = true;
  for (const outageMs of [0, 30_000, 150_000]) {
    const report = await massDisconnect(1000, outageMs);
    console.log(`mass disconnect: ${JSON.stringify(report)}`);
    isWell &&= report.problems.length === 0 && report.worstRatio <= 3 && report.peakRatio <= 3;
  }
  return isWell;
}

async function leaks(): Promise<boolean> {
  const reports = [
    ["10,000 reconnects", await reconnectOften({ times: 10_000 })],
    ["2,000 reconnects", await reconnectOften({ times: 2000, countsListeners: true })],
    ["1,000 shards opened and closed", await openAndClose({ times: 1000 })],
    ["1,000 shards opened and closed", await openAndClose({ times: 1000, countsListeners: true })],
  ] as const;
  for (const [what, report] of reports) console.log(`${what}: ${levels(report)}`);
  return reports.every(([, { before, after }]) =>
    after.timers === before.timers && after.abortListeners === before.abortListeners
  );
}

function levels({ before, after }: LeakReport): string {
  const heap = `heap ${(before.heapBytes / 1024).toFixed(0)} to ${(after.heapBytes / 1024).toFixed(0)} KiB`;
  return `${heap}, timers ${before.timers} to ${after.timers}, ` +
    `abort listeners ${before.abortListeners} to ${after.abortListeners}`;
}

if (!await main()) process.exitCode = 1;
