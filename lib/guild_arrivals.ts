import { onAbort } from "./abortable.ts";
import type { Shard } from "./shard.ts";

/** Options of {@linkcode guildsArrived}. */
export interface GuildArrivalsOptions {
  /** How long to wait for guilds once the shard is ready, in milliseconds: some never come. */
  timeoutMs: number;
  /** Ends the wait. */
  signal: AbortSignal;
}

/**
 * Resolves when a shard, not connected yet, is ready and each guild that READY named has come or is known to be in an
 * outage. "No event marks that all guilds were delivered", hence the time limit. A session that was begun elsewhere has
 * had its guilds, or has them in the replay.
 */
export async function guildsArrived(shard: Shard, options: GuildArrivalsOptions): Promise<void> {
  const { timeoutMs, signal } = options;
  const missing = new Set<string>();
  let hasBegun = false;
  const arrived = Promise.withResolvers<void>();
  const listening = new AbortController();
  const { eventDispatcher } = shard;
  function arrive(guild: { id: string }): void {
    missing.delete(guild.id);
    if (missing.size === 0) arrived.resolve();
  }
  eventDispatcher.listen("READY", ({ guilds }) => {
    hasBegun = true;
    missing.clear();
    for (const { id } of guilds ?? []) missing.add(id);
    if (missing.size === 0) arrived.resolve();
  }, { signal: listening.signal });
  eventDispatcher.listen("GUILD_CREATE", arrive, { signal: listening.signal });
  eventDispatcher.listen("GUILD_DELETE", arrive, { signal: listening.signal });
  eventDispatcher.listen("RESUMED", () => {
    if (!hasBegun) arrived.resolve();
  }, { signal: listening.signal });
  onAbort(signal, arrived.reject, listening.signal);
  arrived.promise.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await Promise.race([shard.ready, shard.closed, arrived.promise]);
    timer = setTimeout(arrived.resolve, timeoutMs);
    await Promise.race([shard.closed, arrived.promise]);
  } finally {
    clearTimeout(timer);
    listening.abort();
  }
}
