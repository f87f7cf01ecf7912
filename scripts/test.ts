/**
 * Runs the tests on Deno and on Bun, side by side: the same files, and the same tests in them. Arguments choose files by
 * a part of their name.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BUN_VERSION, findBun } from "./bun.ts";
import { getChromium } from "./chromium.ts";
import { command, deno, filesBelow, ROOT } from "./command.ts";
import { TOKENS } from "../tests/canary.ts";
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
  /** How many lines of its output showed a token. */
  leaks: number;
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
  if (files.some((file) => file.includes("browser"))) await getChromium();
  const bun = await findBun();
  // What the second writes is kept until the first is done, or their lines would mix.
  const [first, second] = [new Output(), new Output({ held: true })];
  const runs = await Promise.all([
    run("deno", Deno.version.deno, files, onDeno(std), first).finally(() => second.release()),
    run("bun", BUN_VERSION, files, onBun(bun), second),
  ]);
  return summarize(runs, files);
}

function onDeno(std: StdSource): Runner {
  // The types are for the gate to check.
  // With dots Deno would keep what the tests print to itself.
  const flags = ["-A", "--no-check", "--sanitize-ops", "--sanitize-resources", ...stdFlags(std), "--reporter=pretty"];
  return async (files, report, onLine) => {
    // Deno gives each file it is named a world of its own, into which all of the library is loaded anew; Bun does not.
    const whole = await Deno.makeTempFile({ suffix: "_test.ts" });
    try {
      await Deno.writeTextFile(whole, files.map((file) => `import "${new URL(file, ROOT)}";\n`).join(""));
      return (await deno(["test", ...flags, `--junit-path=${report}`, whole], { onLine })).success;
    } finally {
      await Deno.remove(whole);
    }
  };
}

// Bun never has anything from JSR: the closed networks that it has to work on are not told apart there.
function onBun(bun: string): Runner {
  const flags = ["--tsconfig-override", TSCONFIG, "--dots", "--reporter=junit"];
  return async (files, report, onLine) => {
    const paths = files.map((file) => `./${file}`);
    return (await command(bun, ["test", ...flags, `--reporter-outfile=${report}`, ...paths], { onLine })).success;
  };
}

async function run(
  runtime: string,
  version: string,
  files: readonly string[],
  runner: Runner,
  output: Output,
): Promise<Run> {
  output.write(`\n${runtime} ${version}, ${files.length} files\n`);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const printer = new DotPrinter(output);
  const start = performance.now();
  try {
    let leaks = 0;
    const success = await runner(files, report, (line) => {
      if (TOKENS.some((token) => line.includes(token))) leaks++;
      printer.print(line);
    });
    const seconds = (performance.now() - start) / 1_000;
    printer.end();
    return { runtime, version, tests: readReport(await Deno.readTextFile(report)), success, seconds, leaks };
  } finally {
    await Deno.remove(report);
  }
}

/** Standard output, or what is to be written there later. */
class Output {
  #held: string[] | null;

  constructor({ held = false } = {}) {
    this.#held = held ? [] : null;
  }

  write(text: string): void {
    if (this.#held !== null) this.#held.push(text);
    else Deno.stdout.writeSync(new TextEncoder().encode(text));
  }

  /** Writes what was kept, and from now on everything as it comes. */
  release(): void {
    const text = this.#held?.join("") ?? "";
    this.#held = null;
    this.write(text);
  }
}

/** How a line of Deno's ends that tells of a test. */
const OUTCOMES: Readonly<Record<string, string>> = { ok: ".", FAILED: "!", ignored: ",", cancelled: "!" };

/** Makes a dot of each of Deno's tests, as Bun does, and drops what says nothing about a test. */
class DotPrinter {
  readonly #output: Output;
  #dots = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  print(line: string): void {
    // deno-lint-ignore no-control-regex
    const plain = line.replace(/\x1b\[[\d;]*m/g, "");
    const outcome = / \.\.\. (ok|FAILED|ignored|cancelled)\b[^.]*$/.exec(plain)?.[1];
    if (/^[.,!]+$/.test(plain)) {
      for (const dot of plain) this.#print(dot);
    } else if (outcome !== undefined) {
      this.#print(OUTCOMES[outcome] ?? "?");
    } else if (/^(running \d+ tests? from |-+ (post-test )?output (end )?-+$)| \.\.\.$/.test(plain)) {
      return;
    } else if (!/^(Download|Initialize|Check|bun test) /.test(plain) && (plain !== "" || this.#dots === 0)) {
      this.end();
      this.#output.write(`${line}\n`);
    }
  }

  #print(dot: string): void {
    this.#output.write(dot);
    this.#dots += 1;
    if (this.#dots === DOTS_PER_LINE) this.end();
  }

  end(): void {
    if (this.#dots > 0) this.#output.write("\n");
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
  const [passed, failed] = [sum(rows, "passed"), sum(rows, "failed") + problems.length];
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0;
}

function problemsOf(runs: readonly Run[], files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const { runtime, tests, leaks } of runs) {
    if (leaks > 0) problems.push(`${runtime} printed a token in ${leaks} lines`);
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
