/**
 * What every client of the benchmarks measures with, on any runtime: CPU time of the whole process, wall time, the most
 * memory it had, and how long a message took to get to the listener.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { readFileSync } from "node:fs";
import process from "node:process";
import { MARK } from "../traffic.ts";

/** What a client is started with, as JSON in its first argument. */
export interface ClientOptions {
  /** Where the server is, on this machine. */
  port: number;
  /** `zlib-stream`, `zstd-stream` or `none`. */
  compress: string;
  /** How many events there are to be between the marks. */
  count: number;
  /** What the client is to do, where it can do more than one thing. */
  mode: string;
  /** How many shards, where it opens more than one. */
  shards?: number;
}

/** What a client writes to its output as JSON. */
export interface ClientResult {
  /** CPU time an event (or a shard) of all threads of the process, in microseconds. */
  cpuUs: number;
  /** Wall time an event (or a shard), in microseconds. */
  wallUs: number;
  /** The most memory that the process ever had, in KiB. */
  peakKiB: number;
  /** How often an event did not follow the one before it; has to be 0. */
  breaks: number;
  /** From the socket's message to the listener, in microseconds, where that was asked for. */
  p50Us?: number;
  /** The same, of the slowest hundredth. */
  p99Us?: number;
  /** Memory a connected shard, in KiB, where that was asked for. */
  shardKiB?: number;
}

/** How long a client lives at most, even if nobody is left to end it: it would try to reconnect for ever. */
const LIFETIME_MS = 180_000;

/** The options of this process. */
export function clientOptions(): ClientOptions {
  setTimeout(() => process.exit(1), LIFETIME_MS);
  return JSON.parse(process.argv[2] ?? "{}");
}

/** One line of `/proc/self/status`, in KiB; where there is none, what the runtime knows. */
export function memoryKiB(line: "VmHWM" | "VmRSS"): number {
  try {
    const [, kib] = readFileSync("/proc/self/status", "utf8").match(new RegExp(`^${line}:\\s+(\\d+)`, "m")) ?? [];
    return Number(kib);
  } catch {
    return process.memoryUsage().rss / 1024;
  }
}

/** Tells the result and ends the process. */
export function finish(result: ClientResult): never {
  console.log(JSON.stringify(result));
  process.exit();
}

/** Counts events, and tells what they cost once the second mark has come. */
export class Meter {
  readonly #count: number;
  /** When each message came that has not reached the listener; `undefined` where nobody wants to know. */
  readonly #arrivals: number[] | undefined;
  readonly #latencies: number[] = [];
  #last: number | undefined;
  #seen = 0;
  #breaks = 0;
  #start: { cpu: NodeJS.CpuUsage; at: number } | undefined;

  /** Measures latency where the mode says so. */
  constructor({ count, mode }: ClientOptions) {
    this.#count = count;
    this.#arrivals = mode === "latency" ? [] : undefined;
  }

  /** The socket has a message. */
  arrived(): void {
    this.#arrivals?.push(performance.now());
  }

  /** The listener has the event; everything but HELLO and READY goes through here. */
  tick(t: string, s: number): void {
    if (this.#arrivals !== undefined) this.#latencies.push(performance.now() - (this.#arrivals.shift() ?? NaN));
    if (this.#last !== undefined && s !== this.#last + 1) this.#breaks++;
    this.#last = s;
    this.#seen++;
    if (t === MARK) this.mark(s);
  }

  /** What came before the first event, such as HELLO, is not measured. */
  skip(): void {
    this.#arrivals?.shift();
  }

  /** So many events never came. */
  miss(count: number): void {
    this.#breaks += count;
  }

  /** The clock starts, or stops. Where single events are not counted, sequence numbers tell how many there were. */
  mark(s: number): void {
    if (this.#start === undefined) {
      this.#start = { cpu: process.cpuUsage(), at: performance.now() };
      this.#seen = 0;
      this.#last = s;
      this.#latencies.length = 0;
      return;
    }
    const { user, system } = process.cpuUsage(this.#start.cpu);
    const wallMs = performance.now() - this.#start.at;
    // The last of them is the mark itself.
    const seen = this.#seen === 0 ? s - (this.#last ?? 0) : this.#seen;
    finish({
      cpuUs: (user + system) / this.#count,
      wallUs: wallMs * 1_000 / this.#count,
      peakKiB: memoryKiB("VmHWM"),
      breaks: this.#breaks + Math.abs(seen - 1 - this.#count),
      ...(this.#arrivals !== undefined && this.#percentiles()),
    });
  }

  #percentiles(): { p50Us: number; p99Us: number } {
    const sorted = this.#latencies.sort((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? NaN) * 1_000;
    return { p50Us: at(0.5), p99Us: at(0.99) };
  }
}
