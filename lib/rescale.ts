import { Arrivals } from "./arrivals.ts";
import { delay } from "./delay.ts";
import type { GatewayEvent } from "./gateway_event.ts";
import { guildsArrived } from "./guild_arrivals.ts";
import { GatewayIntent } from "./intent.ts";
import { Overlap, type OverlapCounts, type ShardSet } from "./overlap.ts";
import { coreOf, type Shard } from "./shard.ts";

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
  /** Lets the new shards send what waits in the old ones. */
  handOver: () => void;
  /** Calls it off; without effect after the switch. */
  signal: AbortSignal;
  /** The manager's lifetime: ends the overlap as well. */
  lifetime: AbortSignal;
}

/** How far apart the two copies of an event may arrive while nothing stands still, in milliseconds. */
const SKEW_MS = 2_000;

/** How often it is looked whether it can go on, in milliseconds. */
const POLL_MS = 500;

/** How often shards are asked whether everything has arrived: a little more often than the skew has to be waited for. */
const ASK_POLLS = SKEW_MS / POLL_MS + 1;

/** How long guilds are waited for, in milliseconds. */
const GUILDS_TIMEOUT_MS = 30_000;

/**
 * How long each of the steps may take, in milliseconds. A silent connection is found within two heartbeats and replayed
 * then; a session whose every RESUME dies is dropped after two minutes.
 */
const STEP_TIMEOUT_MS = 300_000;

/**
 * Brings up a second set of shards beside the first and hands over to it, without losing an event or delivering one
 * twice. That sessions with different shard counts run side by side is what the gateway's documentation suggests for
 * scaling without downtime.
 *
 * A shard that is quiet may be mute, and one that is cut off has events to come. So the switch waits until each new shard
 * has shown that it is at hand, and after that each old one that it has received everything up to then: what comes later
 * is received by both, and held for the new ones. An old shard that lost its session, or does not get there in time, is
 * made up for with what the new ones hold. After the switch the old set stands by until each new shard has shown that
 * it has received what came after it, and is closed then.
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
  const { oldShards, newShards, deliver, attach, onSwitch, handOver, signal, lifetime } = options;
  const switched = Promise.withResolvers<void>();
  const held = newShards.map((shard) => holdBack(shard, switched.promise));
  let hearing: Hearing | null = null;
  try {
    await comeUp(newShards, signal);
    hearing = new Hearing(oldShards, newShards, deliver);
    for (const shard of oldShards) attach(shard, false);
    await untilSwitch(hearing, newShards, oldShards, signal);
    signal.throwIfAborted();
  } catch (error) {
    hearing?.[Symbol.dispose]();
    for (const shard of oldShards) attach(shard, true);
    await closeAll(newShards);
    throw error;
  } finally {
    dispose(held);
    switched.resolve();
  }
  const { overlap } = hearing;
  // First: a listener that what is delivered now reaches, and that closes, closes the new shards.
  onSwitch();
  overlap.switchOver(performance.now());
  hearing.mark();
  try {
    lifetime.throwIfAborted();
    handOver();
    // Answers to what was asked for on an old shard come there.
    await hearing.poll(() => hearing.hasPassed() && !oldShards.some(isAwaiting), lifetime);
    handOver();
    await closeAll(oldShards);
    overlap.closeOld();
    hearing.mark();
    await hearing.poll(() => hearing.hasPassed(), lifetime);
  } finally {
    await closeAll(oldShards);
    hearing[Symbol.dispose]();
    for (const shard of newShards) attach(shard, true);
    overlap.finish();
  }
  return overlap.finish();
}

/** Resolves when the switch can be made. */
async function untilSwitch(
  hearing: Hearing,
  newShards: readonly Shard[],
  oldShards: readonly Shard[],
  signal: AbortSignal,
): Promise<void> {
  const { overlap } = hearing;
  const isNewWell = () => overlap.isJoined && hearing.hasShown(performance.now() - SKEW_MS - POLL_MS);
  const canSwitch = async () => {
    await Promise.all(newShards.filter(({ phase }) => phase === "closed").map((shard) => shard.closed));
    return overlap.canSwitch && isNewWell() && oldShards.every((shard) => isReady(shard) || isOver(shard));
  };
  if (await hearing.poll(canSwitch, signal) || isNewWell()) return;
  throw new DOMException("Cannot rescale: the new shards do not keep their connections", "TimeoutError");
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
class Hearing implements Disposable {
  readonly overlap: Overlap;
  readonly #taps: Disposable[];
  readonly #asked: readonly Arrivals[];
  /** Up to when all has arrived at the new set. */
  #newAt = -Infinity;
  /** Up to when it has to. */
  #markAt = -Infinity;
  readonly #newShards: readonly Shard[];

  constructor(oldShards: readonly Shard[], newShards: readonly Shard[], deliver: (event: GatewayEvent) => void) {
    this.#newShards = newShards;
    const overlap = this.overlap = new Overlap(performance.now(), SKEW_MS, deliver);
    this.#taps = [...oldShards.flatMap(tapper("old", overlap)), ...newShards.flatMap(tapper("new", overlap))];
    this.#asked = [
      new Arrivals(oldShards, {
        skipsSessionless: true,
        onArrived: (at, now) => overlap.advance("old", at, now),
        onLost: (now) => overlap.lose("old", now),
      }),
      new Arrivals(newShards, {
        skipsSessionless: false,
        onArrived: (at, now) => {
          this.#newAt = at;
          overlap.advance("new", at, now);
        },
        onLost: (now) => {
          overlap.lose("new", now);
          this.mark();
        },
      }),
    ];
  }

  /** What comes from now on has to be received by the new set; see {@linkcode hasPassed}. */
  mark(): void {
    this.#markAt = performance.now() + SKEW_MS;
  }

  /** Whether the new set has received everything up to the last mark, and all copies of it, or will receive no more. */
  hasPassed(): boolean {
    return this.hasShown(this.#markAt) || this.#newShards.some(({ phase }) => phase === "closed");
  }

  /** Whether the new set is at work, and has received everything up to then. */
  hasShown(at: number): boolean {
    return this.#newAt >= at && this.#newShards.every(isReady);
  }

  /** Waits until something is so, and asks the shards whether everything has arrived; `false` where it takes too long. */
  async poll(isDone: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + STEP_TIMEOUT_MS;
    for (let polls = 1; performance.now() < until; polls++) {
      await delay(POLL_MS, { signal });
      if (await isDone()) return true;
      if (polls % ASK_POLLS < ASK_POLLS - 1) continue;
      for (const one of this.#asked) one.ask();
    }
    return false;
  }

  [Symbol.dispose](): void {
    dispose([...this.#taps, ...this.#asked]);
  }
}

function tapper(from: ShardSet, overlap: Overlap): (shard: Shard) => Disposable[] {
  return (shard) =>
    [shard.rawDispatcher, shard.eventDispatcher].map((dispatcher) =>
      dispatcher.listenAll((event) => overlap.receive(from, event, performance.now()))
    );
}

function isReady({ phase }: Shard): boolean {
  return phase === "ready";
}

/** Whether a shard has nothing that it could go on with. */
function isOver({ phase, sessionId }: Shard): boolean {
  return phase === "closed" || sessionId === null;
}

function isAwaiting(shard: Shard): boolean {
  return coreOf(shard).requests.isAwaiting;
}

function dispose(all: readonly Disposable[]): void {
  for (const one of all) one[Symbol.dispose]();
}

async function closeAll(shards: readonly Shard[]): Promise<void> {
  await Promise.all(shards.map((shard) => shard.close()));
}
