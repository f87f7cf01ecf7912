import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";

/** What is in the streams of a cluster, compared with what was sent. */
export interface StreamReport {
  /** Messages of the flow that are in a stream, each counted once. */
  inStream: number;
  /** Messages of the flow that are there more often than once. */
  doubled: number;
  /** Messages that are there before one of the same session, or of the same guild, that was sent earlier. */
  outOfOrder: number;
  /** Dispatches of every kind that are there under a message id that is there already. */
  repeatedIds: number;
  /** From when a message was sent until it was in a stream. */
  toStreamMs: Spread;
  /** The numbers that are missing. */
  missing: number[];
}

/** How long something took, in milliseconds: half of them, all but one in a hundred, and the one that took longest. */
export interface Spread {
  median: number;
  p99: number;
  longest: number;
}

const decoder = new TextDecoder();

/** Reads every stream of an application from its beginning. */
export async function checkStreams(nats: NatsConnection, app: string, sent: number): Promise<StreamReport> {
  const manager = await jetstreamManager(nats);
  const seen = new Map<number, number>();
  const ids = new Set<string>();
  const latencies: number[] = [];
  let outOfOrder = 0;
  let repeatedIds = 0;
  for await (const stream of manager.streams.names(`gangway.${app}.events.*.*`)) {
    const newest = new Map<string, number>();
    const isNewest = (of: string, number: number) => {
      const isSo = number >= (newest.get(of) ?? 0);
      newest.set(of, number);
      return isSo;
    };
    const { state } = await manager.streams.info(stream);
    const consumer = await jetstream(nats).consumers.get(stream);
    for (let left = state.messages; left > 0;) {
      for await (
        const { subject, data, headers, info } of await consumer.fetch({
          max_messages: Math.min(2_000, left),
          expires: 2_000,
        })
      ) {
        left--;
        const id = headers?.get("Nats-Msg-Id") ?? "";
        if (ids.has(id)) repeatedIds++;
        ids.add(id);
        if (subject.split(".")[3] !== "MESSAGE_CREATE") continue;
        const text = decoder.decode(data);
        const content = /"content":"(\d+) (\d+) /.exec(text);
        const number = Number(content?.[1]);
        seen.set(number, (seen.get(number) ?? 0) + 1);
        const inSession = isNewest(`session ${id.split(":")[0]}`, number);
        const inGuild = isNewest(`guild ${/"guild_id":"(\d+)"/.exec(text)?.[1]}`, number);
        if (!inSession || !inGuild) outOfOrder++;
        latencies.push(info.timestampNanos / 1_000_000 - Number(content?.[2]));
      }
    }
  }
  const missing: number[] = [];
  for (let number = 1; number <= sent; number++) if (!seen.has(number)) missing.push(number);
  return {
    inStream: seen.size,
    doubled: [...seen.values()].filter((count) => count > 1).length,
    outOfOrder,
    repeatedIds,
    toStreamMs: spreadOf(latencies),
    missing,
  };
}

/** Sums up. */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part: number) => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
  return { median: at(0.5), p99: at(0.99), longest: at(1) };
}
