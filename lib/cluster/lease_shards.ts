import { abortable } from "../abortable.ts";
import { guildsArrived } from "../guild_arrivals.ts";
import { GatewayIntent } from "../intent.ts";
import type { Shard } from "../shard.ts";

/** How long guilds are waited for once a shard is ready, in milliseconds: some never come. */
const GUILDS_TIMEOUT_MS = 30_000;

/** The shards of one lease. */
export class LeaseShards {
  readonly #signal: AbortSignal;
  readonly #shards = new Map<number, Shard>();
  /** When the guilds of each shard have come. */
  readonly #guilds: Promise<void>[] = [];

  /** Makes an empty set; the signal ends what is waited for. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** By their ids. */
  get byId(): ReadonlyMap<number, Shard> {
    return this.#shards;
  }

  /** Whether all are usable. */
  get areReady(): boolean {
    return this.#all(({ phase }) => phase === "ready");
  }

  /** Whether they can go to another node: one that is about to begin a session would begin another one there. */
  get areMovable(): boolean {
    return this.#all(({ phase, session }) => session !== null || (phase !== "connecting" && phase !== "identifying"));
  }

  /** Adds one that is not connected yet. */
  add(shard: Shard): void {
    this.#shards.set(shard.shardId, shard);
  }

  /** Has {@linkcode warm} wait for the guilds of one that is not connected yet. */
  awaitGuilds(shard: Shard): void {
    const hasGuilds = (shard.intents & GatewayIntent.Guilds) !== 0;
    const arrived = guildsArrived(shard, { timeoutMs: hasGuilds ? GUILDS_TIMEOUT_MS : 0, signal: this.#signal });
    arrived.catch(() => {});
    this.#guilds.push(arrived);
  }

  /** Resolves when all are usable and have their guilds. */
  async warm(): Promise<void> {
    await abortable(Promise.all(this.#guilds), this.#signal);
    await this.until(() => this.areReady);
  }

  /** Resolves when something holds, which is looked at whenever one of them does something else. */
  async until(check: () => boolean): Promise<void> {
    if (check()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const listening = new AbortController();
    const look = () => {
      if (check()) resolve();
    };
    for (const { dispatcher } of this.#shards.values()) dispatcher.listen("phase", look, { signal: listening.signal });
    try {
      await abortable(promise, this.#signal);
    } finally {
      listening.abort();
    }
  }

  /** Closes all; with `cleanup` their sessions end. */
  async close(cleanup: boolean): Promise<void> {
    await Promise.all(Array.from(this.#shards.values(), (shard) => shard.close({ cleanup })));
  }

  #all(check: (shard: Shard) => boolean): boolean {
    return Array.from(this.#shards.values()).every(check);
  }
}
