import { attempt } from "./attempt.ts";
import type { BotAuthentication } from "./authentication.ts";
import { printUnheard } from "./critical.ts";
import { Dispatcher } from "./dispatcher.ts";
import { InvalidShardCountError } from "./errors.ts";
import type { HTTPClient } from "./http_client.ts";
import { IdentifyQueue } from "./identify_queue.ts";
import { Latch } from "./latch.ts";
import { listenerErrorTo } from "./listener_error.ts";
import type { GatewayBotInfo, GatewayEvents, PresenceUpdateData, RawEvents } from "./payload.ts";
import { interceptCritical, Shard } from "./shard.ts";
import type { ShardEvents } from "./shard_events.ts";
import { type FleetRescaleOptions, ShardFleet } from "./shard_fleet.ts";
import {
  checkManagerOptions,
  checkShardIds,
  type RescaleShardsOptions,
  type ShardManagerOptions,
} from "./shard_manager_options.ts";
import type { CloseOptions } from "./shard_options.ts";
import { allShardIds, shardIdOf } from "./sharding.ts";
import type { IdentifyRateLimiter } from "./times_per.ts";

/**
 * Runs all shards of a bot, or some of them: finds out how many there should be, lets them identify in turn, and
 * gathers their events. An event reaches a shard's listeners, then the manager's.
 *
 * @example Every shard that the gateway recommends
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start({ shards: 2, maxConcurrency: 2 });
 * const authentication = new BotAuthentication(discord.token);
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 *
 * await using manager = new ShardManager(authentication, GatewayIntent.Guilds, httpClient);
 * await manager.connect();
 * await Promise.all([...manager.shards.values()].map((shard) => shard.ready));
 * assertEquals(manager.shardIds, [0, 1]);
 * ```
 */
export class ShardManager implements AsyncDisposable {
  readonly #authentication: BotAuthentication;
  readonly #httpClient: HTTPClient;
  readonly #options: ShardManagerOptions;
  readonly #limiter: IdentifyRateLimiter;
  readonly #closed = new Latch();
  readonly #fleet: ShardFleet;
  #maxConcurrency: number | null = null;
  /** From `connect()` to the end. */
  #lifetime: AbortController | null = null;
  /** The end of the rescale that is under way. */
  #rescaled: Promise<void> | null = null;
  /** Why the manager ends, where that is a critical error. */
  #failure: Error | null = null;
  /** Shards that cannot go on because of the shard count. */
  readonly #refused = new WeakMap<Shard, InvalidShardCountError>();
  /** Another shard count is being looked for because of them. */
  #following: Promise<void> | null = null;
  #isClosedObserved = false;

  /** The intents the shards identify with. */
  readonly intents: number;
  /** The presence that shards start with. */
  presence: PresenceUpdateData | null;
  /** Every payload received, under its opcode as text. */
  readonly rawDispatcher: Dispatcher<RawEvents>;
  /** Every dispatch received, under its event's name. */
  readonly eventDispatcher: Dispatcher<GatewayEvents>;
  /** What the shards and the manager tell about themselves; `event.shardId` says which shard. */
  readonly dispatcher: Dispatcher<ShardEvents>;

  /**
   * Makes a manager that is not connected yet.
   *
   * @param authentication The bot's token.
   * @param intents Which events to receive: values of {@linkcode GatewayIntent}, joined with `|`.
   * @param httpClient Asks for the gateway and opens the sockets.
   * @throws {TypeError} If shard ids are given without a count, or this runtime cannot inflate the format asked for.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(
    authentication: BotAuthentication,
    intents: number,
    httpClient: HTTPClient,
    options: ShardManagerOptions = {},
  ) {
    checkManagerOptions(intents, options);
    const { identifyReserve = 0, presence = null } = options;
    this.#authentication = authentication;
    this.#httpClient = httpClient;
    this.#options = options;
    this.intents = intents;
    this.presence = presence;
    this.dispatcher = new Dispatcher({ onListenerError: (error, event) => report(error, event) });
    const report = listenerErrorTo(this.dispatcher);
    this.rawDispatcher = new Dispatcher({ onListenerError: report });
    this.eventDispatcher = new Dispatcher({ onListenerError: report });
    this.#limiter = options.identifyRateLimiter ?? new IdentifyQueue({
      reserve: identifyReserve,
      onLimited: (limited) => this.dispatcher.dispatch("identify_limited", limited),
    });
    this.#fleet = new ShardFleet({
      makeShard: (shardId, shardCount) => this.#makeShard(shardId, shardCount),
      rawDispatcher: this.rawDispatcher,
      eventDispatcher: this.eventDispatcher,
      dispatcher: this.dispatcher,
    });
  }

  /** The bot's token. */
  get token(): string {
    return this.#authentication.token;
  }

