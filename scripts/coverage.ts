/**
 * Shows which lines of `lib/` the tests run on Deno, file by file.
 *
 * @module
 */

import { deno } from "./command.ts";
import { stdFlags, stdSource } from "./std.ts";

const FOLDER = "coverage";

const flags = ["-A", "--quiet", "--clean", "--reporter=dot", ...stdFlags(await stdSource())];
const { success } = await deno(["test", ...flags, `--coverage=${FOLDER}`, "tests"], { inherit: true });
if (!success) Deno.exit(1);
await deno(["coverage", FOLDER, "--include=/lib/"], { inherit: true });
