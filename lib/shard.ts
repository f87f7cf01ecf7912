import { attempt } from "./attempt.ts";
import { BotAuthentication } from "./authentication.ts";
import { checkBoolean, checkOptions, checkTimeout, invalidState } from "./check.ts";
import {
  type ChannelInfoField,
  channelInfoPayload,
  presencePayload,
  soundboardSoundsPayload,
  voiceStatePayload,
} from "./command_data.ts";
import { frameOf } from "./command_queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { DisconnectError } from "./errors.ts";
import type { HTTPClient } from "./http_client.ts";
import { identifyWith } from "./identify.ts";
import { showAs } from "./inspection.ts";
import { type MembersQuery, membersRequestData } from "./member_query.ts";
import { failRequest, MembersRequest } from "./members_request.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { GatewayEvents, PresenceUpdateData, RawEvents, SentPayload, VoiceStateUpdateData } from "./payload.ts";
import type { Session } from "./session_store.ts";
import { ShardCore } from "./shard_core.ts";
import type { ShardEvents, ShardPhase } from "./shard_events.ts";
import { checkShardId } from "./sharding.ts";
import { ShardLifetime } from "./shard_lifetime.ts";
import {
  checkParts,
  checkShardOptions,
  cleanupOf,
  type CloseOptions,
  type ConnectOptions,
  type RequestGuildMembersOptions,
  type SendOptions,
  type ShardOptions,
} from "./shard_options.ts";
import type { IdentifyRateLimiter } from "./times_per.ts";

/** Lets the owner of a shard decide on a critical error: `true` keeps it from being told as `critical`. */
export let interceptCritical: (shard: Shard, intercept: (error: Error) => boolean) => void;

/** Lets the owner of a shard close it with a reason: what its promises reject with. */
export let closeShard: (shard: Shard, cleanup: boolean, reason: unknown) => Promise<void>;

/** Lets the owner of a shard reach what waits in it. */
export let coreOf: (shard: Shard) => ShardCore;

/**
 * One connection to the gateway, kept up: it identifies, heartbeats, resumes and reconnects by itself.
 *
 * A {@linkcode ShardManager} makes and runs them; use a shard of its own where one connection is all there is.
 *
 * @example One shard, on its own
 * ```ts
 * import { GatewayIntent, HTTPClient, Shard, TimesPer } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * const limiter = new TimesPer(1, 5);
 * const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
 *
 * await using shard = new Shard(0, 1, intents, discord.token, limiter, httpClient);
 * await shard.connect();
 * await shard.ready;
 * const message = shard.eventDispatcher.waitFor("MESSAGE_CREATE");
 * discord.user("Ann").says("hello");
 * assertEquals((await message).content, "hello");
 * ```
 */
export class Shard implements AsyncDisposable {
  readonly #core: ShardCore;
  readonly #lifetime: ShardLifetime;

  static {
    interceptCritical = (shard, intercept) => {
      shard.#lifetime.intercept = intercept;
    };
    closeShard = (shard, cleanup, reason) => shard.#lifetime.close(cleanup, reason);
    coreOf = (shard) => shard.#core;
    showAs(
      Shard,
      ({ shardId, shardCount, phase }) => `Shard { id: ${shardId}, count: ${shardCount}, phase: "${phase}" }`,
    );
  }

  /**
   * Makes a shard that is not connected yet.
   *
   * @param shardId The shard's id, from 0.
   * @param shardCount How many shards there are in its set.
   * @param intents Which events to receive: values of {@linkcode GatewayIntent}, joined with `|`.
   * @param token The bot's token, without a prefix.
   * @param identifyRateLimiter Decides when the shard may identify. All shards of a bot share one.
   * @param httpClient Opens the sockets.
   * @throws {TypeError} If something has another type, the token is not one, or this runtime cannot inflate the format
   * asked for.
   * @throws {RangeError} If a number is out of range, or the presence is too large.
   */
  constructor(
    shardId: number,
    shardCount: number,
    intents: number,
    token: string,
    identifyRateLimiter: IdentifyRateLimiter,
    httpClient: HTTPClient,
    options: ShardOptions = {},
  ) {
    checkShardId(shardId, shardCount);
    checkShardOptions(intents, options);
    checkParts(identifyRateLimiter, httpClient);
    this.#core = new ShardCore(
      { shardId, shardCount, intents, token: checkedToken(token), identifyRateLimiter, httpClient },
      options,
    );
    identifyWith(this.#core, { presence: options.presence ?? null });
    this.#lifetime = new ShardLifetime(this.#core);
  }

