// deno-lint-ignore-file no-console -- what the library prints is what is searched
import { inspect } from "node:util";
import { CANARY } from "../canary.ts";
import type { Trace } from "./trace.ts";

const METHODS = ["debug", "log", "info", "warn", "error", "trace"] as const;

/** Looks for the token where it must not be. */
export class Secrecy implements Disposable {
  /** How many texts were searched. */
  searched = 0;
  readonly #trace: Trace;
  readonly #console = new Map<typeof METHODS[number], typeof console.log>();

  /** Takes the console over: what is printed is searched, and not shown. */
  constructor(trace: Trace) {
    this.#trace = trace;
    for (const method of METHODS) {
      this.#console.set(method, console[method]);
      console[method] = (...values: unknown[]) => {
        this.search("the console", inspect(values, { depth: 8 }));
      };
    }
  }

  /** Gives the console back. */
  [Symbol.dispose](): void {
    for (const [method, original] of this.#console) console[method] = original;
  }

  /** Searches a text. */
  search(where: string, text: string): void {
    this.searched++;
    if (text.includes(CANARY)) this.#trace.fail(`the token is in ${where}: ${text.slice(0, 200)}`);
  }

  /** Searches everything that shows of a value. */
  inspect(where: string, value: unknown): void {
    this.search(`the inspection of ${where}`, inspect(value, { depth: 8, showHidden: true }));
    this.search(`the runtime's inspection of ${where}`, runtimeInspect(value));
    this.search(`the JSON of ${where}`, jsonOf(value));
  }
}

/** What `console.log()` shows of a value. */
function runtimeInspect(value: unknown): string {
  // Neither runtime is named to the type checker, which knows one at a time.
  const { Deno, Bun } = globalThis as unknown as Record<"Deno" | "Bun", { inspect: typeof inspect } | undefined>;
  return (Deno ?? Bun)?.inspect(value, { depth: 8 }) ?? "";
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
