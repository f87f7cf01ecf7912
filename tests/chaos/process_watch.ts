import process from "node:process";
import type { Trace } from "./trace.ts";

const EVENTS = ["unhandledRejection", "uncaughtException"] as const;

/** Whether something would have ended the process: a rejection or an error that nobody handles. */
export class ProcessWatch implements Disposable {
  readonly #listeners: (readonly [typeof EVENTS[number], (error: unknown) => void])[];

  /** Watches until it is disposed of. */
  constructor(trace: Trace) {
    this.#listeners = EVENTS.map((name) => [name, (error: unknown) => trace.fail(`${name}: ${stackOf(error)}`)]);
    for (const [name, listener] of this.#listeners) process.on(name as "uncaughtException", listener);
  }

  /** Stops to watch. */
  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) process.off(name as "uncaughtException", listener);
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
