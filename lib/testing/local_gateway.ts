import { checkObject, checkString } from "../check.ts";
import type { GatewayEvents } from "../payload.ts";
import { LocalGatewayFaults } from "./gateway_faults.ts";
import type { DispatchTarget } from "./hub.ts";
import { internalsOf } from "./internals.ts";
import { HubUser } from "./hub_user.ts";
import type { LocalUser } from "./local_user.ts";
import type { LocalGatewayOptions } from "./options.ts";
import type {
  CloseRecord,
  ConnectionRecord,
  HttpRequestRecord,
  IdentifyRecord,
  InteractionResponseRecord,
  LocalGatewayRecords,
  MessageDeletionRecord,
  MessageEditRecord,
  NextOptions,
  PostedMessageRecord,
  ReactionRecord,
  ReceivedRecord,
  ResumeRecord,
} from "./records.ts";
import type { LocalReply, RepliesOptions } from "./replies.ts";
import type { SampleGuild, SampleUser } from "./samples.ts";

/**
 * A faithful Discord in one process: the HTTP and gateway API as far as a gateway client uses it, with Discord's rules
 * and with verbs to make things happen and go wrong.
 *
 * It binds to 127.0.0.1 only. `gateway.fetch` and `gateway.createWebSocket` lead in without any socket, and work under
 * fake timers, because clock and timers are looked up when they are used.
 *
 * @example
 * ```ts
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using gateway = await LocalGateway.start({ guilds: 2 });
 * const response = await fetch(`${gateway.url}/gateway/bot`, {
 *   headers: { authorization: `Bot ${gateway.token}`, "user-agent": "DiscordBot (https://example.com, 1.0)" },
 * });
 * assertEquals((await response.json()).url, gateway.gatewayUrl);
 * ```
 */
export class LocalGateway extends LocalGatewayFaults implements AsyncDisposable {
  /** Makes a gateway without sockets: only `fetch` and `createWebSocket` lead in. */
  constructor(options: Omit<LocalGatewayOptions, "listen"> = {}) {
    super(options);
  }

  /** Makes a gateway that listens on free ports of 127.0.0.1, unless `listen` is `false`. */
  static async start(options: LocalGatewayOptions = {}): Promise<LocalGateway> {
    const gateway = new LocalGateway(options);
    if (options.listen ?? true) await internalsOf(gateway).transports.listen();
    return gateway;
  }

  /** The base of the HTTP API, version included. */
  get url(): string {
    return internalsOf(this).transports.url;
  }

  /** The address `/gateway/bot` names. */
  get gatewayUrl(): string {
    return internalsOf(this).hub.gatewayUrl;
  }

  /** The address READY names, for resuming only. */
  get resumeUrl(): string {
    return internalsOf(this).hub.resumeUrl;
  }

  /** The bot's token. */
  get token(): string {
    return internalsOf(this).hub.options.token;
  }

  /** The bot's user. */
  get bot(): SampleUser {
    return internalsOf(this).hub.world.bot;
  }

  /** The guilds the bot is in. */
  get guilds(): readonly SampleGuild[] {
    return [...internalsOf(this).hub.world.guilds.values()].map(({ data }) => data);
  }

  /** A `fetch` that leads here without sockets, whatever the host in the URL. */
  readonly fetch: typeof fetch =
    ((input: string | URL | Request, init?: RequestInit) =>
      internalsOf(this).transports.fetch(input, init)) as typeof fetch;

  /** Opens a WebSocket that leads here without sockets. */
  readonly createWebSocket: (url: string | URL) => WebSocket = (url) =>
    internalsOf(this).transports.createWebSocket(String(url)) as unknown as WebSocket;

  /**
   * Sends an event to every session that is to receive it: by its guild's shard, or to shard 0 where there is none; as
   * the session's intents say; kept for replay where the session has no connection. Tells to how many sessions.
   *
   * @example Any event, as it would come
   * ```ts
   * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using manager = new ShardManager(new BotAuthentication(discord.token), GatewayIntent.DirectMessageTyping, httpClient);
   * await manager.connect();
   * await manager.shards.get(0)?.ready;
   * const typing = manager.eventDispatcher.waitFor("TYPING_START");
   * discord.emit("TYPING_START", { channel_id: "1", user_id: "2", timestamp: 3 });
   * assertEquals((await typing).user_id, "2");
   * ```
   */
  emit<Name extends string>(
    event: Name,
    data: Name extends keyof GatewayEvents ? GatewayEvents[Name] : unknown,
    options: DispatchTarget = {},
  ): number {
    checkString("emit: the event", event);
    checkObject("emit: the options", options);
    return internalsOf(this).hub.dispatch(event, data, options);
  }

  /** Somebody who can talk; the same name is the same user. */
  user(name: string): LocalUser {
    checkString("find a user: the name", name);
    const { hub } = internalsOf(this);
    return new HubUser(hub, hub.world.user(name));
  }

  /** Ends the outage of a guild that was described as unavailable: GUILD_CREATE with `unavailable: false`. */
  restoreGuild(guildId: string): void {
    const { world } = internalsOf(this).hub;
    const guild = world.guilds.get(guildId);
    if (guild === undefined) throw new RangeError(`Cannot restore guild ${guildId}: there is no such guild`);
    guild.unavailable = false;
    internalsOf(this).hub.dispatch("GUILD_CREATE", { ...world.guildCreate(guild, false, 50), unavailable: false });
  }

