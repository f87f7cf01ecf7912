/**
 * Builds what npm gets into `dist/`, a bundle with its type declarations for each entry point, and guards its size.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import * as esbuild from "esbuild";
import ts from "typescript";
import { filesBelow, ROOT } from "./command.ts";

/** How large the library may be when minified and compressed, in bytes: somebody downloads it at every cold start. */
const MAX_GZIP_BYTES = 27 * 1024;

const ENTRY_POINTS = {
  "mod": "./mod.ts",
  "lib/file_session_store": "./lib/file_session_store.ts",
  "lib/shutdown_on_signal": "./lib/shutdown_on_signal.ts",
  "lib/status/mod": "./lib/status/mod.ts",
  "lib/testing/mod": "./lib/testing/mod.ts",
};

async function main(): Promise<boolean> {
  try {
    await Deno.remove(new URL("dist/", ROOT), { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const absWorkingDir = decodeURIComponent(ROOT.pathname);
  try {
    const common = { absWorkingDir, bundle: true, format: "esm", target: "es2024", platform: "neutral" } as const;
    // What an entry point loads itself is left to whoever installs it.
    await esbuild.build({
      ...common,
      entryPoints: ENTRY_POINTS,
      outdir: "dist",
      packages: "external",
      external: ["node:*"],
    });
    const minified = await esbuild.build({ ...common, entryPoints: ["./mod.ts"], minify: true, write: false });
    await declare();
    return await guard(minified.outputFiles[0]?.contents ?? new Uint8Array());
  } finally {
    await esbuild.stop();
  }
}

// Every export has its type written out, so that each file can be declared by itself.
async function declare(): Promise<void> {
  for (const file of ["mod.ts", ...await filesBelow("lib", ".ts")]) {
    const source = await Deno.readTextFile(new URL(file, ROOT));
    const { outputText } = ts.transpileDeclaration(source, { fileName: file, compilerOptions: { strict: true } });
    const target = new URL(`dist/${file.replace(/\.ts$/, ".d.ts")}`, ROOT);
    await Deno.mkdir(new URL(".", target), { recursive: true });
    await Deno.writeTextFile(target, outputText);
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

if (!await main()) Deno.exit(1);
