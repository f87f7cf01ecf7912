import { abortable } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import { type BotAuthentication, checkAuthentication } from "./authentication.ts";
import { checkOptions, invalidState } from "./check.ts";
import { Dispatcher } from "./dispatcher.ts";
import { InvalidShardCountError } from "./errors.ts";
import { GatewayLimits } from "./gateway_limits.ts";
import type { HTTPClient } from "./http_client.ts";
import { showAs } from "./inspection.ts";
import { listenerErrorTo } from "./listener_error.ts";
import type { GatewayEvents, PresenceUpdateData, RawEvents } from "./payload.ts";
import { interceptCritical, Shard } from "./shard.ts";
import type { ShardEvents } from "./shard_events.ts";
import { ShardFleet } from "./shard_fleet.ts";
import { ShardManagerLifetime } from "./shard_manager_lifetime.ts";
import {
  checkManagerOptions,
  checkShardIds,
  type RescaleShardsOptions,
  type ShardManagerOptions,
} from "./shard_manager_options.ts";
import { cleanupOf, type CloseOptions } from "./shard_options.ts";
import { ShardScaling } from "./shard_scaling.ts";
import { allShardIds, MAX_SHARDS, shardIdOf } from "./sharding.ts";
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
  readonly #limits: GatewayLimits;
  readonly #fleet: ShardFleet;
  readonly #scaling: ShardScaling;
  readonly #lifetime: ShardManagerLifetime;
  #presence: PresenceUpdateData | null = null;

  /** The intents the shards identify with. */
  readonly intents: number;
  /** Every payload received, under its opcode as text. */
  readonly rawDispatcher: Dispatcher<RawEvents>;
  /** Every dispatch received, under its event's name. */
  readonly eventDispatcher: Dispatcher<GatewayEvents>;
  /** What the shards and the manager tell about themselves; `event.shardId` says which shard. */
  readonly dispatcher: Dispatcher<ShardEvents>;

  static {
    showAs(ShardManager, ({ shards, shardCount }) => `ShardManager { shards: ${shards.size}, of: ${shardCount} }`);
  }

  /**
   * Makes a manager that is not connected yet.
   *
   * @param authentication The bot's token.
   * @param intents Which events to receive: values of {@linkcode GatewayIntent}, joined with `|`.
   * @param httpClient Asks for the gateway and opens the sockets.
   * @throws {TypeError} If something has another type, shard ids are given without a count, a reserve with a limiter, or
   * this runtime cannot inflate the format asked for.
   * @throws {RangeError} If a number is out of range, or the presence is too large.
   */
  constructor(
    authentication: BotAuthentication,
    intents: number,
    httpClient: HTTPClient,
    options: ShardManagerOptions = {},
  ) {
    checkAuthentication(authentication);
    checkManagerOptions(intents, options);
    const { presence = null } = options;
    this.#authentication = authentication;
    this.#httpClient = httpClient;
    this.#options = { ...options };
    this.intents = intents;
    this.dispatcher = new Dispatcher({ onListenerError: (error, event) => report(error, event) });
    const report = listenerErrorTo(this.dispatcher);
    this.rawDispatcher = new Dispatcher({ onListenerError: report });
    this.eventDispatcher = new Dispatcher({ onListenerError: report });
    this.#limits = new GatewayLimits({
      ...options,
      authentication,
      httpClient,
      dispatcher: this.dispatcher,
      lifetime: () => this.#lifetime.signal,
    });
    this.#fleet = new ShardFleet({
      makeShard: (shardId, shardCount) => this.#makeShard(shardId, shardCount),
      rawDispatcher: this.rawDispatcher,
      eventDispatcher: this.eventDispatcher,
      dispatcher: this.dispatcher,
    });
    this.#scaling = new ShardScaling({
      fleet: this.#fleet,
      available: (info) => this.#limits.available(info),
      isStored: options.sessionStore !== undefined,
      askGateway: (signal) => this.#limits.ask(signal),
      onRescaled: (data) => this.dispatcher.dispatch("rescaled", data),
      onFailure: (error) => this.#lifetime.fail(error),
    });
    this.#lifetime = new ShardManagerLifetime({
      signal: options.signal,
      dispatcher: this.dispatcher,
      onLife: (signal) => {
        for (const one of [this.rawDispatcher, this.eventDispatcher, this.dispatcher]) one.signal = signal;
      },
      close: (cleanup, reason) => Promise.all([this.#scaling.rescaled, this.#fleet.close(cleanup, reason)]),
    });
    this.presence = presence;
  }

  /** The bot's token. */
  get token(): string {
    return this.#authentication.token;
  }

  /**
   * The presence that shards start with. Those there are have their own, which a rescale hands on where it was set on all
   * that had the same guilds: see {@linkcode Shard.presenceUpdate}.
   *
   * @throws {TypeError} On setting what is no presence.
   * @throws {RangeError} On setting one with which an IDENTIFY would be larger than 4096 bytes.
   */
  get presence(): PresenceUpdateData | null {
    return this.#presence;
  }

  set presence(presence: PresenceUpdateData | null) {
    // What a shard would refuse, the one with the longest numbers included, is refused here.
    this.#presence = this.#newShard(MAX_SHARDS - 1, MAX_SHARDS, presence).presence;
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
    return this.#limits.maxConcurrency;
  }

  /** Decides when shards identify: the one from the options, or else an {@linkcode IdentifyQueue}. */
  get identifyRateLimiter(): IdentifyRateLimiter {
    return this.#limits.limiter;
  }

  /** The shards by their ids. */
  get shards(): ReadonlyMap<number, Shard> {
    return this.#fleet.shards;
  }

  /** The shards that have a connection to the gateway. */
  get activeShards(): Shard[] {
    return this.#fleet.active;
  }

  /** The shards that wait for their connection, and during a rescale those that are to take over. */
  get pendingShards(): Shard[] {
    return this.#fleet.pending;
  }

  /** Resolves after {@linkcode close}, and rejects with the critical error. */
  get closed(): Promise<void> {
    return this.#lifetime.closed;
  }

  /**
   * Asks the gateway how to connect and starts all shards. Resolves when each of them has started to open its first
   * connection, which with many shards takes as long as the identify limit dictates. A network that fails is tried again;
   * each time a `reconnecting` tells of it.
   *
   * @throws {DOMException} Rejects with InvalidStateError if the manager is connected, with an AbortError if it is
   * closed meanwhile, and with the reason of the options' signal.
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
    const signal = this.#lifetime.begin();
    try {
      const info = await this.#limits.ask(signal);
      signal.throwIfAborted();
      const { shardCount, shardIds } = this;
      const started = this.#options.shardCount === undefined || shardCount === null
        ? this.#fleet.start(info.shards)
        : this.#fleet.start(shardCount, shardIds ?? undefined);
      await abortable(started, signal);
      signal.throwIfAborted();
    } catch (error) {
      throw signal.aborted ? error : this.#lifetime.fail(error);
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
   * @throws {TypeError} Rejects if something has another type.
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
    return attempt(async () => {
      checkShardIds(shardCount, shardIds);
      checkOptions("rescale", options);
      options.signal?.throwIfAborted();
      const lifetime = this.#lifetime.signal;
      if (lifetime === null || lifetime.aborted || this.shards.size === 0) {
        throw invalidState("rescale: the manager is not connected");
      }
      await this.#scaling.rescale(shardCount, shardIds, options.signal, lifetime);
    });
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
      throw invalidState("find the shard of a guild: the manager is not connected");
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
  close(options: CloseOptions = {}): Promise<void> {
    return attempt(async () => {
      await this.#lifetime.end(cleanupOf(options));
    });
  }

  /** Closes; the sessions are kept where there is a store for them. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ cleanup: this.#options.sessionStore === undefined });
  }

  #makeShard(shardId: number, shardCount: number): Shard {
    const shard = this.#newShard(shardId, shardCount, this.#presence);
    interceptCritical(shard, (error) => this.#onCritical(shard, error));
    return shard;
  }

  #newShard(shardId: number, shardCount: number, presence: PresenceUpdateData | null): Shard {
    const { signal: _, ...options } = { ...this.#options, presence };
    return new Shard(shardId, shardCount, this.intents, this.token, this.#limits.limiter, this.#httpClient, options);
  }

  /** Decides on a shard's critical error: `true` where it is dealt with. */
  #onCritical(shard: Shard, error: Error): boolean {
    // The rescale that brings the shard up learns of it and ends.
    if (!this.#fleet.has(shard)) return true;
    const { signal } = this.#lifetime;
    const isAutomatic = this.#options.shardCount === undefined;
    if (isAutomatic && error instanceof InvalidShardCountError && signal !== null) {
      this.#scaling.follow(shard, error, signal);
      return true;
    }
    return !this.#lifetime.failWith(error, shard.dispatcher);
  }
}
