import type {
  APIGatewayBotInfo,
  APIGatewaySessionStartLimit,
  APIGuildMember,
  APIMessage,
  GatewayActivityUpdateData,
  GatewayDispatchPayload,
  GatewayGuildMembersChunkDispatchData,
  GatewayReadyDispatchData,
  GatewayVoiceStateUpdateData,
  RESTPostAPIChannelMessageJSONBody,
} from "discord-api-types/v10";

/**
 * The envelope of every message on the gateway, with what a frame may leave out filled in as `null`.
 *
 * @see {@link https://discord.com/developers/docs/topics/gateway-events#payload-structure}
 */
export interface GatewayPayload {
  /** What the payload is; see {@linkcode GatewayOpcode}. Numbers that are not listed there are possible. */
  op: number;
  /** The data. */
  d: unknown;
  /** The sequence number of a dispatch, else `null`. */
  s: number | null;
  /** The event name of a dispatch, else `null`. */
  t: string | null;
}

/** A payload as a client sends it. */
export interface SentPayload {
  /** What the payload is; see {@linkcode GatewayOpcode}. */
  op: number;
  /** The data. */
  d: unknown;
}

/** Any dispatch: its event name as `t` and its data as `d`. */
export type DispatchPayload = GatewayDispatchPayload;

/** The data of every dispatch by the event's name on the wire, such as `MESSAGE_CREATE`. */
export type GatewayEvents = { [Dispatch in DispatchPayload as `${Dispatch["t"]}`]: Dispatch["d"] };

/** Every payload by its opcode as text: `"0"` for a dispatch, `"10"` for HELLO, and so on. */
export type RawEvents = { [opcode: `${number}`]: GatewayPayload };

/** Data of READY: a new session. */
export type ReadyData = GatewayReadyDispatchData;

/** One part of the answer to a request for guild members. */
export type GuildMembersChunk = GatewayGuildMembersChunkDispatchData;

/** A member of a guild. */
export type GuildMember = APIGuildMember;

/** The presence a bot shows: status, activities, `since` (milliseconds) and `afk`. */
export interface PresenceUpdateData {
  /** Since when the bot has been idle, in milliseconds since 1970, or `null`. */
  since: number | null;
  /** What it does; most often one activity. */
  activities: ActivityData[];
  /** The word itself will do, without the enum of `discord-api-types` that names it. */
  status: "online" | "dnd" | "idle" | "invisible" | "offline";
  /** Whether it is away from the keyboard. */
  afk: boolean;
}

/** One activity of a presence. A bot may set `name`, `state`, `type` and `url`. */
export type ActivityData = GatewayActivityUpdateData;

/** Where the bot is in voice; a `channel_id` of `null` leaves. */
export type VoiceStateUpdateData = GatewayVoiceStateUpdateData;

/** What `GET /gateway/bot` answers. */
export type GatewayBotInfo = APIGatewayBotInfo;

/** How many sessions may be started: `total`, `remaining`, `reset_after` (milliseconds) and `max_concurrency`. */
export type SessionStartLimit = APIGatewaySessionStartLimit;

/** A message to be posted in a channel. */
export type MessageData = RESTPostAPIChannelMessageJSONBody;

/** A message that was posted in a channel. */
export type Message = APIMessage;
