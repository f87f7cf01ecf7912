/**
 * What of the events that a new set of shards has kept was published by the set before.
 *
 * @module
 */

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

/** Dispatches as they were published, to recognise their copies by: by the event's name and its data. */
export class PublishedCopies {
  readonly #counts = new Map<string, number>();

  /** Takes in a dispatch as it was received. */
  add(payload: Uint8Array): void {
    const key = keyOf(payload);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Whether a dispatch is a copy of one of them; each of them has one copy. */
  take(type: string, payload: Uint8Array): boolean {
    if (OF_ONE_SESSION.has(type)) return false;
    const key = keyOf(payload);
    const left = this.#counts.get(key) ?? 0;
    if (left > 0) this.#counts.set(key, left - 1);
    return left > 0;
  }
}

/** What two receptions of one event have in common: neither the session nor the sequence number. */
function keyOf(payload: Uint8Array): string {
  const { t, d } = JSON.parse(decoder.decode(payload)) as { t: unknown; d: unknown };
  return JSON.stringify([t, d]);
}

/**
 * The shards of an old set that received events of the guilds of a shard in the new one: a guild is on shard `g % n`, so
 * both ids leave the same remainder where both counts are divided.
 */
export function predecessorsOf(shardId: number, shardCount: number, oldCount: number): number[] {
  const divisor = greatestCommonDivisor(shardCount, oldCount);
  return Array.from({ length: oldCount }, (_, id) => id).filter((id) => id % divisor === shardId % divisor);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
