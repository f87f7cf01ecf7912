/**
 * A real browser for the tests of pages.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";

/** Where Chromium is looked for. */
const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is, or `null`. */
export function findChromium(): string | null {
  const { CHROMIUM_PATH } = process.env;
  return CHROMIUM_PATH || (PATHS.find((path) => existsSync(path)) ?? null);
}

/** Why tests in a browser cannot run, where they cannot. */
export const WITHOUT_CHROMIUM: string | false = findChromium() === null &&
  "no Chromium: `apt-get install chromium`, or set CHROMIUM_PATH";

/** Starts Chromium without a window. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium() ?? "",
    // It refuses to be sandboxed for root.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

/** The script that finds accessibility violations. */
export function readAxe(): string {
  return readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
}
