import { Buffer } from "node:buffer";
import { GatewayIntent } from "../intent.ts";
import { GatewayOpcode } from "../opcode.ts";
import { isFields, shardOf } from "./event_rules.ts";
import type { Fields } from "./event_rules.ts";
import type { Hub } from "./hub.ts";
import { presenceFault } from "./identify_rules.ts";
import type { SampleMember } from "./samples.ts";
import type { Session } from "./session.ts";
import type { Guild } from "./world.ts";

const { PresenceUpdate, VoiceStateUpdate, RequestGuildMembers, RequestSoundboardSounds, RequestChannelInfo } =
  GatewayOpcode;

const MEMBERS_PER_CHUNK = 1000;
const MEMBERS_BY_QUERY_OR_ID = 100;
const NONCE_BYTES = 32;

/** Whether an opcode is one a client with a session may send, besides heartbeats. */
export function isCommand(op: number): boolean {
  return op === PresenceUpdate || op === VoiceStateUpdate || op === RequestGuildMembers ||
    op === RequestSoundboardSounds || op === RequestChannelInfo;
}

/** What is wrong with the data of a command, or `null`. */
export function commandFault(op: number, d: unknown): string | null {
  if (!isFields(d)) return "data is not an object";
  switch (op) {
    case PresenceUpdate:
      return presenceFault(d);
    case VoiceStateUpdate:
      if (!isSnowflake(d.guild_id)) return "guild_id is not a snowflake";
      if (d.channel_id !== null && !isSnowflake(d.channel_id)) return "channel_id is neither null nor a snowflake";
      return typeof d.self_mute === "boolean" && typeof d.self_deaf === "boolean" ? null : "self_mute or self_deaf";
    case RequestGuildMembers:
      return membersFault(d);
    case RequestSoundboardSounds:
      return isList(d.guild_ids, isSnowflake) ? null : "guild_ids is not a list of snowflakes";
    case RequestChannelInfo:
      if (!isSnowflake(d.guild_id)) return "guild_id is not a snowflake";
      return isList(d.fields, (field) => field === "status" || field === "voice_start_time") ? null : "fields";
    default:
      return "not a command";
  }
}

function membersFault(d: Fields): string | null {
  if (!isSnowflake(d.guild_id)) return "guild_id is not a snowflake";
  if (d.nonce !== undefined && typeof d.nonce !== "string") return "nonce is not a string";
  if (d.presences !== undefined && typeof d.presences !== "boolean") return "presences is not a boolean";
  if (d.query !== undefined) {
    if (typeof d.query !== "string") return "query is not a string";
    return Number.isInteger(d.limit) && (d.limit as number) >= 0 ? null : "query without limit";
  }
  if (d.user_ids === undefined) return "neither query nor user_ids";
  // An id that is not a snowflake is answered in not_found, as a number.
  return typeof d.user_ids === "string" || isList(d.user_ids, (id) => typeof id === "string") ? null : "user_ids";
}

function isSnowflake(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,20}$/.test(value);
}

function isList(value: unknown, check: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.every(check);
}

/** Answers a command whose data is right, and returns what a client should not have done all the same. */
export function answerCommand(hub: Hub, session: Session, op: number, d: unknown): string[] {
  const data = d as Fields;
  switch (op) {
    case VoiceStateUpdate:
      answerVoiceState(hub, session, data);
      return [];
    case RequestGuildMembers:
      return answerMembers(hub, session, data);
    case RequestSoundboardSounds:
      for (const id of data.guild_ids as string[]) answerSounds(hub, session, id);
      return [];
    case RequestChannelInfo:
      answerChannelInfo(hub, session, data);
      return [];
    default:
      // A presence shows to others, not to the bot itself.
      return [];
  }
}

/** The guild, where it belongs to the session's shard: about others the gateway keeps silent. */
function guildFor(hub: Hub, session: Session, guildId: string): Guild | undefined {
  const [shardId, shardCount] = session.shard;
  return shardOf(guildId, shardCount) === shardId ? hub.world.guilds.get(guildId) : undefined;
}

function answer(hub: Hub, session: Session, event: string, data: unknown): void {
  hub.deliver(session, event, JSON.stringify(data));
}

function answerVoiceState(hub: Hub, session: Session, d: Fields): void {
  const guild = guildFor(hub, session, d.guild_id as string);
  if (guild === undefined) return;
  if ((session.intents & GatewayIntent.GuildVoiceStates) !== 0) {
    answer(hub, session, "VOICE_STATE_UPDATE", {
      guild_id: guild.id,
      channel_id: d.channel_id,
      user_id: hub.world.bot.id,
      member: hub.world.member(guild, 0),
      session_id: hub.random.hex(32),
      deaf: false,
      mute: false,
      self_deaf: d.self_deaf,
      self_mute: d.self_mute,
      self_video: false,
      suppress: false,
      request_to_speak_timestamp: null,
    });
  }
  if (d.channel_id === null) return;
  const server = { token: hub.random.hex(16), guild_id: guild.id, endpoint: "voice.local:443" };
  answer(hub, session, "VOICE_SERVER_UPDATE", server);
}