  /** How many shards the bot has in all; `null` while that is left to the gateway and it has not been asked. */
  get shardCount(): number | null {
    return this.#fleet.shardCount ?? this.#options.shardCount ?? null;
  }

  /** Which of them this manager runs; `null` as long as the count is. */
  get shardIds(): readonly number[] | null {
    if (this.shards.size > 0) return [...this.shards.keys()];
    return this.#options.shardIds ?? (this.shardCount === null ? null : allShardIds(this.shardCount));
  }

  /** How many shards may identify at the same time; `null` before the gateway was asked. */
  get maxConcurrency(): number | null {
    return this.#maxConcurrency;
  }

  /** The shards by their ids. */
  get shards(): ReadonlyMap<number, Shard> {
    return this.#fleet.shards;
  }

  /** The shards that have a connection to the gateway. */
  get activeShards(): Shard[] {
    return [...this.shards.values()].filter(isActive);
  }

  /** The shards that wait for their connection, and during a rescale those that are to take over. */
  get pendingShards(): Shard[] {
    return [...[...this.shards.values()].filter((shard) => !isActive(shard)), ...this.#fleet.incoming];
  }

  /** Resolves after {@linkcode close}, and rejects with the critical error. */
  get closed(): Promise<void> {
    this.#isClosedObserved = true;
    return this.#closed.promise;
  }

  /**
   * Asks the gateway how to connect and starts all shards. Resolves when each of them has started to open its first
   * connection, which with many shards takes as long as the identify limit dictates.
   *
   * @throws {DOMException} Rejects with InvalidStateError if the manager is connected, with an AbortError if it is
   * closed meanwhile.
   * @throws {GatewayError} Rejects with a critical error that comes meanwhile, such as {@linkcode InvalidTokenError}.
   *
   * @example Ready when all shards are
   * ```ts
   * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start({ shards: 2, maxConcurrency: 2 });
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
   * await manager.connect();
   * await Promise.all([...manager.shards.values()].map((shard) => shard.ready));
   * assertEquals(manager.activeShards.length, 2);
   * ```
   */
  connect(): Promise<void> {
    return attempt(() => this.#connect());
  }

  async #connect(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (this.#lifetime !== null) {
      const state = this.#lifetime.signal.aborted ? "being closed" : "connected, or about to be";
      throw new DOMException(`Cannot connect: the manager is ${state}`, "InvalidStateError");
    }
    const { signal } = this.#begin();
    try {
      const info = await this.#askGateway(signal);
      signal.throwIfAborted();
      const { shardCount, shardIds } = this;
      const started = this.#isAutomatic || shardCount === null
        ? this.#fleet.start(info.shards)
        : this.#fleet.start(shardCount, shardIds ?? undefined);
      await Promise.race([started, endOf(signal)]);
    } catch (error) {
      if (!signal.aborted) this.#fail(error as Error);
      throw error;
    }
  }

