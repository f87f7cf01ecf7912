/**
 * Gets the browser that tests of pages run in, where this machine has none: on Debian and its kin, for root.
 *
 *     deno run -A scripts/chromium.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import process from "node:process";
import { findChromium } from "../tests/chromium.ts";
import { command } from "./command.ts";

const TIMEOUT_MS = 300_000;

/** Makes sure that there is a Chromium, where that can be done. Without one the tests say that they are skipped. */
export async function getChromium(): Promise<boolean> {
  if (findChromium() !== null) return true;
  if (process.getuid?.() !== 0) return false;
  console.log("No Chromium: apt-get installs it");
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
      const { success, output } = await command("apt-get", args, { signal });
      if (!success) throw new Error(output.trim().split("\n").at(-1));
    }
  } catch (error) {
    console.log(`Cannot install Chromium: ${error}`);
  }
  return findChromium() !== null;
}

if (import.meta.main && !await getChromium()) {
  console.log("Install Chromium, or set CHROMIUM_PATH to where it is");
  Deno.exit(1);
}
