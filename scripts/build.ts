/**
 * Builds what npm gets: `dist/` is the whole package, with a bundle, a source map and type declarations for each entry
 * point. Guards the size of the library.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import * as esbuild from "esbuild";
import ts from "typescript";
import denoJson from "../deno.json" with { type: "json" };
import packageJson from "../package.json" with { type: "json" };
import { ROOT } from "./command.ts";

/** How large the library may be when minified and compressed, in bytes: somebody downloads it at every cold start. */
const MAX_GZIP_BYTES = 29 * 1024;

const DIST = new URL("dist/", ROOT);
/** The command of the package. It is no entry point, and Node 22 does not know `import.meta.main`. */
const BIN = "gangway_doctor.js";
const BIN_TEXT = `#!/usr/bin/env node
import process from "node:process";
import { runDoctor } from "./lib/doctor.js";
process.exit(await runDoctor(process.argv.slice(2)));
`;
const TEXTS = ["README.md", "RELIABILITY.md", "CHANGELOG.md", "LICENSE"];

/** The file of each entry point, from the project's folder. */
const FILES: Record<string, string> = Object.fromEntries(
  Object.entries(denoJson.exports).map(([entry, file]) => [entry, file.replace("./", "")]),
);

async function main(): Promise<boolean> {
  await removeDist();
  const absWorkingDir = decodeURIComponent(ROOT.pathname);
  try {
    const common = { absWorkingDir, bundle: true, format: "esm", target: "es2024", platform: "neutral" } as const;
    await esbuild.build({
      ...common,
      entryPoints: Object.fromEntries(Object.values(FILES).map((file) => [withoutTs(file), file])),
      outdir: "dist",
      // Entry points share their parts: an error that one throws is an instance of the class that another exports.
      splitting: true,
      chunkNames: "chunks/[name]-[hash]",
      sourcemap: true,
      // What an entry point loads itself is left to whoever installs it.
      packages: "external",
      external: ["node:*"],
    });
    const minified = await esbuild.build({ ...common, entryPoints: ["./mod.ts"], minify: true, write: false });
    await declareAll();
    await Deno.writeTextFile(new URL("package.json", DIST), `${JSON.stringify(packageOf(), null, 2)}\n`);
    await Deno.writeTextFile(new URL(BIN, DIST), BIN_TEXT);
    for (const text of TEXTS) await Deno.copyFile(new URL(text, ROOT), new URL(text, DIST));
    return await guard(minified.outputFiles[0]?.contents ?? new Uint8Array());
  } finally {
    await esbuild.stop();
  }
}

async function removeDist(): Promise<void> {
  try {
    await Deno.remove(DIST, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The package's description: the project's, without what only the project needs. */
function packageOf(): Record<string, unknown> {
  const { private: _, exports: __, scripts: ___, devDependencies: ____, ...rest } = packageJson;
  const exports = Object.fromEntries(
    Object.entries(FILES).map(([entry, file]) => {
      const stem = `./${withoutTs(file)}`;
      return [entry, { types: `${stem}.d.ts`, default: `${stem}.js` }];
    }),
  );
  return { ...rest, exports, bin: { "gangway-doctor": BIN } };
}

/**
 * Declares the entry points and what their declarations name. (`transpileDeclaration` would do without a program, but
 * writes members such as `[Symbol.dispose]` twice.)
 */
async function declareAll(): Promise<void> {
  const root = decodeURIComponent(ROOT.pathname);
  const program = ts.createProgram(Object.values(FILES).map((file) => root + file), {
    ...{ strict: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true, allowImportingTsExtensions: true },
    ...{
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      target: ts.ScriptTarget.ESNext,
    },
    ...{ declaration: true, emitDeclarationOnly: true, noCheck: true, types: [], outDir: `${root}dist`, rootDir: root },
  });
  const declarations = new Map<string, string>();
  program.emit(undefined, (file, text) => declarations.set(file.slice(`${root}dist/`.length), text), undefined, true);
  const queue = Object.values(FILES).map((file) => `${withoutTs(file)}.d.ts`);
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const text = declarations.get(file);
    if (text === undefined) continue;
    declarations.delete(file);
    const rewritten = text.replace(/((?:from|import\()\s*)"(\.[^"]+)\.ts"/g, (_, before: string, specifier: string) => {
      queue.push(`${new URL(specifier, new URL(file as string, DIST)).href.slice(DIST.href.length)}.d.ts`);
      return `${before}"${specifier}.js"`;
    });
    const target = new URL(file, DIST);
    await Deno.mkdir(new URL(".", target), { recursive: true });
    await Deno.writeTextFile(target, rewritten);
  }
}

async function guard(minified: Uint8Array): Promise<boolean> {
  const gzip = new Blob([minified.slice()]).stream().pipeThrough(new CompressionStream("gzip"));
  const { byteLength } = await new Response(gzip).arrayBuffer();
  const ok = byteLength <= MAX_GZIP_BYTES;
  console.log(
    `mod.ts: ${minified.length} bytes minified, ${byteLength} with gzip, of ${MAX_GZIP_BYTES} allowed${
      ok ? "" : ": too large"
    }`,
  );
  return ok;
}

function withoutTs(file: string): string {
  return file.replace(/\.ts$/, "");
}

if (!await main()) Deno.exit(1);
