/**
 * Measures the library beside its lower bound and, with `--peers`, beside other libraries; prints one table.
 *
 * ```sh
 * deno task bench                       # everything, 5 rounds: some ten minutes
 * deno task bench flood guild           # scenarios by their name
 * deno task bench --rounds 9            # narrower intervals
 * deno task bench --quick               # two short rounds: whether it runs
 * deno task bench --peers               # other libraries as well; needs npm's registry
 * deno task bench --check               # fails when a ratio passes its target by more than 15 %
 * deno task bench --peers --write       # puts the table into BENCHMARKS.md
 * ```
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { findBun } from "../bun.ts";
import { installPeers, PEERS } from "./peers.ts";
import { type Machine, pinning } from "./processes.ts";
import { describeMachine, writeReport } from "./report.ts";
import { runRounds } from "./rounds.ts";
import { HEAD, type Row, rowsOf } from "./rows.ts";
import { scenarios } from "./scenarios.ts";
import { textTable } from "./table.ts";

interface Options {
  filters: string[];
  rounds: number;
  quick: boolean;
  peers: boolean;
  check: boolean;
  write: boolean;
}

const ROUNDS = 5;
const QUICK_ROUNDS = 2;

/** How far a ratio may pass its target before `--check` fails. */
const TOLERANCE = 1.15;

async function main(options: Options): Promise<boolean> {
  const bun = await findBun();
  const machine: Machine = {
    programs: { deno: Deno.execPath(), bun, node: "node" },
    peersFolder: options.peers ? await installPeers(bun) : null,
    pin: await pinning(),
  };
  const chosen = scenarios({ quick: options.quick, peers: options.peers ? PEERS : {} })
    .filter(({ name }) => options.filters.length === 0 || options.filters.some((filter) => name.includes(filter)));
  if (chosen.length === 0) throw new Error(`No scenario is called ${options.filters.join(" or ")}`);
  const rows: Row[] = [];
  const failures: string[] = [];
  for (const scenario of chosen) {
    const { rounds } = options;
    const outcome = await runRounds(machine, scenario, { rounds, onRun: progress(scenario.name) });
    rows.push(...rowsOf(scenario.lines, outcome));
    for (const [id, reason] of outcome.failures) failures.push(`${scenario.name}: ${id} failed: ${reason}`);
  }
  clearProgress();
  const table = [HEAD, ...rows.map(({ cells }) => cells)];
  const about = await describeMachine(machine, options.rounds);
  console.log(`${about}\n\n${textTable(table)}`);
  for (const failure of failures) console.log(`\n${failure}`);
  const targets = chosen.flatMap(({ lines }) => lines).filter(({ target }) => target !== undefined).length;
  const unmeasured = targets - rows.filter(({ met }) => met !== null).length;
  if (unmeasured > 0) console.log(`\n${unmeasured} of ${targets} targets not measured: some need --peers`);
  if (options.write) await writeReport(table, about);
  return !options.check || verdict(rows, failures);
}

function verdict(rows: readonly Row[], failures: readonly string[]): boolean {
  const passed = rows.filter(({ excess }) => excess !== null && !(excess <= TOLERANCE));
  for (const { cells: [what, runtime, , against], excess } of passed) {
    console.log(`\n${what} on ${runtime} against ${against}: ${excess?.toFixed(2)} times the target`);
  }
  return passed.length === 0 && failures.length === 0;
}

function progress(scenario: string): (id: string, round: number) => void {
  return (id, round) => {
    if (!Deno.stderr.isTerminal()) return;
    clearProgress();
    Deno.stderr.writeSync(new TextEncoder().encode(`${scenario}, round ${round + 1}: ${id}`));
  };
}

function clearProgress(): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[K"));
}

function optionsIn(args: readonly string[]): Options {
  const options: Options = { filters: [], rounds: 0, quick: false, peers: false, check: false, write: false };
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg === "--rounds") options.rounds = Number(left.shift());
    else if (arg === "--quick" || arg === "--peers" || arg === "--check" || arg === "--write") {
      options[arg.slice(2) as "quick"] = true;
    } else if (arg.startsWith("-")) throw new Error(`Unknown option: ${arg}`);
    else options.filters.push(arg);
  }
  options.rounds ||= options.quick ? QUICK_ROUNDS : ROUNDS;
  if (!Number.isSafeInteger(options.rounds) || options.rounds < 1) throw new Error("--rounds needs a number from 1");
  return options;
}

if (!await main(optionsIn(Deno.args))) Deno.exit(1);
