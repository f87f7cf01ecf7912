import type {
  APIApplicationCommandInteractionDataOption,
  APIChatInputApplicationCommandInteraction,
  APIGuildMember,
  APIUser,
  GatewayGuildCreateDispatchData,
  GatewayMessageCreateDispatchData,
  GatewayPresenceUpdateDispatchData,
  GatewayTypingStartDispatchData,
} from "discord-api-types/v10";

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
/** The data of INTERACTION_CREATE for a slash command. */
export type SampleInteraction = APIChatInputApplicationCommandInteraction;
/** An option of a slash command, as it was filled in. */
export type SampleInteractionOption = APIApplicationCommandInteractionDataOption;

const DISCORD_EPOCH_MS = 1_420_070_400_000;
const JOINED_AT = "2020-04-09T00:00:00.000000+00:00";

let increment = 0;

/**
 * A new snowflake for a moment, unique in this process.
 *
 * @example
 * ```ts
 * import { sampleId } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const id = sampleId(1_700_000_000_000);
 * assertEquals(Number(BigInt(id) >> 22n) + 1_420_070_400_000, 1_700_000_000_000);
 * ```
 */
export function sampleId(atMs: number = Date.now()): string {
  increment = (increment + 1) % 4_194_304;
  return ((BigInt(Math.max(0, Math.floor(atMs) - DISCORD_EPOCH_MS)) << 22n) | BigInt(increment)).toString();
}

/** Begins to count anew, so that a run that found something can be played again. */
export function restartSampleIds(): void {
  increment = 0;
}

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
  const channel = (offset: bigint, channelName: string, type: 0 | 2): SampleGuild["channels"][number] =>
    ({
      id: (BigInt(id) + offset).toString(),
      guild_id: id,
      name: channelName,
      type,
      position: 0,
      permission_overwrites: [],
      nsfw: false,
      topic: null,
      rate_limit_per_user: 0,
      last_message_id: null,
      parent_id: null,
    }) as unknown as SampleGuild["channels"][number];
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

/** A slash command that a user invoked. */
export function sampleInteraction(
  user: SampleUser,
  command: string,
  options: {
    applicationId: string;
    channelId: string;
    guildId?: string | undefined;
    commandId?: string | undefined;
    options?: SampleInteractionOption[] | undefined;
  },
): SampleInteraction {
  const { guildId } = options;
  const interaction = {
    id: sampleId(),
    application_id: options.applicationId,
    type: 2,
    token: `interaction-${sampleId()}`,
    version: 1,
    data: { id: options.commandId ?? sampleId(), name: command, type: 1, options: options.options ?? [] },
    channel_id: options.channelId,
    channel: { id: options.channelId, type: guildId === undefined ? 1 : 0 },
    locale: "en-US",
    app_permissions: "2248473465835073",
    authorizing_integration_owners: { 0: guildId ?? "0" },
    context: guildId === undefined ? 1 : 0,
    entitlements: [],
    attachment_size_limit: 10_485_760,
    ...(guildId === undefined
      ? { user }
      : { guild_id: guildId, guild_locale: "en-US", member: { ...sampleMember(user), permissions: "0" } }),
  };
  return interaction as unknown as SampleInteraction;
}
