/**
 * A script in a process of its own, on the runtime of the test.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "./harness.ts";

/** A script that runs, and what it writes. */
export class Child implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Called with each line that it writes to standard output. */
  readonly #onLine: (line: string) => void;
  #waiters: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  #rest = "";
  /** What it has written, to standard output and standard error. */
  output = "";
  /** How it ended: the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;

  /** Starts a script of this folder with arguments. */
  constructor(script: string, args: readonly string[], onLine: (line: string) => void = () => {}) {
    this.#onLine = onLine;
    const path = fileURLToPath(new URL(script, import.meta.url));
    const run = runtime === "deno" ? ["run", "-A", "--quiet"] : ["run"];
    this.#child = spawn(process.execPath, [...run, path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.output += text);
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        for (const { text, reject } of this.#waiters.splice(0)) {
          reject(new Error(`Ended with ${code ?? signal} before it wrote "${text}":\n${this.output}`));
        }
        resolve(code ?? signal ?? "unknown");
      });
    });
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid as number;
  }

  /** Resolves when it has written a text. */
  writes(text: string): Promise<void> {
    if (this.output.includes(text)) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ text, resolve, reject }));
  }

  /** Sends it a signal. */
  signal(signal: "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    // On Deno, `child.kill` has the exit code reported as `null` whatever the process makes of the signal.
    process.kill(this.pid, signal);
  }

  /** Ends it where it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  #read(text: string): void {
    this.output += text;
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    lines.forEach(this.#onLine);
    const isThere = ({ text }: { text: string }) => this.output.includes(text);
    for (const { resolve } of this.#waiters.filter(isThere)) resolve();
    this.#waiters = this.#waiters.filter((waiter) => !isThere(waiter));
  }
}
