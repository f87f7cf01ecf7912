import type { Dispatcher } from "./dispatcher.ts";
import type { GatewayEvent } from "./gateway_event.ts";
import type { GatewayEvents, PresenceUpdateData, RawEvents } from "./payload.ts";
import { areRelated, handOver } from "./hand_over.ts";
import { rescale } from "./rescale.ts";
import { closeShard, type Shard } from "./shard.ts";
import type { RescaledData, ShardEvents } from "./shard_events.ts";
import { allShardIds } from "./sharding.ts";

/** What a {@linkcode ShardFleet} gets from its owner. */
export interface FleetOptions {
  /** Makes a shard that is not connected yet. */
  makeShard: (shardId: number, shardCount: number) => Shard;
  /** Where the shards' payloads go. */
  rawDispatcher: Dispatcher<RawEvents>;
  /** Where the shards' dispatches go. */
  eventDispatcher: Dispatcher<GatewayEvents>;
  /** Where what the shards tell about themselves goes. */
  dispatcher: Dispatcher<ShardEvents>;
}

/** What ends a {@linkcode ShardFleet.rescale}. */
export interface FleetRescaleOptions {
  /** Calls it off; without effect once the new shards have taken over. */
  signal: AbortSignal;
  /** The owner's lifetime. */
  lifetime: AbortSignal;
}

interface Inheritance {
  readonly shard: Shard;
  readonly presence: PresenceUpdateData;
}

/** The shards of a manager, and those that are to take over from them. */
export class ShardFleet {
  readonly #options: FleetOptions;
  #shards: ReadonlyMap<number, Shard> = new Map();
  #shardCount: number | null = null;
  #incoming: readonly Shard[] = [];
  /** The presences that shards were made with, as text. */
  readonly #presences = new WeakMap<Shard, string>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** How many shards the bot has in all; `null` before the first start. */
  get shardCount(): number | null {
    return this.#shardCount;
  }

  /** The shards by their ids. */
  get shards(): ReadonlyMap<number, Shard> {
    return this.#shards;
  }

  /** The shards that have a connection. */
  get active(): Shard[] {
    return [...this.#shards.values()].filter(isActive);
  }

  /** The shards that have none, and those that a rescale is bringing up. */
  get pending(): Shard[] {
    return [...[...this.#shards.values()].filter((shard) => !isActive(shard)), ...this.#incoming];
  }

  /** Whether a shard belongs to those that events are expected of. */
  has(shard: Shard): boolean {
    return this.#shards.get(shard.shardId) === shard;
  }

  /**
   * Connects shards; those there were are used again, because their sessions may live on. Resolves when none of them is
   * about to start any more: one that fails tells of it itself, and one that is closed or replaced meanwhile is no concern.
   */
  async start(shardCount: number, shardIds?: readonly number[]): Promise<void> {
    const known = shardCount === this.#shardCount ? this.#shards : new Map<number, Shard>();
    const shards = this.#make(shardCount, shardIds, known);
    this.#use(shardCount, shards);
    for (const shard of shards) this.#attach(shard, true);
    await Promise.allSettled(shards.map((shard) => shard.connect()));
  }

  /** Replaces the shards by others; see {@linkcode rescale}. */
  async rescale(
    shardCount: number,
    shardIds: readonly number[] | undefined,
    options: FleetRescaleOptions,
  ): Promise<RescaledData> {
    const oldShards = [...this.#shards.values()];
    const newShards = this.#incoming = this.#make(shardCount, shardIds, new Map());
    this.#inheritPresence(oldShards, newShards);
    const newIds = newShards.map(({ shardId }) => shardId);
    this.#options.dispatcher.dispatch("rescaling", { shardCount, shardIds: newIds });
    try {
      const counts = await rescale({
        oldShards,
        newShards,
        ...options,
        deliver: (event) => this.#deliver(event),
        attach: (shard, isAttached) => this.#attach(shard, isAttached),
        onSwitch: () => {
          for (const shard of oldShards) shard.dispatcher.parent = null;
          this.#incoming = [];
          this.#use(shardCount, newShards);
          for (const { shard, presence } of this.#inheritPresence(oldShards, newShards)) {
            void shard.presenceUpdate(presence);
          }
        },
        handOver: () => {
          for (const shard of oldShards) handOver(shard, this.#shards);
        },
      });
      return { ...counts, shardCount, shardIds: newIds };
    } finally {
      this.#incoming = [];
    }
  }

  /** Closes the shards, for a reason of their owner's if there is one. */
  async close(cleanup: boolean, reason?: unknown): Promise<void> {
    await Promise.all([...this.#shards.values()].map((shard) => closeShard(shard, cleanup, reason)));
  }

  #make(
    shardCount: number,
    shardIds: readonly number[] = allShardIds(shardCount),
    known: ReadonlyMap<number, Shard>,
  ): Shard[] {
    const ids = shardIds.toSorted((a, b) => a - b);
    return ids.map((id) => {
      const shard = known.get(id) ?? this.#options.makeShard(id, shardCount);
      if (!known.has(id)) this.#presences.set(shard, JSON.stringify(shard.presence));
      return shard;
    });
  }

  /**
   * Gives new shards the presence that their predecessors, the old shards with the same guilds, have been given and agree
   * on. Without one they have the manager's. Returns those that have changed.
   */
  #inheritPresence(oldShards: readonly Shard[], newShards: readonly Shard[]): Inheritance[] {
    const changed: Inheritance[] = [];
    for (const shard of newShards) {
      const predecessors = oldShards.filter((old) => areRelated(old, shard));
      const texts = new Set(predecessors.map(({ presence }) => JSON.stringify(presence)));
      const presence = predecessors[0]?.presence ?? null;
      const [text] = texts;
      if (texts.size !== 1 || presence === null || text === JSON.stringify(shard.presence)) continue;
      if (predecessors.every((old) => this.#presences.get(old) === text)) continue;
      shard.presence = presence;
      changed.push({ shard, presence });
    }
    return changed;
  }

  #use(shardCount: number, shards: readonly Shard[]): void {
    this.#shardCount = shardCount;
    this.#shards = new Map(shards.map((shard) => [shard.shardId, shard]));
    for (const shard of shards) shard.dispatcher.parent = this.#options.dispatcher;
  }

  #attach(shard: Shard, isAttached: boolean): void {
    shard.rawDispatcher.parent = isAttached ? this.#options.rawDispatcher : null;
    shard.eventDispatcher.parent = isAttached ? this.#options.eventDispatcher : null;
  }

  #deliver(event: GatewayEvent): void {
    const { rawDispatcher, eventDispatcher } = this.#options;
    // Raw events are named by an opcode, the others by words.
    (/^\d/.test(event.type) ? rawDispatcher : eventDispatcher).emit(event);
  }
}

function isActive({ phase }: Shard): boolean {
  return phase === "identifying" || phase === "resuming" || phase === "ready";
}
