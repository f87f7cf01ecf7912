import type {
  APIGuildMember,
  APIUser,
  GatewayGuildCreateDispatchData,
  GatewayMessageCreateDispatchData,
  GatewayMessageReactionAddDispatchData,
  GatewayPresenceUpdateDispatchData,
  GatewayReadyDispatchData,
  GatewayTypingStartDispatchData,
} from "discord-api-types/v10";
import { sampleChannel } from "./sample_channels.ts";
import type { SampleChannel } from "./sample_channels.ts";
import { sampleId } from "./sample_id.ts";

/** A user. */
export type SampleUser = APIUser;
/** A member of a guild. */
export type SampleMember = APIGuildMember;
/** The data of GUILD_CREATE. */
export type SampleGuild = GatewayGuildCreateDispatchData;
/** The data of MESSAGE_CREATE. */
export type SampleMessage = GatewayMessageCreateDispatchData;
/** The data of TYPING_START. */
export type SampleTyping = GatewayTypingStartDispatchData;
/** The data of PRESENCE_UPDATE. */
export type SamplePresence = GatewayPresenceUpdateDispatchData;
/** The data of MESSAGE_REACTION_ADD. */
export type SampleReaction = GatewayMessageReactionAddDispatchData;
/** The data of READY. */
export type SampleReady = GatewayReadyDispatchData;

const JOINED_AT = "2020-04-09T00:00:00.000000+00:00";

/** A user with a name. */
export function sampleUser(name: string, overrides: Partial<SampleUser> = {}): SampleUser {
  return {
    id: sampleId(),
    username: name.toLowerCase().replaceAll(/[^a-z0-9_.]/g, "_"),
    global_name: name,
    discriminator: "0",
    avatar: null,
    public_flags: 0 as NonNullable<SampleUser["public_flags"]>,
    ...overrides,
  };
}

/** A member of a guild who is the given user. */
export function sampleMember(user: SampleUser, overrides: Partial<SampleMember> = {}): SampleMember {
  return {
    user,
    nick: null,
    avatar: null,
    banner: null,
    roles: [],
    joined_at: JOINED_AT,
    premium_since: null,
    deaf: false,
    mute: false,
    flags: 0 as SampleMember["flags"],
    pending: false,
    communication_disabled_until: null,
    ...overrides,
  };
}

/** A message of a user in a channel; with `guild_id` it is a guild's, and carries the member. */
export function sampleMessage(
  author: SampleUser,
  channelId: string,
  content: string,
  overrides: Partial<SampleMessage> = {},
): SampleMessage {
  const { user: _, ...member } = sampleMember(author);
  return {
    id: sampleId(),
    channel_id: channelId,
    author,
    content,
    timestamp: new Date().toISOString(),
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    components: [],
    pinned: false,
    type: 0 as SampleMessage["type"],
    flags: 0 as NonNullable<SampleMessage["flags"]>,
    ...(overrides.guild_id === undefined ? {} : { member }),
    ...overrides,
  };
}

/** A user who starts to type in a channel. */
export function sampleTyping(
  user: SampleUser,
  channelId: string,
  overrides: Partial<SampleTyping> = {},
): SampleTyping {
  return {
    channel_id: channelId,
    user_id: user.id,
    timestamp: Math.floor(Date.now() / 1000),
    ...(overrides.guild_id === undefined ? {} : { member: sampleMember(user) }),
    ...overrides,
  };
}

/** A user's presence in a guild. The user is partial: only the id is sure. */
export function samplePresence(
  userId: string,
  guildId: string,
  overrides: Partial<SamplePresence> = {},
): SamplePresence {
  const status = "online" as NonNullable<SamplePresence["status"]>;
  return { user: { id: userId }, guild_id: guildId, status, activities: [], client_status: {}, ...overrides };
}

/** A guild as GUILD_CREATE describes it, with one text channel and one voice channel unless told otherwise. */
export function sampleGuild(name: string, overrides: Partial<SampleGuild> = {}): SampleGuild {
  const id = overrides.id ?? sampleId();
  const channel = (offset: bigint, channelName: string, type: 0 | 2) =>
    sampleChannel(channelName, { id: (BigInt(id) + offset).toString(), guild_id: id, type } as Partial<SampleChannel>);
  const defaults = {
    id,
    name,
    icon: null,
    splash: null,
    discovery_splash: null,
    banner: null,
    description: null,
    owner_id: id,
    region: "local",
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    roles: [],
    emojis: [],
    stickers: [],
    features: [],
    mfa_level: 0,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    vanity_url_code: null,
    premium_tier: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: "en-US",
    nsfw_level: 0,
    hub_type: null,
    incidents_data: null,
    joined_at: JOINED_AT,
    large: false,
    member_count: 1,
    voice_states: [],
    members: [],
    // Below the ids of generated members, which count up from the guild's own.
    channels: [channel(2_000_000n, "general", 0), channel(2_000_001n, "Voice", 2)],
    threads: [],
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
  return { ...defaults, ...overrides } as unknown as SampleGuild;
}

/** A user who reacts to a message: with an emoji as people type it, or a custom one as `name:id`. */
export function sampleReaction(
  user: SampleUser,
  message: Pick<SampleMessage, "id" | "channel_id"> & { guild_id?: string; author?: { id: string } },
  emoji: string,
  overrides: Partial<SampleReaction> = {},
): SampleReaction {
  const { guild_id: guildId, author } = message;
  const reaction = {
    user_id: user.id,
    channel_id: message.channel_id,
    message_id: message.id,
    emoji: sampleEmoji(emoji),
    burst: false,
    burst_colors: [],
    type: 0,
    ...(author === undefined ? {} : { message_author_id: author.id }),
    ...(guildId === undefined ? {} : { guild_id: guildId, member: sampleMember(user) }),
  };
  return { ...reaction, ...overrides } as unknown as SampleReaction;
}

/** The parts of an emoji: `name:id` for a custom one, anything else is the emoji itself. */
export function sampleEmoji(emoji: string): { id: string | null; name: string } {
  const [, name, id] = /^(\w+):(\d+)$/.exec(emoji) ?? [];
  return name === undefined || id === undefined ? { id: null, name: emoji } : { id, name };
}

/** What a bot is told when its session begins: READY, with no guilds unless told otherwise. */
export function sampleReady(bot: SampleUser, overrides: Partial<SampleReady> = {}): SampleReady {
  const ready = {
    v: 10,
    user: { ...bot, bot: true },
    guilds: [],
    session_id: "0123456789abcdef0123456789abcdef",
    resume_gateway_url: "wss://gateway.local.invalid",
    shard: [0, 1],
    application: { id: bot.id, flags: 0 },
  };
  return { ...ready, ...overrides } as unknown as SampleReady;
}