  /** The shard's id. */
  get shardId(): number {
    return this.#core.parts.shardId;
  }

  /** How many shards there are in its set. */
  get shardCount(): number {
    return this.#core.parts.shardCount;
  }

  /** The intents it identifies with. */
  get intents(): number {
    return this.#core.parts.intents;
  }

  /** From how many members on a guild comes without its offline ones; `null` is the gateway's default. */
  get largeThreshold(): number | null {
    return this.#core.options.largeThreshold ?? null;
  }

  /** The name of the library that the gateway is told. */
  get libraryName(): string {
    return this.#core.libraryName;
  }

  /**
   * The presence it identifies with: the last one given to {@linkcode presenceUpdate}, or the one from the start. It is a
   * copy, as it is sent.
   */
  get presence(): PresenceUpdateData | null {
    return structuredClone(this.#core.presence);
  }

  set presence(presence: PresenceUpdateData | null) {
    identifyWith(this.#core, { presence });
  }

  /**
   * The bot's token. Setting another one ends the session, also one that is only stored: the shard connects again and
   * identifies with it.
   *
   * @throws {RangeError} On setting one that would make an IDENTIFY larger than 4096 bytes.
   */
  get token(): string {
    return this.#core.token;
  }

  set token(token: string) {
    const checked = checkedToken(token);
    if (checked === this.#core.token) return;
    identifyWith(this.#core, { token: checked });
    this.#core.adopt(null);
    this.#lifetime.giveUp(new DisconnectError("Disconnected from the gateway: the token was changed"));
  }

  /** Every payload received, under its opcode as text. */
  get rawDispatcher(): Dispatcher<RawEvents> {
    return this.#core.rawDispatcher;
  }

  /** Every dispatch received, under its event's name. */
  get eventDispatcher(): Dispatcher<GatewayEvents> {
    return this.#core.eventDispatcher;
  }

  /** What the shard tells about itself. */
  get dispatcher(): Dispatcher<ShardEvents> {
    return this.#core.dispatcher;
  }

  /** Resolves when the gateway has said HELLO. Rejects with the critical error, or with an AbortError at close. */
  get connected(): Promise<void> {
    return this.#core.connected.promise;
  }

  /** Resolves when the shard is usable: READY or RESUMED has come. Rejects like {@linkcode connected}. */
  get ready(): Promise<void> {
    return this.#core.ready.promise;
  }

  /** Resolves after {@linkcode close}, and rejects with the critical error. */
  get closed(): Promise<void> {
    this.#lifetime.isObserved = true;
    return this.#core.closed.promise;
  }

  /** What the shard is doing now. */
  get phase(): ShardPhase {
    return this.#core.phase;
  }

  /** The session, as of what was received last; plain data that another process can resume with. */
  get session(): Session | null {
    return this.#core.session(this.#core.state.session?.sequence ?? 0);
  }

  /** The session's id. */
  get sessionId(): string | null {
    return this.#core.state.session?.id ?? null;
  }

  /** The sequence number of the last dispatch received. */
  get sessionSequenceNumber(): number | null {
    return this.#core.state.session?.sequence ?? null;
  }

  /** Whether the shard may identify. While this is `false`, having to is a {@linkcode ReconnectCheckFailedError}. */
  get shouldReconnect(): boolean {
    return this.#core.shouldReconnect;
  }

  set shouldReconnect(shouldReconnect: boolean) {
    checkBoolean("set shouldReconnect: it", shouldReconnect);
    this.#core.shouldReconnect = shouldReconnect;
  }

  /**
   * The time from the last heartbeat to its ACK, in **seconds**.
   *
   * @throws {DOMException} InvalidStateError, while there is no connection or no heartbeat has been acknowledged on it.
   */
  get latency(): number {
    const { latency } = this.#core;
    if (latency !== null) return latency;
    throw invalidState("tell the latency: no heartbeat has been acknowledged on this connection");
  }

  /**
   * Starts to connect, with a resume where there is a session. From then on the shard connects again by itself.
   *
   * Resolves when the first connection is being opened, which waits for the turn to identify where one is needed; await
   * {@linkcode ready} for the shard to be usable.
   *
   * @throws {DOMException} Rejects with InvalidStateError if the shard is connected already, and once it is closed with
   * an AbortError, or with the reason of the signal that closed it, if that happens meanwhile.
   * @throws {ReconnectCheckFailedError} Rejects if it has to identify and `shouldReconnect` is `false`.
   *
   * @example Usable after `ready`
   * ```ts
   * import { HTTPClient, Shard, TimesPer } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using shard = new Shard(0, 1, 0, discord.token, new TimesPer(1, 5), httpClient);
   * await shard.connect();
   * await shard.ready;
   * assertEquals(shard.phase, "ready");
   * ```
   */
  connect(options: ConnectOptions = {}): Promise<void> {
    return attempt(() => {
      checkOptions("connect", options);
      return this.#lifetime.connect(options.signal);
    });
  }

  /**
   * Closes the connection, and by default ends the session with it. Resolves when nothing is left running.
   *
   * With `cleanup: false` the session is kept, for another {@linkcode connect} or for the session store.
   *
   * @example Away for a moment, and back in the same session
   * ```ts
   * import { HTTPClient, Shard, TimesPer } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using shard = new Shard(0, 1, 0, discord.token, new TimesPer(1, 5), httpClient);
   * await shard.connect();
   * await shard.ready;
   *
   * await shard.close({ cleanup: false });
   * await shard.connect();
   * await shard.ready;
   * assertEquals(discord.identifies.length, 1);
   * assertEquals(discord.resumes.length, 1);
   * ```
   */
  close(options: CloseOptions = {}): Promise<void> {
    return attempt(() => this.#lifetime.close(cleanupOf(options)));
  }

  /** Closes; the session is kept where there is a store for it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ cleanup: this.#core.saver === null });
  }

  /**
   * Changes the presence, now and for every later session, unless the signal takes it back before it is sent. Of
   * several that wait only the last one is sent.
   *
   * @returns Resolves when it was sent, or was overtaken by another.
   * @throws {TypeError} Rejects if it is not a presence.
   * @throws {RangeError} Rejects if an IDENTIFY with it would be larger than 4096 bytes.
   *
   * @example What the bot seems to do
   * ```ts
   * import { HTTPClient, Shard, TimesPer } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using shard = new Shard(0, 1, 0, discord.token, new TimesPer(1, 5), httpClient);
   * await shard.connect();
   * await shard.presenceUpdate({
   *   activities: [{ name: "with words", type: 0 }],
   *   status: "online",
   *   since: null,
   *   afk: false,
   * });
   * assertEquals(shard.presence?.activities[0]?.name, "with words");
   * ```
   */
  presenceUpdate(presence: PresenceUpdateData, options: SendOptions = {}): Promise<void> {
    const core = this.#core;
    const before = core.presence;
    let kept: PresenceUpdateData | null | undefined;
    const sending = this.#send(
      (signal) => {
        signal?.throwIfAborted();
        identifyWith(core, { presence });
        kept = core.presence;
        return presencePayload(kept as PresenceUpdateData);
      },
      options,
      "presence",
    );
    sending.catch(() => {
      if (kept !== undefined && options.signal?.aborted && core.presence === kept) core.presence = before;
    });
    return sending;
  }

  /**
   * Joins, moves in or leaves a voice channel. Of several for a guild that wait only the last one is sent.
   *
   * @returns Resolves when it was sent, or was overtaken by another.
   * @throws {TypeError} Rejects if it is not an update.
   *
   * @example Leave the voice channel of a guild
   * ```ts
   * import { GatewayOpcode, HTTPClient, Shard, TimesPer } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using shard = new Shard(0, 1, 0, discord.token, new TimesPer(1, 5), httpClient);
   * await shard.connect();
   * const guild_id = discord.guilds[0]?.id ?? "";
   * await shard.voiceStateUpdate({ guild_id, channel_id: null, self_mute: false, self_deaf: false });
   * await discord.next("payload", ({ op }) => op === GatewayOpcode.VoiceStateUpdate, { past: true });
   * ```
   */
  voiceStateUpdate(update: VoiceStateUpdateData, options: SendOptions = {}): Promise<void> {
    return this.#send(() => voiceStatePayload(update), options, `voice ${String(update?.guild_id)}`);
  }

  /**
   * Asks for the soundboard sounds of guilds: a `SOUNDBOARD_SOUNDS` comes for each.
   *
   * @returns Resolves when it was sent.
   * @throws {TypeError} Rejects if an id is none.
   * @throws {RangeError} Rejects if it is larger than 4096 bytes, which about 180 ids are.
   *
   * @example The sounds of one guild
   * ```ts
   * import { HTTPClient, Shard, TimesPer } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using shard = new Shard(0, 1, 0, discord.token, new TimesPer(1, 5), httpClient);
   * await shard.connect();
   * const guildId = discord.guilds[0]?.id ?? "";
   * const sounds = shard.eventDispatcher.waitFor("SOUNDBOARD_SOUNDS");
   * await shard.requestSoundboardSounds([guildId]);
   * assertEquals((await sounds).guild_id, guildId);
   * ```
   */
  requestSoundboardSounds(guildIds: readonly string[], options: SendOptions = {}): Promise<void> {
    return this.#send(() => soundboardSoundsPayload(guildIds), options);
  }

  /**
   * Asks for short-lived facts about a guild's channels: a `CHANNEL_INFO` comes.
   *
   * @returns Resolves when it was sent.
   * @throws {TypeError} Rejects if the id is none, or a field is unknown.
   *
   * @example What is set in the voice channels of a guild
   * ```ts
   * import { GatewayOpcode, HTTPClient, Shard, TimesPer } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using shard = new Shard(0, 1, 0, discord.token, new TimesPer(1, 5), httpClient);
   * await shard.connect();
   * const guildId = discord.guilds[0]?.id ?? "";
   * await shard.requestChannelInfo(guildId, ["status"]);
   * await discord.next("payload", ({ op }) => op === GatewayOpcode.RequestChannelInfo, { past: true });
   * ```
   */
  requestChannelInfo(
    guildId: string,
    fields: readonly ChannelInfoField[],
    options: SendOptions = {},
  ): Promise<void> {
    return this.#send(() => channelInfoPayload(guildId, fields), options);
  }

  /**
   * Asks for members of a guild: by the beginning of their names with a limit, or up to 100 by their ids.
   *
   * The answer also comes as `GUILD_MEMBERS_CHUNK` events. Everything that is wrong with the request, a `TypeError` or
   * `RangeError` included, rejects it; see {@linkcode MembersRequest}.
   *
   * @returns Await it for all members, or iterate over it for the parts.
   *
   * @example All whose names begin with a word
   * ```ts
   * import { HTTPClient, Shard, TimesPer } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using shard = new Shard(0, 1, 0, discord.token, new TimesPer(1, 5), httpClient);
   * await shard.connect();
   * const guildId = discord.guilds[0]?.id ?? "";
   * const members = await shard.requestGuildMembers(guildId, { query: "nobody", limit: 10 });
   * assertEquals(members.length, 0);
   * ```
   */
  requestGuildMembers(
    guildId: string,
    query: MembersQuery,
    options: RequestGuildMembersOptions = {},
  ): MembersRequest {
    try {
      checkOptions("request guild members", options);
      const { signal, timeoutMs = 30_000 } = options;
      checkTimeout("request guild members: timeoutMs", timeoutMs);
      const d = membersRequestData(guildId, query, this.intents, crypto.randomUUID().replaceAll("-", ""));
      const payload = { op: GatewayOpcode.RequestGuildMembers, d };
      frameOf(payload);
      return this.#core.requests.open(d.nonce, {
        timeoutMs,
        signal,
        send: (signal) => this.#send(() => payload, { signal }),
      });
    } catch (error) {
      const request = new MembersRequest("", () => {});
      failRequest(request, error);
      return request;
    }
  }

  #send(
    payloadOf: (signal: AbortSignal | undefined) => SentPayload,
    options: SendOptions,
    key?: string,
  ): Promise<void> {
    return attempt(async () => {
      checkOptions("send", options);
      if (this.phase === "closed") {
        throw invalidState("send: the shard is closed");
      }
      await this.#core.commands.push(payloadOf(options.signal), {
        signal: options.signal,
        ...(key === undefined ? {} : { key }),
      });
    });
  }
}

/** @throws {TypeError} If it is not a token. */
function checkedToken(token: string): string {
  return new BotAuthentication(token).token;
}
