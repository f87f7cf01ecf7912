import { parsePayload, scanDispatch } from "./envelope.ts";
import type { GatewayEvent } from "./gateway_event.ts";
import { GatewayOpcode } from "./opcode.ts";

/** Which set of shards an event came from. */
export type ShardSet = "old" | "new";

/** How many events were matched, and how many could not be. */
export interface OverlapCounts {
  /** Events that both sets received and that were delivered once. */
  matched: number;
  /** Events that only one set received. They were delivered as well. */
  unmatched: number;
}

interface Sighting {
  readonly from: ShardSet;
  readonly event: GatewayEvent;
  readonly at: number;
  readonly isDelivered: boolean;
  /** Whether the copy cannot have come before both sets were heard. */
  readonly isCertain: boolean;
}

/** Tell of one session, which nobody else needs to know of. */
const OF_ONE_SESSION: ReadonlySet<string> = new Set(["READY", "RESUMED"]);

/** Answers to what was sent on one session: there is no second copy, and somebody waits for them. */
const ANSWERS: ReadonlySet<string> = new Set([
  "RATE_LIMITED",
  "GUILD_MEMBERS_CHUNK",
  "SOUNDBOARD_SOUNDS",
  "CHANNEL_INFO",
]);

const decoder = new TextDecoder();

/**
 * Hands delivery over from one set of shards to another, both of which receive every event, in sessions that know
 * nothing of each other. A copy is recognised by the event's name and its data as received.
 *
 * The old set delivers, and what the new one receives is held, until the switch; from then on whichever is first
 * delivers, and soon the new set only. Whatever comes in a second time is dropped.
 *
 * Copies arrive up to `skewMs` apart, or as much later as a connection stands still or is replayed. So nothing follows
 * from time alone: an event has no copy once the *other set has shown* that all up to `skewMs` after it has arrived
 * there ({@linkcode advance}). What nobody has delivered is delivered then.
 */
export class Overlap {
  readonly #skewMs: number;
  readonly #deliver: (event: GatewayEvent) => void;
  /** What was seen once, by what it is recognised by. */
  readonly #sightings = new Map<string, Sighting[]>();
  /** Up to when all has arrived at a set. */
  readonly #arrived: Record<ShardSet, number> = { old: -Infinity, new: -Infinity };
  /** Where the new set has to be for what it receives next to have happened while the old one was heard. */
  #joinAt: number;
  #joinedAt = Infinity;
  #switchedAt = Infinity;
  #isOldWhole = true;
  #matched = 0;
  #unmatched = 0;

  /** Both sets are heard from the time `now` on, in milliseconds, as all times are. */
  constructor(now: number, skewMs: number, deliver: (event: GatewayEvent) => void) {
    this.#joinAt = now + skewMs;
    this.#skewMs = skewMs;
    this.#deliver = deliver;
  }

  /** Whether at the switch each event would have been received by a set that is heard, and none be lost. */
  get canSwitch(): boolean {
    return this.#arrived.old >= this.#joinedAt + this.#skewMs;
  }

  /** Whether that is so without the old set: what it has not delivered by now is lost. */
  get isJoined(): boolean {
    return this.#joinedAt < Infinity;
  }

