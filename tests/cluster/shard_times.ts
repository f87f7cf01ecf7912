import type { LocalGateway } from "../../lib/testing/mod.ts";

/** How long shards rested, and how long they were live twice, all in milliseconds. */
export interface ShardTimes {
  /** Each time that a shard had no connection with a session, between two that had one. */
  gapsMs: number[];
  /** The longest of them. */
  longestGapMs: number;
  /** The longest time that a shard had two at once. */
  longestTwiceMs: number;
}

/** Reads from the gateway's records when which shard was live, as the gateway saw it: for one set of shards. */
export function shardTimes({ identifies, resumes, closes }: LocalGateway): ShardTimes {
  const ends = new Map(closes.map(({ connectionId, atMs }) => [connectionId, atMs]));
  const begun = [
    ...identifies.filter(({ outcome }) => outcome === "ready").map((record) => ({
      ...record,
      shardId: record.shard[0],
    })),
    ...resumes.filter(({ outcome }) => outcome === "resumed"),
  ].sort((one, other) => one.atMs - other.atMs);
  const lives = Map.groupBy(begun, ({ shardId }) => shardId);
  const gapsMs: number[] = [];
  let longestTwiceMs = 0;
  for (const records of lives.values()) {
    let end: number | null = null;
    for (const { connectionId, atMs: from } of records) {
      const to = ends.get(connectionId) ?? Date.now();
      if (end !== null && end <= from) gapsMs.push(from - end);
      else if (end !== null) longestTwiceMs = Math.max(longestTwiceMs, Math.min(end, to) - from);
      end = Math.max(end ?? 0, to);
    }
  }
  gapsMs.sort((one, other) => one - other);
  return { gapsMs, longestGapMs: gapsMs.at(-1) ?? 0, longestTwiceMs };
}
