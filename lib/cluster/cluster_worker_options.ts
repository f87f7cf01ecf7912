import { checkNumber, checkObject, MAX_TIMER_MS, refuse } from "../check.ts";
import type { NatsConnection } from "./nats.ts";

/** Options of a {@linkcode ClusterWorker}. */
export interface ClusterWorkerOptions {
  /** The connection to NATS, which the worker does not close. Let it reconnect for ever: `maxReconnectAttempts: -1`. */
  nats: NatsConnection;
  /**
   * The name of the application, as the nodes have it.
   *
   * @default {"bot"}
   */
  app?: string;
  /**
   * The group: each event goes to one worker of each group.
   *
   * @default {"workers"}
   */
  group?: string;
  /**
   * How many events this worker handles at once.
   *
   * @default {64}
   */
  concurrency?: number;
  /**
   * Whether events of a shard are handled one after the other, by whichever worker, and so those of every guild. The same
   * on all workers of a group. At most one event of each lease is then under way in the whole group.
   *
   * @default {false}
   */
  ordered?: boolean;
  /**
   * How often the listeners of an event may fail, before it goes to the dead letters. One that was delivered more often
   * without that, since its workers died or gave it back, is tried alone, and goes there where two workers die of that.
   *
   * @default {5}
   */
  maxDeliver?: number;
  /**
   * How long a worker may be silent about an event before another one gets it, in milliseconds. A worker that is alive
   * says so by itself, however long its listeners take: it is what a crash costs.
   *
   * @default {30_000}
   */
  ackWaitMs?: number;
  /**
   * How many servers of a NATS cluster keep a copy of what the worker makes.
   *
   * @default {1}
   */
  replicas?: number;
  /** The lifetime: aborting it closes. */
  signal?: AbortSignal;
}

/**
 * Checks what can be checked without a connection.
 *
 * @throws {TypeError} If something has another shape, or the group's name cannot be one.
 * @throws {RangeError} If a number is out of range.
 */
export function checkClusterWorkerOptions(options: ClusterWorkerOptions): void {
  const { nats, group = "workers", concurrency = 1, maxDeliver = 1, ackWaitMs = 1_000 } = options;
  checkObject("make a cluster worker: nats", nats, "publish", "subscribe", "status");
  if (typeof group !== "string" || !/^[A-Za-z0-9_-]+$/.test(group)) {
    refuse("make a cluster worker: group", 'letters, digits, "-" and "_"', group);
  }
  checkNumber("make a cluster worker: concurrency", concurrency, 1);
  checkNumber("make a cluster worker: maxDeliver", maxDeliver, 1);
  checkNumber("make a cluster worker: ackWaitMs", ackWaitMs, 100, MAX_TIMER_MS);
}
