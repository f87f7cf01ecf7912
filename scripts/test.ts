/**
 * Runs the tests on Deno and on Bun: the same files, and the same tests in them. Arguments choose files by a part of
 * their name.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BUN_VERSION, findBun } from "./bun.ts";
import { command, deno, filesBelow } from "./command.ts";
import { type Outcome, readReport, type ReportedTest } from "./junit.ts";
import { stdFlags, type StdSource, stdSource } from "./std.ts";

const TSCONFIG = "tests/offline/tsconfig.json";
const DOTS_PER_LINE = 100;

interface Run {
  runtime: string;
  version: string;
  tests: ReportedTest[];
  success: boolean;
  seconds: number;
}

type Runner = (files: readonly string[], report: string, onLine: (line: string) => void) => Promise<boolean>;

async function main(filters: readonly string[]): Promise<boolean> {
  const all = (await filesBelow("tests", "_test.ts")).filter((file) => file.split("/").length === 2);
  const files = filters.length === 0 ? all : all.filter((file) => filters.some((filter) => file.includes(filter)));
  if (files.length === 0) {
    console.log(`No test file${filters.length === 0 ? "" : ` matches ${filters.join(" or ")}`}`);
    return false;
  }
  const std = await stdSource();
  console.log(`@std/assert and @std/async: ${std === "jsr" ? "from JSR" : "stand-ins (JSR does not answer)"}`);
  const runs = [
    await run("deno", Deno.version.deno, files, onDeno(std)),
    await run("bun", BUN_VERSION, files, onBun(await findBun())),
  ];
  return summarize(runs, files);
}

function onDeno(std: StdSource): Runner {
  const flags = ["-A", "--sanitize-ops", "--sanitize-resources", ...stdFlags(std), "--reporter=dot"];
  return async (files, report, onLine) =>
    (await deno(["test", ...flags, `--junit-path=${report}`, ...files], { onLine })).success;
}

// Bun never has anything from JSR: the closed networks that it has to work on are not told apart there.
function onBun(bun: string): Runner {
  const flags = ["--tsconfig-override", TSCONFIG, "--dots", "--reporter=junit"];
  return async (files, report, onLine) => {
    const paths = files.map((file) => `./${file}`);
    return (await command(bun, ["test", ...flags, `--reporter-outfile=${report}`, ...paths], { onLine })).success;
  };
}

async function run(runtime: string, version: string, files: readonly string[], runner: Runner): Promise<Run> {
  console.log(`\n${runtime} ${version}, ${files.length} files`);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const printer = new DotPrinter();
  const start = performance.now();
  try {
    const success = await runner(files, report, (line) => printer.print(line));
    const seconds = (performance.now() - start) / 1_000;
    printer.end();
    return { runtime, version, tests: readReport(await Deno.readTextFile(report)), success, seconds };
  } finally {
    await Deno.remove(report);
  }
}

/** Joins the dots, which Deno puts on a line each when it writes to a pipe, and drops what says nothing about a test. */
class DotPrinter {
  #dots = 0;

  print(line: string): void {
    // deno-lint-ignore no-control-regex
    const plain = line.replace(/\x1b\[[\d;]*m/g, "");
    if (/^[.,!]+$/.test(plain)) {
      for (const dot of plain) this.#print(dot);
    } else if (!/^(Download|Initialize|Check|bun test) /.test(plain) && (plain !== "" || this.#dots === 0)) {
      this.end();
      console.log(line);
    }
  }

  #print(dot: string): void {
    Deno.stdout.writeSync(new TextEncoder().encode(dot));
    this.#dots += 1;
    if (this.#dots === DOTS_PER_LINE) this.end();
  }

  end(): void {
    if (this.#dots > 0) console.log();
    this.#dots = 0;
  }
}

function summarize(runs: readonly Run[], files: readonly string[]): boolean {
  const rows = runs.map(({ runtime, version, tests, success, seconds }) => ({
    runtime,
    version,
    files: files.length,
    passed: count(tests, "passed"),
    // What goes wrong outside of a test is in no report: it shows in the exit code alone.
    failed: Math.max(count(tests, "failed"), success ? 0 : 1),
    skipped: count(tests, "skipped"),
    seconds: seconds.toFixed(1),
  }));
  const problems = problemsOf(runs, files);
  console.log();
  printTable(rows);
  for (const { runtime, tests } of runs) {
    for (const { name, reason } of tests) {
      if (reason !== undefined) console.log(`skipped on ${runtime}: ${name} (${reason})`);
    }
  }
  for (const problem of problems) console.log(`PROBLEM: ${problem}`);
  const [passed, failed, skipped] = [sum(rows, "passed"), sum(rows, "failed") + problems.length, sum(rows, "skipped")];
  console.log(`\n${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
  return failed === 0;
}

function problemsOf(runs: readonly Run[], files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const { runtime, tests } of runs) {
    if (count(tests, "passed") + count(tests, "failed") === 0) problems.push(`${runtime} ran no test`);
    // Only Bun's report names the file that a test is in.
    const seen = new Set(tests.map(({ file }) => file));
    if (seen.size === 0 || seen.has(undefined)) continue;
    problems.push(...files.filter((file) => !seen.has(file)).map((file) => `${file} has no test on ${runtime}`));
  }
  for (const one of runs) {
    for (const other of runs) {
      // A runtime that ran nothing has said so already, and every name would be missing there.
      if (one === other || other.tests.length === 0) continue;
      problems.push(...missing(one.tests, other.tests).map((name) => `only on ${one.runtime}: ${name}`));
    }
  }
  return problems;
}

/** The names that the first has more often than the second. */
function missing(one: readonly ReportedTest[], other: readonly ReportedTest[]): string[] {
  const names = other.map(({ name }) => name);
  return one.map(({ name }) => name).filter((name) => {
    const index = names.indexOf(name);
    if (index !== -1) names.splice(index, 1);
    return index === -1;
  });
}

function count(tests: readonly ReportedTest[], outcome: Outcome): number {
  return tests.filter((test) => test.outcome === outcome).length;
}

function sum<K extends string>(rows: readonly Record<K, number>[], key: K): number {
  return rows.reduce((total, row) => total + row[key], 0);
}

function printTable(rows: readonly Record<string, string | number>[]): void {
  const lines = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(String))];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of lines) {
    console.log(line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
  }
}

if (!await main(Deno.args)) Deno.exit(1);
