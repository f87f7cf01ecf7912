/**
 * A Discord gateway client on web standards: it keeps a bot's shards connected and hands every event to the bot's code.
 *
 * @example A bot that answers `ping` with `pong`, tried on a gateway of its own
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * // Stands in for Discord. A real bot has its token and a plain `new HTTPClient()` instead.
 * await using discord = await LocalGateway.start();
 * const authentication = new BotAuthentication(discord.token);
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 *
 * const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
 * await using manager = new ShardManager(authentication, intents, httpClient);
 * manager.eventDispatcher.listen("MESSAGE_CREATE", async (message) => {
 *   if (message.content !== "ping") return;
 *   await httpClient.createMessage(authentication, message.channel_id, { content: "pong" });
 * });
 * await manager.connect();
 * await manager.eventDispatcher.waitFor("READY");
 *
 * const answer = discord.next("message");
 * discord.user("Ann").says("ping");
 * assertEquals((await answer).content, "pong");
 * ```
 *
 * @module
 */
export { BotAuthentication } from "./lib/authentication.ts";
export { GatewayCloseCode } from "./lib/close_code.ts";
export type { ChannelInfoField } from "./lib/command_data.ts";
export {
  type CompressionFormat,
  Decompressor,
  type DecompressorLike,
  type DecompressorOptions,
} from "./lib/decompressor.ts";
export { Dispatcher } from "./lib/dispatcher.ts";
export type {
  DataOf,
  DispatcherOptions,
  DispatcherWaitOptions,
  EventName,
  EventsOptions,
  Listener,
  ListenOptions,
} from "./lib/dispatcher_options.ts";
export {
  DisallowedIntentsError,
  DisconnectError,
  GatewayError,
  type GatewayErrorOptions,
  InvalidApiVersionError,
  InvalidIntentsError,
  InvalidShardCountError,
  InvalidTokenError,
  RateLimitedError,
  ReconnectCheckFailedError,
  UnhandledCloseCodeError,
} from "./lib/errors.ts";
export { GatewayEvent, type GatewayEventInit } from "./lib/gateway_event.ts";
export type { GatewayQuery } from "./lib/handshake.ts";
export { HTTPClient } from "./lib/http_client.ts";
export { HTTPError, type HTTPErrorOptions } from "./lib/http_error.ts";
export type {
  ConnectToGatewayOptions,
  CreateMessageOptions,
  GetGatewayOptions,
  GetOptions,
  HTTPClientOptions,
  RequestOptions,
  RequestRetry,
} from "./lib/http_options.ts";
export { type IdentifyLimited, IdentifyQueue, type IdentifyQueueOptions } from "./lib/identify_queue.ts";
export { GatewayIntent } from "./lib/intent.ts";
export type { ListenerErrorData, OnListenerError } from "./lib/listener_error.ts";
export type { MembersByIds, MembersByQuery, MembersQuery, MembersQueryBase } from "./lib/member_query.ts";
export { MembersRequest } from "./lib/members_request.ts";
export { GatewayOpcode } from "./lib/opcode.ts";
export type {
  ActivityData,
  DispatchPayload,
  GatewayBotInfo,
  GatewayEvents,
  GatewayPayload,
  GuildMember,
  GuildMembersChunk,
  Message,
  MessageData,
  PresenceUpdateData,
  RawEvents,
  ReadyData,
  SentPayload,
  SessionStartLimit,
  VoiceStateUpdateData,
} from "./lib/payload.ts";
export { MemorySessionStore, type Session, type SessionStore } from "./lib/session_store.ts";
export { Shard } from "./lib/shard.ts";
export type { ReconnectingData, RescaledData, RescalingData, ShardEvents, ShardPhase } from "./lib/shard_events.ts";
export { ShardManager } from "./lib/shard_manager.ts";
export type { RescaleShardsOptions, ShardManagerOptions } from "./lib/shard_manager_options.ts";
export type {
  CloseOptions,
  Compress,
  ConnectOptions,
  RequestGuildMembersOptions,
  SendOptions,
  ShardOptions,
} from "./lib/shard_options.ts";
export {
  type IdentifyPermit,
  type IdentifyRateLimiter,
  type IdentifyRequest,
  TimesPer,
  type TimesPerOptions,
} from "./lib/times_per.ts";