  /**
   * Changes the number of shards without downtime: a second set is brought up beside the first and takes over when all
   * of it is ready and has its guilds. No event is lost; an event that both sets receive is delivered once.
   *
   * It takes one identify a shard, and as long as they take. If it fails or is called off, the shards there were go on.
   *
   * @param shardCount How many shards the bot is to have in all.
   * @param shardIds Which of them this manager runs; all of them if left out.
   * @throws {RangeError} Rejects if a number is out of range, and with a session store if the count stays the same.
   * @throws {DOMException} Rejects with InvalidStateError before {@linkcode connect}, during another rescale, and when
   * fewer identifies are left than it needs.
   *
   * @example From one shard to two
   * ```ts
   * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start({ maxConcurrency: 2, identifyWindowMs: 0 });
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
   * await manager.connect();
   * await manager.shards.get(0)?.ready;
   *
   * await manager.rescaleShards(2);
   * assertEquals(manager.shardIds, [0, 1]);
   * ```
   */
  rescaleShards(
    shardCount: number,
    shardIds?: readonly number[],
    options: RescaleShardsOptions = {},
  ): Promise<void> {
    return attempt(() => this.#startRescale(shardCount, shardIds, options));
  }

  async #startRescale(
    shardCount: number,
    shardIds: readonly number[] | undefined,
    options: RescaleShardsOptions,
  ): Promise<void> {
    checkShardIds(shardCount, shardIds);
    options.signal?.throwIfAborted();
    const lifetime = this.#lifetime?.signal;
    if (lifetime === undefined || lifetime.aborted || this.shards.size === 0) {
      throw new DOMException("Cannot rescale: the manager is not connected", "InvalidStateError");
    }
    if (this.#rescaled !== null) {
      throw new DOMException("Cannot rescale: another rescale is under way", "InvalidStateError");
    }
    if (shardCount === this.shardCount && this.#options.sessionStore !== undefined) {
      throw new RangeError(
        `Cannot rescale: there are ${shardCount} shards already, and the session store can keep one session for each`,
      );
    }
    const calledOff = new AbortController();
    for (const signal of [lifetime, options.signal]) {
      signal?.addEventListener("abort", () => calledOff.abort(signal.reason), { signal: calledOff.signal });
    }
    const rescaled = this.#rescale(shardCount, shardIds, { signal: calledOff.signal, lifetime });
    this.#rescaled = rescaled.catch(() => {});
    try {
      await rescaled;
    } finally {
      this.#rescaled = null;
      calledOff.abort();
    }
  }

  /**
   * The shard that receives a guild's events.
   *
   * @throws {TypeError} If the guild id is not a snowflake.
   * @throws {RangeError} If this manager does not run that shard.
   * @throws {DOMException} InvalidStateError, while the manager has no shards.
   *
   * @example The shard of a guild
   * ```ts
   * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
   * await manager.connect();
   * const guildId = discord.guilds[0]?.id ?? "";
   * assertEquals(manager.shardFor(guildId).shardId, 0);
   * ```
   */
  shardFor(guildId: string | bigint): Shard {
    if (this.#fleet.shardCount === null) {
      throw new DOMException("Cannot find the shard of a guild: the manager is not connected", "InvalidStateError");
    }
    const shardId = shardIdOf(guildId, this.#fleet.shardCount);
    const shard = this.shards.get(shardId);
    if (shard !== undefined) return shard;
    throw new RangeError(`Cannot find the shard of a guild: shard ${shardId} is not one of this manager's`);
  }

  /**
   * Closes all shards, and by default ends their sessions. Resolves when nothing is left running.
   *
   * @example The end of a bot
   * ```ts
   * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
   * await manager.connect();
   * await manager.close();
   * await manager.closed;
   * assertEquals(discord.openConnections, 0);
   * ```
   */
  async close(options: CloseOptions = {}): Promise<void> {
    await this.#end(options.cleanup ?? true);
  }

  /** Closes; the sessions are kept where there is a store for them. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ cleanup: this.#options.sessionStore === undefined });
  }

  #begin(): AbortController {
    const lifetime = this.#lifetime = new AbortController();
    for (const one of [this.rawDispatcher, this.eventDispatcher, this.dispatcher]) one.signal = lifetime.signal;
    this.#closed.restart();
    this.#failure = null;
    const { signal } = this.#options;
    signal?.addEventListener("abort", () => void this.close({ cleanup: false }), {
      once: true,
      signal: lifetime.signal,
    });
    return lifetime;
  }

  async #askGateway(signal: AbortSignal): Promise<GatewayBotInfo> {
    const info = await this.#httpClient.getGatewayBot(this.#authentication, { signal });
    this.#maxConcurrency = info.session_start_limit.max_concurrency;
    this.#limiter.update?.(info.session_start_limit);
    return info;
  }

  #makeShard(shardId: number, shardCount: number): Shard {
    const { signal: _, ...options } = this.#options;
    const shard = new Shard(shardId, shardCount, this.intents, this.token, this.#limiter, this.#httpClient, {
      ...options,
      presence: this.presence,
    });
    interceptCritical(shard, (error) => this.#onCritical(shard, error));
    return shard;
  }

  async #rescale(
    shardCount: number,
    shardIds: readonly number[] | undefined,
    options: FleetRescaleOptions,
  ): Promise<void> {
    const { session_start_limit: { remaining, reset_after } } = await this.#askGateway(options.signal);
    const needed = shardIds?.length ?? shardCount;
    const available = remaining - (this.#options.identifyReserve ?? 0);
    if (available < needed) {
      throw new DOMException(
        `Cannot rescale: it takes ${needed} identifies, and ${available} can be used in the next ${reset_after} ms`,
        "InvalidStateError",
      );
    }
    const rescaled = await this.#fleet.rescale(shardCount, shardIds, options);
    this.dispatcher.dispatch("rescaled", rescaled);
  }

  /** Whether the number of shards is left to the gateway. */
  get #isAutomatic(): boolean {
    return this.#options.shardCount === undefined;
  }

