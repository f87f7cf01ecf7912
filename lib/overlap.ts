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
}

/** Events that answer one session only: there is no second copy. */
const OF_ONE_SESSION: ReadonlySet<string> = new Set([
  "READY",
  "RESUMED",
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
 * Either set may be ahead by up to `skewMs`. Counted from the switch at 0: the old set delivers until `skewMs` and
 * is heard until `2 × skewMs`; the new one delivers from 0. Whatever comes in a second time is dropped, and what nobody
 * has delivered in the end is delivered then, but for what the new one received before `-skewMs`: the old one had it.
 */
export class Overlap {
  readonly #switchAt: number;
  readonly #skewMs: number;
  readonly #deliver: (event: GatewayEvent) => void;
  /** What was seen once, by what it is recognised by. */
  readonly #sightings = new Map<string, Sighting[]>();
  #matched = 0;

  /** `switchAt` is the time of the switch, in milliseconds; both sets have to be heard from `2 × skewMs` before on. */
  constructor(switchAt: number, skewMs: number, deliver: (event: GatewayEvent) => void) {
    this.#switchAt = switchAt;
    this.#skewMs = skewMs;
    this.#deliver = deliver;
  }

  /**
   * Takes in an event at the time `now`, in milliseconds. One that is replayed, because its shard resumes, may come any
   * time after its copy.
   */
  receive(from: ShardSet, event: GatewayEvent, now: number, isReplayed: boolean = false): void {
    const at = now - this.#switchAt;
    const isDelivered = from === "old" ? at < this.#skewMs : at >= 0;
    const key = keyOf(event);
    if (key === null) {
      if (isDelivered) this.#deliver(event);
      return;
    }
    const sightings = this.#sightings.get(key) ?? [];
    // What looks the same and comes too late to be the copy has happened again.
    const twin = sightings.findIndex((sighting) =>
      sighting.from !== from && (isReplayed || at - sighting.at <= this.#skewMs)
    );
    if (twin >= 0) {
      const [sighting] = sightings.splice(twin, 1);
      if (sightings.length === 0) this.#sightings.delete(key);
      if (isNamed(event)) this.#matched++;
      if (!sighting?.isDelivered) this.#deliver(event);
      return;
    }
    sightings.push({ from, event, at, isDelivered });
    this.#sightings.set(key, sightings);
    if (isDelivered) this.#deliver(event);
  }

  /** Delivers what nobody has, and counts. Events at the edges, whose copy may have come outside, do not count. */
  finish(): OverlapCounts {
    let unmatched = 0;
    for (const { from, event, at, isDelivered } of [...this.#sightings.values()].flat()) {
      if (from === "new" && at < -this.#skewMs) continue;
      if (!isDelivered) this.#deliver(event);
      if (isNamed(event) && (!isDelivered || (at >= 0 && at < this.#skewMs))) unmatched++;
    }
    this.#sightings.clear();
    return { matched: this.#matched, unmatched };
  }
}

/** The raw payload of a dispatch comes besides its event, and is not counted again. */
function isNamed(event: GatewayEvent): boolean {
  return event.type !== String(GatewayOpcode.Dispatch);
}

/** What a copy has in common with its event: the names, and the data as received. `null` for what has no copy. */
function keyOf({ type, payload }: GatewayEvent): string | null {
  const text = decoder.decode(payload);
  const dispatch = scanDispatch(text);
  if (dispatch !== null) {
    return OF_ONE_SESSION.has(dispatch.t) ? null : `${type} ${dispatch.t} ${text.slice(text.indexOf('"d":') + 4, -1)}`;
  }
  const { t = null, d } = parsePayload(text) ?? {};
  return t === null || OF_ONE_SESSION.has(t) ? null : `${type} ${t} ${JSON.stringify(d)}`;
}
