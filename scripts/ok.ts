/**
 * The gate: everything that has to hold before a change goes in. The quick checks all run, so that one look shows
 * everything they find; the tests run only when those hold.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import config from "../deno.json" with { type: "json" };
import { deno, filesBelow, ROOT } from "./command.ts";
import { stdFlags, stdSource } from "./std.ts";

interface Step {
  name: string;
  args: readonly string[];
}

async function main(): Promise<boolean> {
  const std = stdFlags(await stdSource());
  const start = performance.now();
  const failed: string[] = [];
  for (const step of await quickSteps(std)) if (!await run(step)) failed.push(step.name);
  if (failed.length > 0) {
    console.log(`\n${failed.length} failed: ${failed.join(", ")}. The tests did not run.`);
    return false;
  }
  console.log(`All held, after ${seconds(start)}. The tests:\n`);
  return (await deno(["run", "-A", "scripts/test.ts"], { inherit: true })).success;
}

async function quickSteps(std: readonly string[]): Promise<Step[]> {
  const script = (name: string) => ["run", "-A", `scripts/${name}.ts`];
  const code = ["mod.ts"];
  for (const folder of ["lib", "tests", "scripts", "examples"]) code.push(...await filesBelow(folder, ".ts"));
  const documented = code.filter((file) => file === "mod.ts" || file.startsWith("lib/"));
  const pages = (await Promise.all([filesIn("README.md"), filesBelow("docs", ".md")])).flat();
  return [
    { name: "format", args: ["fmt", "--check"] },
    { name: "lint", args: ["lint"] },
    { name: "versions", args: script("check_versions") },
    { name: "layers", args: script("check_layers") },
    { name: "types", args: ["check", ...std, ...code] },
    { name: "web types", args: script("web_check") },
    // Together, as JSR sees them: an entry point may name the types of another.
    { name: "doc", args: ["doc", "--lint", ...Object.values(config.exports)] },
    { name: "docs", args: script("docs") },
    {
      name: "doc examples",
      args: [
        "test",
        "--doc",
        "--parallel",
        "-A",
        "--sanitize-ops",
        "--sanitize-resources",
        "--reporter=dot",
        ...std,
        ...documented,
        ...pages,
      ],
    },
    { name: "build", args: script("build") },
    { name: "package", args: script("check_package") },
    { name: "publish", args: ["publish", "--dry-run", "--allow-dirty"] },
  ];
}

async function filesIn(file: string): Promise<string[]> {
  try {
    await Deno.stat(new URL(file, ROOT));
    return [file];
  } catch {
    return [];
  }
}

async function run({ name, args }: Step): Promise<boolean> {
  const start = performance.now();
  const { success, output } = await deno(args);
  console.log(`${success ? "ok    " : "FAILED"} ${name.padEnd(20)} ${seconds(start).padStart(7)}`);
  if (!success) console.log(output.replace(/^(Check|Download|Initialize) .*\n/gm, "").replace(/^/gm, "       "));
  return success;
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1_000).toFixed(1)} s`;
}

if (!await main()) Deno.exit(1);
