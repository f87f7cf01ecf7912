import type {
  APIRole,
  GatewayChannelCreateDispatchData,
  GatewayThreadCreateDispatchData,
  GatewayVoiceStateUpdateDispatchData,
} from "discord-api-types/v10";
import { sampleId } from "./sample_id.ts";

/** The data of CHANNEL_CREATE, CHANNEL_UPDATE and CHANNEL_DELETE. */
export type SampleChannel = GatewayChannelCreateDispatchData;
/** The data of THREAD_CREATE and THREAD_UPDATE. */
export type SampleThread = GatewayThreadCreateDispatchData;
/** A role of a guild. */
export type SampleRole = APIRole;
/** The data of VOICE_STATE_UPDATE. */
export type SampleVoiceState = GatewayVoiceStateUpdateDispatchData;

/** A channel of a guild: one for text, unless `type` says otherwise. */
export function sampleChannel(name: string, overrides: Partial<SampleChannel> = {}): SampleChannel {
  const channel = {
    id: sampleId(),
    guild_id: sampleId(),
    name,
    type: 0,
    position: 0,
    permission_overwrites: [],
    nsfw: false,
    topic: null,
    rate_limit_per_user: 0,
    last_message_id: null,
    parent_id: null,
  };
  return { ...channel, ...overrides } as unknown as SampleChannel;
}

/** A public thread below a channel. */
export function sampleThread(
  name: string,
  parent: { id: string; guild_id?: string },
  overrides: Partial<SampleThread> = {},
): SampleThread {
  const now = new Date().toISOString();
  const thread = {
    id: sampleId(),
    guild_id: parent.guild_id,
    parent_id: parent.id,
    owner_id: sampleId(),
    name,
    type: 11,
    last_message_id: null,
    rate_limit_per_user: 0,
    message_count: 0,
    member_count: 1,
    total_message_sent: 0,
    flags: 0,
    newly_created: true,
    thread_metadata: {
      archived: false,
      archive_timestamp: now,
      auto_archive_duration: 1440,
      locked: false,
      create_timestamp: now,
    },
  };
  return { ...thread, ...overrides } as unknown as SampleThread;
}

/** A role without permissions. */
export function sampleRole(name: string, overrides: Partial<SampleRole> = {}): SampleRole {
  const role = {
    id: sampleId(),
    name,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    icon: null,
    unicode_emoji: null,
    position: 1,
    permissions: "0",
    managed: false,
    mentionable: false,
    flags: 0,
  };
  return { ...role, ...overrides } as unknown as SampleRole;
}

/** A user in a voice channel, or with `null` one who has left it. */
export function sampleVoiceState(
  userId: string,
  guildId: string,
  channelId: string | null,
  overrides: Partial<SampleVoiceState> = {},
): SampleVoiceState {
  const state = {
    guild_id: guildId,
    channel_id: channelId,
    user_id: userId,
    session_id: "0123456789abcdef0123456789abcdef",
    deaf: false,
    mute: false,
    self_deaf: false,
    self_mute: false,
    self_video: false,
    suppress: false,
    request_to_speak_timestamp: null,
  };
  return { ...state, ...overrides } as unknown as SampleVoiceState;
}
