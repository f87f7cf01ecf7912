import type { ClientResult } from "./clients/meter.ts";
import type { ServerOptions } from "./server.ts";

/** A runtime that contestants run on. */
export type Runtime = "deno" | "bun" | "node";

/** One client process, as it is run once in every round. */
export interface Contestant {
  /** What it is called in the table. */
  name: string;
  runtime: Runtime;
  /** The file in `clients/`. */
  client: "floor" | "naive" | "ours" | "shards" | "peer" | "empty" | "import";
  mode: string;
  compress: string;
  /** How many shards, where it opens more than one. */
  shards?: number;
  /** Tells V8 to keep less memory, where it is V8. */
  optimizeForSize?: boolean;
}

/** What can be read off a client's result. */
export type Measure = Exclude<keyof ClientResult, "breaks" | "wallUs"> | "processMs";

/** A line of the table: one contestant beside another, or alone. */
export interface Line {
  /** What is compared. */
  what: string;
  measure: Measure;
  /** The id of the contestant. */
  ours: string;
  /** The ids of what it is compared with: the best of them counts. Without any the line is a figure of its own. */
  against: readonly string[];
  /** Subtracts the other one's figure instead of dividing by it. */
  above?: boolean;
  /** The most that the ratio, or the figure, is meant to be. */
  target?: number;
}

/** Contestants that are run in turn against one server, and what is made of it. */
export interface Scenario {
  name: string;
  /** What the server sends; `null` where there is no server. */
  traffic: ServerOptions | null;
  /** How many times as often as the others it is run. */
  often?: number;
  contestants: readonly Contestant[];
  lines: readonly Line[];
}

/** What lines call a contestant by. */
export function idOf(contestant: { name: string; runtime: Runtime }): string {
  return `${contestant.name}@${contestant.runtime}`;
}
