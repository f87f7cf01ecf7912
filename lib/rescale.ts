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
  /** The manager's lifetime: ends the overlap as well. */
  lifetime: AbortSignal;
}

/** How far apart the two copies of an event may arrive, in milliseconds. */
const SKEW_MS = 2_000;

/** How long guilds are waited for, in milliseconds. */
const GUILDS_TIMEOUT_MS = 30_000;

/** How long the old set stands by for a new one that loses connections after the switch, in milliseconds. */
const STAND_BY_MS = 60_000;

/** How long the new set is given, once it has been ready, to stay usable until the switch, in milliseconds. */
const SWITCH_TIMEOUT_MS = 300_000;

/**
 * Brings up a second set of shards beside the first and hands over to it, without losing an event or delivering one
 * twice. That sessions with different shard counts run side by side is what the gateway's documentation suggests for
 * scaling without downtime.
 *
 * If it fails or is called off before the switch, the new shards are closed and the old ones go on as before. So it is,
 * with a `TimeoutError`, where new shards that have been ready lose their connections again and again for five minutes.
 *
 * Up to the switch a session store has the new sessions as of their beginning: it is the old shards' listeners that
 * handle events, and after a crash they all come again.
 *
 * @see {@link https://discord.com/developers/docs/events/gateway#sharding}
 */
export async function rescale(options: RescaleOptions): Promise<OverlapCounts> {
  const { oldShards, newShards, attach, onSwitch, signal, lifetime } = options;
  const switched = Promise.withResolvers<void>();
  const held = newShards.map((shard) => holdBack(shard, switched.promise));
  let hearing: Hearing;
  try {
    await comeUp(newShards, signal);
    hearing = await hearBoth(options);
  } catch (error) {
    await closeAll(newShards);
    throw error;
  } finally {
    dispose(held);
    switched.resolve();
  }
  onSwitch();
  let counts: OverlapCounts;
  try {
    await settle(newShards, 2 * SKEW_MS, lifetime);
    await closeAll(oldShards);
    await settle(newShards, SKEW_MS, lifetime);
  } finally {
    await closeAll(oldShards);
    dispose(hearing.taps);
    for (const shard of newShards) attach(shard, true);
    counts = hearing.overlap.finish();
  }
  return counts;
}

/** Keeps a shard's events from counting as handled. One of each session will do: no later one counts before it. */
function holdBack({ eventDispatcher }: Shard, until: Promise<void>): Disposable {
  let held: string | null = null;
  return eventDispatcher.listenAll(({ type, sessionId }) => {
    if (type === "READY" || sessionId === held) return;
    held = sessionId;
    return until;
  });
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

/** Both sets are listened to, and an overlap decides who delivers. */
interface Hearing {
  readonly overlap: Overlap;
  readonly taps: readonly Disposable[];
}

/** Listens to both sets; resolves at the switch, up to which the new one has been usable without a break. */
async function hearBoth({ oldShards, newShards, deliver, attach, signal }: RescaleOptions): Promise<Hearing> {
  const until = performance.now() + SWITCH_TIMEOUT_MS;
  while (performance.now() < until) {
    const overlap = new Overlap(performance.now() + 2 * SKEW_MS, SKEW_MS, deliver);
    const taps = [...oldShards.flatMap(tapper("old", overlap)), ...newShards.flatMap(tapper("new", overlap))];
    for (const shard of oldShards) attach(shard, false);
    let isUsable = false;
    try {
      isUsable = await stayUsable(newShards, 2 * SKEW_MS, signal);
    } finally {
      if (!isUsable) {
        dispose(taps);
        for (const shard of oldShards) attach(shard, true);
      }
    }
    if (isUsable) return { overlap, taps };
    // Whatever a shard has to replay after a break was delivered by the old set before the overlap began.
    await Promise.all(newShards.filter(({ phase }) => phase === "closed").map((shard) => shard.closed));
  }
  throw new DOMException("Cannot rescale: the new shards do not keep their connections", "TimeoutError");
}

/** Waits, and tells whether all shards have been usable from the beginning to the end. */
async function stayUsable(shards: readonly Shard[], ms: number, signal: AbortSignal): Promise<boolean> {
  const before = shards.map((shard) => shard.phase === "ready" ? shard.ready : null);
  await delay(ms, { signal });
  return shards.every((shard, index) => shard.ready === before[index]);
}

/**
 * Waits until the shards have been usable for a while: what one of them missed meanwhile is replayed by then, or else
 * the old set has it.
 */
async function settle(shards: readonly Shard[], ms: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + STAND_BY_MS;
  while (!await stayUsable(shards, ms, signal)) {
    if (performance.now() >= until || shards.some(({ phase }) => phase === "closed")) return;
  }
}

function tapper(from: ShardSet, overlap: Overlap): (shard: Shard) => Disposable[] {
  return (shard) =>
    [shard.rawDispatcher, shard.eventDispatcher].map((dispatcher) =>
      dispatcher.listenAll((event) => overlap.receive(from, event, performance.now(), shard.phase === "resuming"))
    );
}

function dispose(taps: readonly Disposable[]): void {
  for (const tap of taps) tap[Symbol.dispose]();
}

async function closeAll(shards: readonly Shard[]): Promise<void> {
  await Promise.all(shards.map((shard) => shard.close()));
}
