import { GatewayIntent } from "../../mod.ts";
import { LocalGateway } from "../../lib/testing/mod.ts";
import { Attempts } from "./attempts.ts";
import { memoryManager } from "./client.ts";
import { CANARY } from "../canary.ts";
import { Secrecy } from "./secrecy.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual_time.ts";

/** The backoff of an attempt is random within a window of as many seconds at least, and no more than this. */
const CAP_SECONDS = 60;
/** How much each shard of the bot widens the first windows, in seconds. */
const SHARD_SHARE_SECONDS = 0.005;
const MINUTE_MS = 60_000;

/** What came of a mass disconnect. */
export interface MassReport {
  shards: number;
  outageMs: number;
  /** The window that the first attempts are spread over, in seconds. */
  windowSeconds: number;
  /** The most sockets opened in any second. */
  peakPerSecond: number;
  /** The same, compared with an even spread over the first window. */
  peakRatio: number;
  /** How many sockets were opened in all. */
  attempts: number;
  /** The busiest second of the attempts with one number, compared with an even spread over their backoff window. */
  worstRatio: number;
  /** The same for each number, from 1. */
  peaks: number[];
  /** How many requests went to the HTTP API meanwhile, and in its busiest second. */
  requests: number;
  peakRequestsPerSecond: number;
  identifies: number;
  /** How long it took until the last shard was usable again after the outage, in milliseconds. */
  recoveredMs: number;
  problems: readonly string[];
}

/** All shards lose their connections at once, and nothing answers for a while. */
export async function massDisconnect(shards: number, outageMs: number, seed = 1): Promise<MassReport> {
  using time = new VirtualTime(seed);
  const trace = new Trace();
  using secrecy = new Secrecy(trace);
  await using gateway = new LocalGateway({
    token: CANARY,
    shards,
    guilds: 0,
    maxConcurrency: shards,
    sessionStartLimit: { total: shards * 4 },
    seed,
  });
  const attempts = new Attempts();
  const intents = GatewayIntent.Guilds;
  const manager = memoryManager({ gateway, time, secrecy, attempts, intents, compress: "none" });
  const areReady = () => [...manager.shards.values()].every(({ phase }) => phase === "ready");
  await time.complete(manager.connect());
  await time.run(10 * MINUTE_MS, areReady);
  await time.run(MINUTE_MS);

  gateway.clearRecords();
  attempts.reset();
  const byNumber: number[][] = [];
  manager.dispatcher.listen("reconnecting", ({ attempt, delayMs }) => {
    (byNumber[attempt - 1] ??= []).push(Date.now() + delayMs);
  });
  if (outageMs > 0) gateway.stopListening();
  gateway.drop();
  await time.run(outageMs);
  await gateway.startListening();
  const restoredAt = time.elapsedMs;
  await time.run(10 * MINUTE_MS, areReady);
  if (!areReady()) trace.fail("not all shards came back");
  for (const violation of gateway.violations) trace.fail(violation);

  const peaks = byNumber.map(busiestSecond);
  const windowSeconds = windowOf(1, shards);
  const ratios = peaks.map((peak, index) => peak * windowOf(index + 1, shards) / shards);
  const requests = gateway.httpRequests.map(({ atMs }) => atMs);
  const report = {
    shards,
    outageMs,
    windowSeconds,
    peakPerSecond: attempts.peak,
    peakRatio: attempts.peak * windowSeconds / shards,
    attempts: attempts.total,
    worstRatio: Math.max(...ratios),
    peaks,
    requests: requests.length,
    peakRequestsPerSecond: busiestSecond(requests),
    identifies: gateway.identifies.length,
    recoveredMs: time.elapsedMs - restoredAt,
  };
  await time.complete(manager.close());
  return { ...report, problems: trace.problems };
}

/** How long the window of an attempt is, in seconds. */
function windowOf(attempt: number, shards: number): number {
  return Math.min(CAP_SECONDS, Math.max(1, shards * SHARD_SHARE_SECONDS, 2 ** (attempt - 1)));
}

function busiestSecond(times: number[]): number {
  const attempts = new Attempts();
  for (const atMs of times.toSorted((a, b) => a - b)) attempts.add(atMs);
  return attempts.peak;
}
