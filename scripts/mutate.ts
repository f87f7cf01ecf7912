/**
 * Changes the rules in a file one by one, and shows that the tests notice each change. Arguments: the file, then the
 * tests, the quickest first.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { command, deno, ROOT } from "./command.ts";
import { type Mutant, mutantsOf, wordsOf } from "./mutants.ts";
import { ALLOWED } from "./mutants_allowed.ts";
import { stdFlags, stdSource } from "./std.ts";

const FILE = "lib/session.ts";
const TESTS = ["tests/session_test.ts", "tests/session_property_test.ts"];
/** Where the words that may be exchanged come from. */
const WORDS = ["lib/opcode.ts", "lib/close_code.ts"];
/** A change that makes an endless loop is noticed, too. */
const TIMEOUT_MS = 60_000;
const NEEDED = ["deno.json", "deno.lock", "package.json", "mod.ts", "lib", "tests"];

async function main(file: string, tests: readonly string[]): Promise<boolean> {
  const source = await Deno.readTextFile(new URL(file, ROOT));
  const words = new Map<string, string[]>();
  for (const path of WORDS) {
    for (const [name, members] of wordsOf(await Deno.readTextFile(new URL(path, ROOT)))) words.set(name, members);
  }
  const mutants = mutantsOf(source, words);
  const flags = stdFlags(await stdSource());
  const folders = await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, scratch));
  const start = performance.now();
  try {
    if (!await passes(folders[0]!, tests, flags)) {
      console.log(`The tests fail before anything is changed: ${tests.join(" ")}`);
      return false;
    }
    const survivors: Mutant[] = [];
    const queue = mutants.values();
    await Promise.all(folders.map(async (folder) => {
      for (const mutant of queue) {
        await Deno.writeTextFile(`${folder}/${file}`, mutant.source);
        const survived = await survives(folder, file, tests, flags);
        if (survived) survivors.push(mutant);
        console.log(`${survived ? "SURVIVED" : "noticed "} ${file}:${mutant.line}  ${mutant.change}`);
      }
    }));
    return report(file, mutants, survivors, (performance.now() - start) / 1_000);
  } finally {
    for (const folder of folders) await Deno.remove(folder, { recursive: true });
  }
}

/** A copy of what the tests need; the packages are shared. */
async function scratch(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "mutate" });
  const { success, output } = await command("cp", ["-r", ...NEEDED, folder]);
  if (!success) throw new Error(`Cannot copy the project: ${output}`);
  await Deno.symlink(new URL("node_modules", ROOT), `${folder}/node_modules`);
  return folder;
}

async function survives(folder: string, file: string, tests: readonly string[], flags: string[]): Promise<boolean> {
  if (!await passes(folder, tests, flags)) return false;
  // The type checker notices things, too, but takes longer: it is asked about what the tests let pass.
  return (await deno(["check", "--quiet", ...flags, file], { cwd: folder })).success;
}

async function passes(folder: string, tests: readonly string[], flags: readonly string[]): Promise<boolean> {
  for (const test of tests) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const args = ["test", "-A", "--no-check", "--quiet", "--fail-fast", ...flags, test];
    if (!(await deno(args, { cwd: folder, signal })).success) return false;
  }
  return true;
}

function report(file: string, mutants: readonly Mutant[], survivors: readonly Mutant[], seconds: number): boolean {
  const same = (mutant: Mutant, { text, change }: { text: string; change: string }) =>
    mutant.text === text && mutant.change === change;
  const allowed = ALLOWED.filter((entry) => entry.file === file);
  const unexcused = survivors.filter((mutant) => !allowed.some((entry) => same(mutant, entry)));
  const stale = allowed.filter((entry) => !survivors.some((mutant) => same(mutant, entry)));
  console.log();
  for (const { line, text, change } of unexcused) console.log(`SURVIVED ${file}:${line}  ${change}\n         ${text}`);
  for (const { text, change } of stale) console.log(`No longer survives, take it off the list: ${change} in ${text}`);
  for (const { change, reason } of allowed) console.log(`allowed: ${change} (${reason})`);
  console.log(
    `${mutants.length} changes, ${mutants.length - survivors.length} noticed, ` +
      `${survivors.length - unexcused.length} allowed, ${unexcused.length} survived, ${seconds.toFixed(0)} s`,
  );
  return mutants.length > 0 && unexcused.length === 0 && stale.length === 0;
}

const [file = FILE, ...tests] = Deno.args;
if (!await main(file, tests.length > 0 ? tests : TESTS)) Deno.exit(1);
