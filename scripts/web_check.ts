/**
 * Type-checks the library against the web platform alone, where `Deno`, `Bun` and `process` are unknown names.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import config from "../deno.json" with { type: "json" };
import { deno, filesBelow, ROOT } from "./command.ts";
import { isWebOnly } from "./layers.ts";

const files = (await filesBelow("lib", ".ts")).filter((file) => isWebOnly(file.slice("lib/".length)));
// A configuration has one `lib` for all files, so this is another one: the project's, strictness and all, with the web's.
const folder = await Deno.makeTempDir();
try {
  const path = `${folder}/deno.json`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      compilerOptions: { ...config.compilerOptions, lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"] },
      imports: config.imports,
      lock: false,
      nodeModulesDir: "none",
    }),
  );
  const paths = ["mod.ts", ...files].map((file) => decodeURIComponent(new URL(file, ROOT).pathname));
  const { success, output } = await deno(["check", "--config", path, ...paths]);
  if (!success) console.log(output.replace(/^Check .*\n/gm, ""));
  console.log(`${paths.length} files checked against the web platform`);
  if (!success) Deno.exit(1);
} finally {
  await Deno.remove(folder, { recursive: true });
}
