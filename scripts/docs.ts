/**
 * Builds the API reference of all entry points as HTML, in `api/`, to be read in a browser without a server.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import config from "../deno.json" with { type: "json" };
import { deno } from "./command.ts";

const FOLDER = "api";

const args = ["doc", "--html", "--name=Gangway", `--output=${FOLDER}`, ...Object.values(config.exports)];
const { success, output } = await deno(args);
console.log(success ? `Open ${FOLDER}/index.html` : output);
if (!success) Deno.exit(1);
