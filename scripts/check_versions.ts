/**
 * Checks that the files which name the package and its dependencies agree: `deno.json`, `package.json` (Bun and npm), and
 * what stands in for them on networks without JSR.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import denoJson from "../deno.json" with { type: "json" };
import packageJson from "../package.json" with { type: "json" };
import tsconfig from "../tests/offline/tsconfig.json" with { type: "json" };
import importMap from "../tests/offline/import_map.json" with { type: "json" };

const problems: string[] = [];

function expect(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) problems.push(`${what} is ${actual}, but deno.json says ${expected}`);
}

const packages: Record<string, string> = { ...packageJson.dependencies, ...packageJson.devDependencies };
const mapped: Record<string, string> = importMap.imports;
const paths: Record<string, string[]> = tsconfig.compilerOptions.paths;
const exported: Record<string, unknown> = packageJson.exports;

expect("package.json: name", packageJson.name, denoJson.name);
expect("package.json: version", packageJson.version, denoJson.version);
for (const [name, specifier] of Object.entries(denoJson.imports)) {
  if (specifier.startsWith("jsr:")) {
    if (mapped[name] === undefined) problems.push(`import_map.json has no stand-in for ${name}`);
    if (packages[name] !== undefined) problems.push(`package.json names ${name}, which closed networks cannot install`);
    continue;
  }
  expect(`package.json: ${name}`, `npm:${name}@${packages[name]}`, specifier);
  expect(`import_map.json: ${name}`, mapped[name], specifier);
}
for (const name of Object.keys(packages)) {
  if (!(name in denoJson.imports)) problems.push(`package.json: ${name} is not in deno.json`);
}
for (const [entry, file] of Object.entries(denoJson.exports)) {
  const name = entry.replace(".", denoJson.name);
  const stem = file.slice("./".length, -".ts".length);
  expect(`import_map.json: entry ${entry}`, mapped[name], `../../${stem}.ts`);
  expect(`tsconfig.json: entry ${entry}`, paths[name]?.join(), `../../${stem}.ts`);
  const expected = { bun: file, types: `./dist/${stem}.d.ts`, default: `./dist/${stem}.js` };
  expect(`package.json: entry ${entry}`, JSON.stringify(exported[entry]), JSON.stringify(expected));
}
for (const problem of problems) console.log(problem);
if (problems.length > 0) Deno.exit(1);
