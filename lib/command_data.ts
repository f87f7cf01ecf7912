import { checkArray, checkBoolean, checkObject, checkSnowflake, checkString, checkWord, refuse } from "./check.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { PresenceUpdateData, SentPayload, VoiceStateUpdateData } from "./payload.ts";

/** What can be asked about a guild's channels. */
export type ChannelInfoField = "status" | "voice_start_time";

const STATUSES: readonly unknown[] = ["online", "dnd", "idle", "invisible", "offline"];

const CHANNEL_INFO_FIELDS: readonly unknown[] = ["status", "voice_start_time"];

/**
 * Puts op 3 together.
 *
 * @throws {TypeError} If the presence is not one.
 * @see {@link https://discord.com/developers/docs/events/gateway-events#update-presence}
 */
export function presencePayload(presence: PresenceUpdateData): SentPayload {
  const { status, activities, afk = false, since = null } = presence ?? {};
  checkWord("update the presence: status", status, STATUSES);
  checkArray("update the presence: activities", activities);
  activities.forEach(checkActivity);
  checkBoolean("update the presence: afk", afk);
  if (since !== null && typeof since !== "number") refuse("update the presence: since", "a number or null", since);
  return { op: GatewayOpcode.PresenceUpdate, d: { since, activities, status, afk } };
}

/** The gateway closes with 4001 or 4002 on what is none. @throws {TypeError} If it is none. */
function checkActivity(activity: PresenceUpdateData["activities"][number], index: number): void {
  const subject = `update the presence: activities[${index}]`;
  checkObject(subject, activity);
  const { name, type, state, url } = activity;
  checkString(`${subject}.name`, name);
  if (!Number.isSafeInteger(type)) refuse(`${subject}.type`, "a whole number", type);
  for (const [field, value] of Object.entries({ state, url })) {
    if (value !== undefined && value !== null) checkString(`${subject}.${field}`, value);
  }
}

/**
 * Puts op 4 together.
 *
 * @throws {TypeError} If the update is not one.
 * @see {@link https://discord.com/developers/docs/events/gateway-events#update-voice-state}
 */
export function voiceStatePayload(update: VoiceStateUpdateData): SentPayload {
  const { guild_id, channel_id, self_mute, self_deaf } = update ?? {};
  checkSnowflake("update the voice state: guild_id", guild_id);
  if (channel_id !== null) checkSnowflake("update the voice state: channel_id", channel_id);
  for (const [name, value] of Object.entries({ self_mute, self_deaf })) {
    checkBoolean(`update the voice state: ${name}`, value);
  }
  return { op: GatewayOpcode.VoiceStateUpdate, d: { guild_id, channel_id, self_mute, self_deaf } };
}

/**
 * Puts op 31 together.
 *
 * @throws {TypeError} If an id is not a snowflake, or there is none.
 * @see {@link https://discord.com/developers/docs/events/gateway-events#request-soundboard-sounds}
 */
export function soundboardSoundsPayload(guildIds: readonly string[]): SentPayload {
  checkArray("request soundboard sounds: guildIds", guildIds);
  if (guildIds.length === 0) refuse("request soundboard sounds: guildIds", "an array of ids", guildIds);
  for (const id of guildIds) checkSnowflake("request soundboard sounds: guildIds", id);
  return { op: GatewayOpcode.RequestSoundboardSounds, d: { guild_ids: guildIds } };
}

/**
 * Puts op 43 together.
 *
 * @throws {TypeError} If the id is not a snowflake, or a field is unknown, or there is none.
 * @see {@link https://discord.com/developers/docs/events/gateway-events#request-channel-info}
 */
export function channelInfoPayload(guildId: string, fields: readonly ChannelInfoField[]): SentPayload {
  checkSnowflake("request channel info: guildId", guildId);
  checkArray("request channel info: fields", fields);
  if (fields.length === 0) refuse("request channel info: fields", "an array of names", fields);
  for (const field of fields) checkWord("request channel info: fields", field, CHANNEL_INFO_FIELDS);
  return { op: GatewayOpcode.RequestChannelInfo, d: { guild_id: guildId, fields } };
}