function answerSounds(hub: Hub, session: Session, guildId: string): void {
  const guild = guildFor(hub, session, guildId);
  if (guild === undefined) return;
  const sound = {
    name: "Quack",
    sound_id: (BigInt(guild.id) + 3_000_000n).toString(),
    volume: 1,
    emoji_id: null,
    emoji_name: "🦆",
    guild_id: guild.id,
    available: true,
  };
  answer(hub, session, "SOUNDBOARD_SOUNDS", { guild_id: guild.id, soundboard_sounds: [sound] });
}

function answerChannelInfo(hub: Hub, session: Session, d: Fields): void {
  const guild = guildFor(hub, session, d.guild_id as string);
  if (guild === undefined) return;
  const fields = d.fields as string[];
  const channels = guild.data.channels.filter((channel) => channel.type as number === 2).map(({ id }) => ({
    id,
    ...(fields.includes("status") ? { status: null } : {}),
    ...(fields.includes("voice_start_time") ? { voice_start_time: null } : {}),
  }));
  answer(hub, session, "CHANNEL_INFO", { guild_id: guild.id, channels });
}

function answerMembers(hub: Hub, session: Session, d: Fields): string[] {
  const warnings: string[] = [];
  const nonce = d.nonce as string | undefined;
  // "Nonce can only be up to 32 bytes. If you send an invalid nonce it will be ignored."
  const nonceFits = nonce !== undefined && Buffer.byteLength(nonce) <= NONCE_BYTES;
  if (nonce !== undefined && !nonceFits) warnings.push(`a nonce of ${Buffer.byteLength(nonce)} bytes was sent`);
  const echo = nonceFits ? { nonce } : {};
  const guild = guildFor(hub, session, d.guild_id as string);
  const full = d.query === "" && d.limit === 0;
  if (guild === undefined || (full && (session.intents & GatewayIntent.GuildMembers) === 0)) return warnings;
  if (full) {
    const waitMs = hub.takeFullRequest(guild.id);
    if (waitMs > 0) {
      answer(hub, session, "RATE_LIMITED", {
        opcode: RequestGuildMembers,
        retry_after: waitMs / 1000,
        meta: { guild_id: guild.id, ...echo },
      });
      return warnings;
    }
  }
  const { members, notFound } = findMembers(hub, guild, d, warnings);
  const presences = d.presences === true && (session.intents & GatewayIntent.GuildPresences) !== 0;
  const chunkCount = Math.max(1, Math.ceil(members.length / MEMBERS_PER_CHUNK));
  const chunks = Array.from({ length: chunkCount }, (_, index) => {
    const part = members.slice(index * MEMBERS_PER_CHUNK, (index + 1) * MEMBERS_PER_CHUNK);
    return {
      guild_id: guild.id,
      members: part,
      chunk_index: index,
      chunk_count: chunkCount,
      ...(notFound === null ? {} : { not_found: notFound }),
      ...(presences ? { presences: part.map((member) => hub.world.presence(guild, member)) } : {}),
      ...echo,
    };
  });
  for (const chunk of hub.options.chunkOrder === "shuffled" ? hub.random.shuffled(chunks) : chunks) {
    if (hub.faults.lostChunks > 0) hub.faults.lostChunks--;
    else answer(hub, session, "GUILD_MEMBERS_CHUNK", chunk);
  }
  return warnings;
}

function findMembers(
  hub: Hub,
  guild: Guild,
  d: Fields,
  warnings: string[],
): { members: SampleMember[]; notFound: (string | number)[] | null } {
  const members: SampleMember[] = [];
  // Where both are sent, query wins.
  if (typeof d.query === "string") {
    if (d.user_ids !== undefined) warnings.push("query and user_ids were sent together");
    const prefix = d.query.toLowerCase();
    const full = prefix === "" && d.limit === 0;
    const limit = full ? Infinity : Math.min(d.limit as number || MEMBERS_BY_QUERY_OR_ID, MEMBERS_BY_QUERY_OR_ID);
    for (const member of hub.world.members(guild)) {
      if (members.length >= limit) break;
      if (member.user.username.toLowerCase().startsWith(prefix)) members.push(member);
    }
    return { members, notFound: null };
  }
  const ids = typeof d.user_ids === "string" ? [d.user_ids] : d.user_ids as string[];
  if (ids.length > MEMBERS_BY_QUERY_OR_ID) warnings.push(`${ids.length} user_ids were sent`);
  const notFound: (string | number)[] = [];
  for (const id of ids.slice(0, MEMBERS_BY_QUERY_OR_ID)) {
    const member = hub.world.memberById(guild, id);
    if (member !== undefined) members.push(member);
    // An id that is not of a snowflake's size comes back as a number.
    else notFound.push(/^\d{1,15}$/.test(id) ? Number(id) : id);
  }
  return { members, notFound };
}
