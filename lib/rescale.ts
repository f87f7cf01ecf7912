import { delay } from "./delay.ts";
import type { GatewayEvent } from "./gateway_event.ts";
import { guildsArrived } from "./guild_arrivals.ts";
import { GatewayIntent } from "./intent.ts";
import { Overlap, type OverlapCounts, type ShardSet } from "./overlap.ts";
import type { Shard } from "./shard.ts";

/** What a {@linkcode rescale} works on. */
export interface RescaleOptions {
  /** The shards that run. */
  oldShards: readonly Shard[];
  /** Those that are to take over: not connected yet, and without parents. */
  newShards: readonly Shard[];
  /** Hands an event of any shard to the manager's listeners. */
  deliver: (event: GatewayEvent) => void;
  /** Lets a shard's events reach the manager by themselves, or not. */
  attach: (shard: Shard, isAttached: boolean) => void;
  /** The new shards are the manager's from here on. */
  onSwitch: () => void;
  /** Calls it off; without effect after the switch. */
  signal: AbortSignal;
}

/** How far apart the two copies of an event may arrive, in milliseconds. */
const SKEW_MS = 2_000;

/** How long guilds are waited for, in milliseconds. */
const GUILDS_TIMEOUT_MS = 30_000;

/**
 * Brings up a second set of shards beside the first and hands over to it, without losing an event or delivering one
 * twice. That sessions with different shard counts run side by side is what the gateway's documentation suggests for
 * scaling without downtime.
 *
 * If it fails or is called off before the switch, the new shards are closed and the old ones go on as before.
 *
 * @see {@link https://discord.com/developers/docs/events/gateway#sharding}
 */
export async function rescale(options: RescaleOptions): Promise<OverlapCounts> {
  const { oldShards, newShards, deliver, attach, onSwitch, signal } = options;
  const taps: Disposable[] = [];
  let overlap: Overlap;
  try {
    await comeUp(newShards, signal);
    overlap = new Overlap(performance.now() + 2 * SKEW_MS, SKEW_MS, deliver);
    for (const shard of oldShards) {
      attach(shard, false);
      taps.push(...tap(shard, "old", overlap));
    }
    for (const shard of newShards) taps.push(...tap(shard, "new", overlap));
    await delay(2 * SKEW_MS, { signal });
  } catch (error) {
    dispose(taps);
    for (const shard of oldShards) attach(shard, true);
    await Promise.all(newShards.map((shard) => shard.close()));
    throw error;
  }
  onSwitch();
  await delay(2 * SKEW_MS);
  await Promise.all(oldShards.map((shard) => shard.close()));
  await delay(SKEW_MS);
  dispose(taps);
  for (const shard of newShards) attach(shard, true);
  return overlap.finish();
}

/** Connects the shards; resolves when all are ready and have their guilds. */
async function comeUp(shards: readonly Shard[], signal: AbortSignal): Promise<void> {
  // What is still waited for when one of them has failed.
  const waiting = new AbortController();
  const abort = () => waiting.abort(signal.reason);
  signal.addEventListener("abort", abort, { signal: waiting.signal });
  try {
    signal.throwIfAborted();
    await Promise.all(shards.map(async (shard) => {
      const hasGuilds = (shard.intents & GatewayIntent.Guilds) !== 0;
      const arrived = guildsArrived(shard, { timeoutMs: hasGuilds ? GUILDS_TIMEOUT_MS : 0, signal: waiting.signal });
      await Promise.all([arrived, shard.connect()]);
    }));
  } finally {
    waiting.abort();
  }
}

function tap(shard: Shard, from: ShardSet, overlap: Overlap): Disposable[] {
  return [shard.rawDispatcher, shard.eventDispatcher].map((dispatcher) =>
    dispatcher.listenAll((event) => overlap.receive(from, event, performance.now()))
  );
}

function dispose(taps: readonly Disposable[]): void {
  for (const tap of taps) tap[Symbol.dispose]();
}