  /** A session of a set was lost, and with it what it would have received. */
  lose(set: ShardSet, now: number): void {
    if (set === "old") this.#isOldWhole = false;
    // A new session begins with its guilds, which are no news.
    else [this.#joinAt, this.#joinedAt] = [now + 2 * this.#skewMs, Infinity];
  }

  /** The new set takes over. */
  switchOver(now: number): void {
    // Where the old set is not waited for any longer.
    if (!this.canSwitch) this.#isOldWhole = false;
    this.#switchedAt = now;
    this.#settle();
  }

  /** A set has shown, at the time `now`, that all up to the time `at` has arrived there. */
  advance(set: ShardSet, at: number, now: number): void {
    if (set === "new" && at >= this.#joinAt) this.#joinedAt = Math.min(this.#joinedAt, now);
    this.#arrived[set] = Math.max(this.#arrived[set], at);
    this.#settle();
  }

  /** Takes in an event at the time `now`. */
  receive(from: ShardSet, event: GatewayEvent, now: number): void {
    const isDelivered = from === "old" ? now < this.#switchedAt + this.#skewMs : now >= this.#switchedAt;
    const { t, key: identity } = identityOf(event.payload);
    if (identity === null) {
      if (isDelivered || (from === "old" && ANSWERS.has(t ?? ""))) this.#deliver(event);
      return;
    }
    const key = `${event.type} ${identity}`;
    const sightings = this.#sightings.get(key) ?? [];
    // What looks the same, and whose own copy is known to be missing, has happened before.
    const twin = sightings.findIndex((sighting) => sighting.from !== from && !this.#isLone(sighting));
    if (twin < 0) {
      const isCertain = from === "old" ? this.canSwitch : this.isJoined;
      if (from === "old" || this.#arrived.old < Infinity) {
        sightings.push({ from, event, at: now, isDelivered, isCertain });
        this.#sightings.set(key, sightings);
      }
      if (isDelivered) this.#deliver(event);
      return;
    }
    const [sighting] = sightings.splice(twin, 1);
    if (sightings.length === 0) this.#sightings.delete(key);
    if (isNamed(event)) this.#matched++;
    if (!sighting?.isDelivered) this.#deliver(event);
  }

  /** The old set has been closed: what it has not delivered comes from the new one. */
  closeOld(): void {
    this.#finish("new");
    this.#arrived.old = Infinity;
  }

  /** Delivers what nobody has, and counts. */
  finish(): OverlapCounts {
    this.#finish("new");
    this.#finish("old");
    return { matched: this.#matched, unmatched: this.#unmatched };
  }

  /** Whether the other set has gone on, and had no copy. */
  #isLone({ from, at }: Sighting): boolean {
    return at + this.#skewMs <= this.#arrived[from === "old" ? "new" : "old"];
  }

  #settle(): void {
    this.#remove((sighting) => {
      if (!this.#isLone(sighting)) return false;
      const { from, isCertain } = sighting;
      // Until the switch a rescale may be called off: then it is as if the new set had never been.
      if (from === "new" && this.#switchedAt === Infinity) return !isCertain && this.#isOldWhole;
      this.#resolve(sighting, isCertain);
      return true;
    });
  }

  /** What is at an edge, and delivered, may have a copy outside. */
  #finish(set: ShardSet): void {
    this.#remove((sighting) => {
      if (sighting.from !== set) return false;
      this.#resolve(sighting, false);
      return true;
    });
  }

  #resolve({ from, event, isDelivered, isCertain }: Sighting, counts: boolean): void {
    // The old set had it before it was heard, unless it has lost something.
    if (from === "new" && !isDelivered && !isCertain && this.#isOldWhole) return;
    if (!isDelivered) this.#deliver(event);
    if (isNamed(event) && (counts || !isDelivered)) this.#unmatched++;
  }

  #remove(isDone: (sighting: Sighting) => boolean): void {
    for (const [key, sightings] of this.#sightings) {
      const left = sightings.filter((sighting) => !isDone(sighting));
      if (left.length === 0) this.#sightings.delete(key);
      else this.#sightings.set(key, left);
    }
  }
}

/** The raw payload of a dispatch comes besides its event, and is not counted again. */
function isNamed(event: GatewayEvent): boolean {
  return event.type !== String(GatewayOpcode.Dispatch);
}

/** What a copy has in common with its event: the name, and the data as received. The key is `null` where none comes. */
export function identityOf(payload: Uint8Array): { t: string | null; key: string | null } {
  const text = decoder.decode(payload);
  const dispatch = scanDispatch(text);
  const { t = null, d } = dispatch === null ? parsePayload(text) ?? {} : { t: dispatch.t };
  if (t === null || OF_ONE_SESSION.has(t) || ANSWERS.has(t)) return { t, key: null };
  const data = dispatch === null ? JSON.stringify(d) : text.slice(text.indexOf('"d":') + 4, -1);
  return { t, key: `${t} ${data}` };
}