  /** Decides on a shard's critical error: `true` where it is dealt with. */
  #onCritical(shard: Shard, error: Error): boolean {
    // The rescale that brings the shard up learns of it and ends.
    if (!this.#fleet.has(shard)) return true;
    if (this.#isAutomatic && error instanceof InvalidShardCountError && this.#lifetime !== null) {
      this.#refused.set(shard, error);
      this.#following ??= this.#follow(this.#lifetime.signal);
      return true;
    }
    if (this.#failure !== null) return true;
    this.#failure = error;
    printUnheard(error, shard.dispatcher, this.#isClosedObserved);
    // The shard tells first.
    queueMicrotask(() => this.#end(false));
    return false;
  }

  /** The shard count is not valid any more: has as many shards as the gateway recommends now. */
  async #follow(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        // A rescale that is under way may replace the shards that were refused.
        await this.#rescaled;
        const [error] = [...this.shards.values()].flatMap((shard) =>
          shard.phase === "closed" ? this.#refused.get(shard) ?? [] : []
        );
        if (error === undefined) return;
        const { shards } = await this.#httpClient.getGatewayBot(this.#authentication, { signal });
        if (this.#rescaled !== null) continue;
        if (shards === this.shardCount) throw error;
        await this.rescaleShards(shards);
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(error as Error);
    } finally {
      this.#following = null;
    }
  }

  /** Tells of a critical error that is not a shard's, and ends. */
  #fail(error: Error): void {
    this.#failure = error;
    printUnheard(error, this.dispatcher, this.#isClosedObserved);
    this.dispatcher.dispatch("critical", error);
    void this.#end(false);
  }

  async #end(cleanup: boolean): Promise<void> {
    const lifetime = this.#lifetime;
    lifetime?.abort(this.#failure ?? new DOMException("The manager was closed", "AbortError"));
    await Promise.all([this.#rescaled, this.#fleet.close(cleanup)]);
    if (this.#lifetime === lifetime) this.#lifetime = null;
    if (this.#failure === null) this.#closed.fulfil();
    else this.#closed.reject(this.#failure);
  }
}

function isActive({ phase }: Shard): boolean {
  return phase === "identifying" || phase === "resuming" || phase === "ready";
}

/** Rejects with the signal's reason when it aborts. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
