/**
 * What of the events that a new set of shards has kept was published by the set before.
 *
 * @module
 */
import { areRelated } from "../hand_over.ts";
import { identityOf } from "../overlap.ts";

/** Dispatches as they were published, to recognise their copies by. */
export class PublishedCopies {
  readonly #counts = new Map<string, number>();

  /** Takes in a dispatch as it was received. */
  add(payload: Uint8Array): void {
    const { key } = identityOf(payload);
    if (key !== null) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Whether a dispatch is a copy of one of them; each of them has one copy. */
  take(payload: Uint8Array): boolean {
    const { key } = identityOf(payload);
    const left = key === null ? 0 : this.#counts.get(key) ?? 0;
    if (key !== null && left > 0) this.#counts.set(key, left - 1);
    return left > 0;
  }
}

/** The shards of an old set that received events of the guilds of a shard in the new one. */
export function predecessorsOf(shardId: number, shardCount: number, oldCount: number): number[] {
  return Array.from({ length: oldCount }, (_, id) => id)
    .filter((id) => areRelated({ shardId, shardCount }, { shardId: id, shardCount: oldCount }));
}
