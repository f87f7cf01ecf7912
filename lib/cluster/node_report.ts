import type { Shard } from "../shard.ts";
import type { ShardPhase } from "../shard_events.ts";
import type { HeldLease } from "./lease_keeper.ts";
import type { NatsConnection } from "./nats.ts";

/** A shard that is not usable, and what it does instead. */
export interface ShardReport {
  /** The shard. */
  shardId: number;
  /** What it is doing. */
  phase: ShardPhase;
}

/** What a node says of a lease that it owns. */
export interface LeaseReport {
  /** The lease's key on the board. */
  key: string;
  /** How long the node has had it, in milliseconds. */
  ageMs: number;
  /** How many events are not in the stream yet. */
  pending: number;
  /** The shards that are not usable. */
  notReady: ShardReport[];
}

/** What a node says of itself. What it does not say is not known to anybody else. */
export interface NodeReport {
  /** The node's id. */
  id: string;
  /** How long it may still rely on what it owns, if it does not renew, in milliseconds. */
  leaseLeftMs: number;
  /** What it owns. */
  leases: LeaseReport[];
}

/** Options of {@linkcode serveReports}. */
export interface ReportServerOptions {
  /** The connection. */
  nats: NatsConnection;
  /** Where nodes are asked. */
  subject: string;
  /** Makes the report. */
  report: () => NodeReport;
  /** Ends it. */
  signal: AbortSignal;
}

/** How long nodes are waited for, in milliseconds. */
const ANSWER_MS = 1_000;

/** Tells whoever asks how this node is. */
export function serveReports({ nats, subject, report, signal }: ReportServerOptions): void {
  const subscription = nats.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null || message.reply === undefined) return;
      try {
        message.respond(JSON.stringify(report()));
      } catch {
        // Where the connection is closed there is nobody to answer.
      }
    },
  });
  signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
}

/** Asks the nodes, and resolves with what those said that answered in time. */
export async function askReports(
  nats: NatsConnection,
  subject: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, NodeReport>> {
  const reports = new Map<string, NodeReport>();
  if (ids.size === 0) return reports;
  try {
    const answers = await nats.requestMany(subject, "", {
      strategy: "count",
      maxMessages: ids.size,
      maxWait: ANSWER_MS,
    });
    for await (const message of answers) {
      const report = message.json<NodeReport>();
      if (ids.has(report.id)) reports.set(report.id, report);
    }
  } catch {
    // Nobody is there to answer: then nothing is known.
  }
  return reports;
}

/** Reports a lease. */
export function leaseReport({ place, runner, heldSince }: HeldLease): LeaseReport {
  return {
    key: place.key,
    ageMs: Math.round(performance.now() - heldSince),
    pending: runner.pending,
    notReady: place.shardIds.flatMap((shardId) => notReady(shardId, runner.shards.get(shardId)) ?? []),
  };
}

function notReady(shardId: number, shard: Shard | undefined): ShardReport | null {
  const phase = shard?.phase ?? "idle";
  return phase === "ready" ? null : { shardId, phase };
}
