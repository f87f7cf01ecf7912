import type { ShardPhase } from "../../mod.ts";
import type { Trace } from "./trace.ts";

/** How long a shard may be in a phase without anything coming from the gateway, in milliseconds. */
const LIMITS: { readonly [phase in ShardPhase]?: number } = {
  // The handshake and HELLO have ten seconds each.
  connecting: 20_000,
  resuming: 30_000,
  identifying: 600_000,
};
const GRACE_MS = 500;

/** Whether a peer that accepts and never speaks is given up in time. */
export class Deadlines {
  readonly #trace: Trace;
  readonly #waits = new Map<number, { timer: ReturnType<typeof setTimeout>; phase: ShardPhase }>();

  /** Starts with nobody waiting. */
  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** A shard does something else now. */
  onPhase(shardId: number, phase: ShardPhase): void {
    clearTimeout(this.#waits.get(shardId)?.timer);
    this.#waits.delete(shardId);
    const limitMs = LIMITS[phase];
    if (limitMs === undefined) return;
    const timer = setTimeout(() => {
      this.#waits.delete(shardId);
      this.#trace.fail(`shard ${shardId} was ${phase} for more than ${limitMs} ms`);
    }, limitMs + GRACE_MS);
    this.#waits.set(shardId, { timer, phase });
  }

  /** Something has come from the gateway. */
  onEvent(shardId: number): void {
    const wait = this.#waits.get(shardId);
    if (wait !== undefined) this.onPhase(shardId, wait.phase);
  }

  /** Stops to watch: it is over, or the event loop is about to be blocked. */
  end(): void {
    for (const { timer } of this.#waits.values()) clearTimeout(timer);
    this.#waits.clear();
  }
}
