import { abortable } from "../abortable.ts";
import type { Shard } from "../shard.ts";

/** Resolves when something holds, which is looked at whenever one of some shards does something else. */
export async function whenShards(shards: Iterable<Shard>, check: () => boolean, signal: AbortSignal): Promise<void> {
  if (check()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const listening = new AbortController();
  const look = () => {
    if (check()) resolve();
  };
  for (const { dispatcher } of shards) dispatcher.listen("phase", look, { signal: listening.signal });
  try {
    await abortable(promise, signal);
  } finally {
    listening.abort();
  }
}
