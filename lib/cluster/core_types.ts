/**
 * The types of the core that the cluster's own refer to.
 *
 * @module
 */
export type { BotAuthentication } from "../authentication.ts";
export type { GatewayCloseCode } from "../close_code.ts";
export type { ChannelInfoField } from "../command_data.ts";
export type { CompressionFormat, Decompressor, DecompressorLike, DecompressorOptions } from "../decompressor.ts";
export type { Dispatcher } from "../dispatcher.ts";
export type {
  DataOf,
  DispatcherOptions,
  DispatcherWaitOptions,
  EventName,
  EventsOptions,
  Listener,
  ListenOptions,
} from "../dispatcher_options.ts";
export type {
  DisallowedIntentsError,
  DisconnectError,
  GatewayError,
  GatewayErrorOptions,
  InvalidApiVersionError,
  InvalidIntentsError,
  InvalidShardCountError,
  InvalidTokenError,
  RateLimitedError,
  ReconnectCheckFailedError,
  UnhandledCloseCodeError,
} from "../errors.ts";
export type { GatewayEvent, GatewayEventInit } from "../gateway_event.ts";
export type { GatewayQuery } from "../handshake.ts";
export type { HTTPClient } from "../http_client.ts";
export type { HTTPError, HTTPErrorOptions } from "../http_error.ts";
export type {
  ConnectToGatewayOptions,
  CreateMessageOptions,
  GetGatewayOptions,
  GetOptions,
  HTTPClientOptions,
  RequestOptions,
  RequestRetry,
} from "../http_options.ts";
export type { IdentifyLimited, IdentifyQueue, IdentifyQueueOptions } from "../identify_queue.ts";
export type { GatewayIntent } from "../intent.ts";
export type { ListenerErrorData, OnListenerError } from "../listener_error.ts";
export type { MembersByIds, MembersByQuery, MembersQuery, MembersQueryBase } from "../member_query.ts";
export type { MembersRequest } from "../members_request.ts";
export type { GatewayOpcode } from "../opcode.ts";
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
} from "../payload.ts";
export type { MemorySessionStore, Session, SessionStore } from "../session_store.ts";
export type { Shard } from "../shard.ts";
export type { ReconnectingData, RescaledData, RescalingData, ShardEvents, ShardPhase } from "../shard_events.ts";
export type { ShardManager } from "../shard_manager.ts";
export type { RescaleShardsOptions, ShardManagerOptions } from "../shard_manager_options.ts";
export type {
  CloseOptions,
  Compress,
  ConnectOptions,
  RequestGuildMembersOptions,
  SendOptions,
  ShardOptions,
} from "../shard_options.ts";
export type { IdentifyPermit, IdentifyRateLimiter, IdentifyRequest, TimesPer, TimesPerOptions } from "../times_per.ts";