  /**
   * Waits for the next record of a kind that passes the check. Rejects with the signal's reason, or with an AbortError
   * when the gateway ends.
   *
   * @example The answer of a bot
   * ```ts
   * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * const httpClient = new HTTPClient({ baseUrl: discord.url });
   * await using manager = new ShardManager(new BotAuthentication(discord.token), GatewayIntent.GuildMessages, httpClient);
   * manager.eventDispatcher.listen("MESSAGE_CREATE", async ({ author, channel_id }) => {
   *   if (author.bot) return;
   *   await httpClient.createMessage(new BotAuthentication(discord.token), channel_id, { content: "pong" });
   * });
   * await manager.connect();
   * await manager.shards.get(0)?.ready;
   *
   * const answer = discord.next("message");
   * discord.user("Ann").says("ping");
   * assertEquals((await answer).content, "pong");
   * ```
   */
  next<Kind extends keyof LocalGatewayRecords>(
    kind: Kind,
    check: (record: LocalGatewayRecords[Kind]) => boolean = () => true,
    options: NextOptions = {},
  ): Promise<LocalGatewayRecords[Kind]> {
    return internalsOf(this).hub.records.next(kind, check, options);
  }

  /**
   * Waits for the next thing the bot says: a message, an edit, an answer to an interaction, or what follows one. Each is
   * handed out once and in order, also those that came before the call.
   *
   * @example
   * ```ts
   * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using gateway = await LocalGateway.start();
   * const authentication = new BotAuthentication(gateway.token);
   * const httpClient = new HTTPClient({ baseUrl: gateway.url });
   * const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
   * await using bot = new ShardManager(authentication, intents, httpClient);
   * bot.eventDispatcher.listen("MESSAGE_CREATE", async ({ author, channel_id }) => {
   *   if (!author.bot) await httpClient.createMessage(authentication, channel_id, { content: `Hello ${author.global_name}` });
   * });
   * await bot.connect();
   * await bot.eventDispatcher.waitFor("READY");
   *
   * gateway.user("Ann").says("anybody here?");
   * assertEquals((await gateway.reply()).content, "Hello Ann");
   * ```
   */
  async reply(options: RepliesOptions = {}): Promise<LocalReply> {
    const [reply] = await this.replies(1, options);
    return reply as LocalReply;
  }

  /** Waits for the next so many things the bot says; see {@linkcode LocalGateway.reply}. */
  replies(count = 1, options: RepliesOptions = {}): Promise<LocalReply[]> {
    return internalsOf(this).hub.replies.take(count, options);
  }

  /** Every connection clients opened. */
  get connections(): readonly ConnectionRecord[] {
    return internalsOf(this).hub.records.all("connection");
  }

  /** How many connections are open now. */
  get openConnections(): number {
    return [...internalsOf(this).hub.connections].filter(({ open }) => open).length;
  }

  /** Every payload clients sent. */
  get received(): readonly ReceivedRecord[] {
    return internalsOf(this).hub.records.all("payload");
  }

  /** Every IDENTIFY. */
  get identifies(): readonly IdentifyRecord[] {
    return internalsOf(this).hub.records.all("identify");
  }

  /** Every RESUME. */
  get resumes(): readonly ResumeRecord[] {
    return internalsOf(this).hub.records.all("resume");
  }

  /** Every end of a connection. */
  get closes(): readonly CloseRecord[] {
    return internalsOf(this).hub.records.all("close");
  }

  /** Every HTTP request. */
  get httpRequests(): readonly HttpRequestRecord[] {
    return internalsOf(this).hub.records.all("request");
  }

  /** Every message posted over HTTP. */
  get messages(): readonly PostedMessageRecord[] {
    return internalsOf(this).hub.records.all("message");
  }

  /** Every change of a message over HTTP. */
  get edits(): readonly MessageEditRecord[] {
    return internalsOf(this).hub.records.all("edit");
  }

  /** Every message deleted over HTTP. */
  get deletions(): readonly MessageDeletionRecord[] {
    return internalsOf(this).hub.records.all("deletion");
  }

  /** Every reaction of the bot's, and every one it took back. */
  get reactions(): readonly ReactionRecord[] {
    return internalsOf(this).hub.records.all("reaction");
  }

  /** Every answer to an interaction. */
  get interactionResponses(): readonly InteractionResponseRecord[] {
    return internalsOf(this).hub.records.all("interaction");
  }

  /** Every rule a client broke, in words. A good client leaves it empty. */
  get violations(): readonly string[] {
    return internalsOf(this).hub.records.all("violation");
  }

  /** How many sessions may still be started. */
  get remainingSessionStarts(): number {
    return internalsOf(this).hub.sessionStartLimit().remaining;
  }

  /** Forgets all records, and replies nobody waited for. */
  clearRecords(): void {
    const { records, replies } = internalsOf(this).hub;
    records.clear();
    replies.clear();
  }

  /** Breaks every connection and stops to listen; nothing is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { hub, transports } = internalsOf(this);
    await transports.close();
    const reason = new DOMException("The local gateway ended", "AbortError");
    hub.records.end(reason);
    hub.replies.end(reason);
  }
}
