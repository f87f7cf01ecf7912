#!/usr/bin/env node
/** The command of the npm package. */
import process from "node:process";
import { runDoctor } from "./run.ts";

// A connection that was closed may hold on to the process for a while.
process.exit(await runDoctor(process.argv.slice(2)));
