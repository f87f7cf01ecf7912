import { GatewayIntent } from "../intent.ts";

const {
  Guilds,
  GuildMembers,
  GuildModeration,
  GuildExpressions,
  GuildIntegrations,
  GuildWebhooks,
  GuildInvites,
  GuildVoiceStates,
  GuildPresences,
  GuildMessages,
  GuildMessageReactions,
  GuildMessageTyping,
  DirectMessages,
  DirectMessageReactions,
  DirectMessageTyping,
  MessageContent,
  GuildScheduledEvents,
  AutoModerationConfiguration,
  AutoModerationExecution,
  GuildMessagePolls,
  DirectMessagePolls,
} = GatewayIntent;

/** The bits of all intents that exist. */
export const ALL_INTENTS: number = Object.values(GatewayIntent).reduce((all, bit) => all | bit, 0);

/** The intents of an event in a guild, and of the same event in a direct message; any one bit is enough. */
type Needs = readonly [guild: number, direct?: number];

/** @see {@link https://discord.com/developers/docs/topics/gateway#list-of-intents} */
const NEEDS: ReadonlyMap<string, Needs> = new Map<string, Needs>([
  ...each(
    "GUILD_CREATE GUILD_UPDATE GUILD_DELETE GUILD_ROLE_CREATE GUILD_ROLE_UPDATE GUILD_ROLE_DELETE CHANNEL_CREATE " +
      "CHANNEL_UPDATE CHANNEL_DELETE THREAD_CREATE THREAD_UPDATE THREAD_DELETE THREAD_LIST_SYNC THREAD_MEMBER_UPDATE " +
      "STAGE_INSTANCE_CREATE STAGE_INSTANCE_UPDATE STAGE_INSTANCE_DELETE VOICE_CHANNEL_STATUS_UPDATE " +
      "VOICE_CHANNEL_START_TIME_UPDATE",
    [Guilds],
  ),
  ["CHANNEL_PINS_UPDATE", [Guilds, DirectMessages]],
  // GUILDS brings the bot's own thread memberships, GUILD_MEMBERS everybody's.
  ["THREAD_MEMBERS_UPDATE", [Guilds | GuildMembers]],
  ...each("GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE", [GuildMembers]),
  ...each("GUILD_AUDIT_LOG_ENTRY_CREATE GUILD_BAN_ADD GUILD_BAN_REMOVE", [GuildModeration]),
  ...each(
    "GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE GUILD_SOUNDBOARD_SOUND_CREATE GUILD_SOUNDBOARD_SOUND_UPDATE " +
      "GUILD_SOUNDBOARD_SOUND_DELETE GUILD_SOUNDBOARD_SOUNDS_UPDATE",
    [GuildExpressions],
  ),
  ...each("GUILD_INTEGRATIONS_UPDATE INTEGRATION_CREATE INTEGRATION_UPDATE INTEGRATION_DELETE", [GuildIntegrations]),
  ["WEBHOOKS_UPDATE", [GuildWebhooks]],
  ...each("INVITE_CREATE INVITE_DELETE", [GuildInvites]),
  ...each("VOICE_STATE_UPDATE VOICE_CHANNEL_EFFECT_SEND", [GuildVoiceStates]),
  ["PRESENCE_UPDATE", [GuildPresences]],
  ...each("MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE MESSAGE_DELETE_BULK", [GuildMessages, DirectMessages]),
  ...each(
    "MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI",
    [GuildMessageReactions, DirectMessageReactions],
  ),
  ["TYPING_START", [GuildMessageTyping, DirectMessageTyping]],
  ...each(
    "GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE GUILD_SCHEDULED_EVENT_DELETE " +
      "GUILD_SCHEDULED_EVENT_USER_ADD GUILD_SCHEDULED_EVENT_USER_REMOVE",
    [GuildScheduledEvents],
  ),
  ...each(
    "AUTO_MODERATION_RULE_CREATE AUTO_MODERATION_RULE_UPDATE AUTO_MODERATION_RULE_DELETE",
    [AutoModerationConfiguration],
  ),
  ["AUTO_MODERATION_ACTION_EXECUTION", [AutoModerationExecution]],
  ...each("MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE", [GuildMessagePolls, DirectMessagePolls]),
]);

function each(names: string, needs: Needs): [string, Needs][] {
  return names.split(" ").map((name) => [name, needs]);
}

/** An object whose keys are not known. */
export type Fields = Record<string, unknown>;

/** Whether a value is an object with keys: neither `null` nor an array. */
export function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The guild an event belongs to, or `null` for one that only shard 0 receives. */
export function guildOf(event: string, data: unknown): string | null {
  if (!isFields(data)) return null;
  // These three are guild objects: the id is the guild's own.
  const id = event === "GUILD_CREATE" || event === "GUILD_UPDATE" || event === "GUILD_DELETE" ? data.id : data.guild_id;
  return typeof id === "string" ? id : null;
}

/** The shard that receives the events of a guild. */
export function shardOf(guildId: string, shardCount: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}

/** Whether a session with the given intents receives an event. Names that are not known always pass. */
export function isSubscribed(
  intents: number,
  event: string,
  data: unknown,
  guildId: string | null,
  botId: string,
): boolean {
  const needs = NEEDS.get(event);
  if (needs === undefined) return true;
  // "… for the bot itself" is sent whatever the intents.
  if (event === "GUILD_MEMBER_UPDATE" && isFields(data) && isFields(data.user) && data.user.id === botId) return true;
  return (intents & (guildId === null ? needs[1] ?? needs[0] : needs[0])) !== 0;
}

/** The data as a session without MESSAGE_CONTENT sees it; the same object where nothing has to be hidden. */
export function visibleData(intents: number, event: string, data: unknown, botId: string): unknown {
  if ((intents & MessageContent) !== 0 || !isFields(data)) return data;
  if (event === "AUTO_MODERATION_ACTION_EXECUTION") return { ...data, content: "", matched_content: "" };
  return event === "MESSAGE_CREATE" || event === "MESSAGE_UPDATE" ? withoutContent(data, botId) : data;
}

/** Exceptions: the bot's own messages, direct messages with it, and messages that mention it. */
function withoutContent(message: Fields, botId: string): Fields {
  const author = isFields(message.author) ? message.author.id : undefined;
  const mentions = Array.isArray(message.mentions) ? message.mentions : [];
  if (author === botId || typeof message.guild_id !== "string") return message;
  if (mentions.some((user) => isFields(user) && user.id === botId)) return message;
  const { poll: _, ...rest } = message;
  return { ...rest, content: "", embeds: [], attachments: [], components: [] };
}
