import { MessageLog } from "./message_log.ts";
import { Newest } from "./newest.ts";
import { sampleId } from "./sample_id.ts";
import { sampleGuild, sampleMember, samplePresence, sampleUser } from "./samples.ts";
import type { SampleGuild, SampleMember, SamplePresence, SampleUser } from "./samples.ts";
import { shardOf } from "./event_rules.ts";

/** A guild the bot is in, as `LocalGatewayOptions.guilds` describes it. */
export interface LocalGuild {
  /** Its id; it decides the shard. Made up where not given, so that guild `i` falls on shard `i % shardCount`. */
  id?: string | undefined;
  /**
   * Its name.
   *
   * @default {"Guild 1"}, and so on
   */
  name?: string | undefined;
  /**
   * How many members it has, the bot included; the others are made up as `member_1`, `member_2`, and so on.
   *
   * @default {3}
   */
  memberCount?: number | undefined;
  /**
   * Whether it is in outage: then GUILD_DELETE with `unavailable: true` comes where GUILD_CREATE would, and
   * `gateway.restoreGuild()` ends the outage.
   *
   * @default {false}
   */
  unavailable?: boolean | undefined;
}

/** A guild with everything filled in. */
export interface Guild {
  id: string;
  name: string;
  memberCount: number;
  unavailable: boolean;
  data: SampleGuild;
  /** Who joined, besides the members that are made up. */
  joined: Map<string, SampleMember>;
}

/** Guild `i` is on shard `i % n` for every `n` up to 12, and for the powers of two up to 128. */
const FIRST_GUILD_MS = 166_320_000_000n;
const GUILD_ABOVE_75000 = 75_000;

/** Who and what there is: the bot, its guilds, their channels and members, and users. */
export class World {
  /** The bot's user. */
  readonly bot: SampleUser = sampleUser("Local bot", { bot: true });
  /** The application; its id is the bot's. */
  readonly applicationId: string = this.bot.id;
  /** The guilds by id. */
  readonly guilds: Map<string, Guild> = new Map<string, Guild>();
  /** The slash commands by name. */
  readonly commands: Map<string, Record<string, unknown>> = new Map<string, Record<string, unknown>>();
  /** The newest interactions that were sent, by id, with the token an answer must carry. */
  readonly interactions: Newest<PendingInteraction> = new Newest();
  /** The newest messages. */
  readonly messages: MessageLog = new MessageLog();
  readonly #users = new Map<string, SampleUser>();
  readonly #directChannels = new Map<string, string>();
  readonly #channels = new Map<string, string>();

  /** Makes the guilds: so many, or as described. */
  constructor(guilds: number | readonly LocalGuild[]) {
    const described = typeof guilds === "number" ? Array.from({ length: guilds }, () => ({})) : guilds;
    for (const [index, guild] of described.entries()) this.#add(guild, index);
  }

  #add(description: LocalGuild, index: number): void {
    const { id = ((FIRST_GUILD_MS + BigInt(index)) << 22n).toString(), memberCount = 3 } = description;
    const name = description.name ?? `Guild ${index + 1}`;
    const data = sampleGuild(name, { id, member_count: memberCount });
    this.guilds.set(id, {
      id,
      name,
      memberCount,
      unavailable: description.unavailable ?? false,
      data,
      joined: new Map(),
    });
    for (const channel of data.channels) this.#channels.set(channel.id, id);
  }

  /** The same user for the same name. */
  user(name: string): SampleUser {
    const user = this.#users.get(name) ?? sampleUser(name);
    this.#users.set(name, user);
    return user;
  }

  /** A user by id, who has been named before. */
  userById(id: string): SampleUser | undefined {
    return [...this.#users.values()].find((user) => user.id === id);
  }

  /** The direct channel of a user with the bot. */
  directChannelOf(userId: string): string {
    const id = this.#directChannels.get(userId) ?? sampleId();
    this.#directChannels.set(userId, id);
    return id;
  }

  /** The guild of a channel; `undefined` for direct messages. */
  guildOfChannel(channelId: string): string | undefined {
    return this.#channels.get(channelId);
  }

  /** What events in a channel say about its guild. */
  guildFields(channelId: string): { guild_id?: string } {
    const guildId = this.guildOfChannel(channelId);
    return guildId === undefined ? {} : { guild_id: guildId };
  }

  /** The channel people talk in where nobody says which: the first guild's, or else a direct one. */
  get defaultChannelId(): string {
    const [first] = this.#channels.keys();
    return first ?? this.directChannelId;
  }

  /** The direct channel with the bot. */
  get directChannelId(): string {
    return (BigInt(this.bot.id) + 1n).toString();
  }

  /** The guilds of a shard. */
  guildsOf(shardId: number, shardCount: number): Guild[] {
    return [...this.guilds.values()].filter((guild) => shardOf(guild.id, shardCount) === shardId);
  }

  /** Member `index` of a guild: the bot is number 0. */
  member(guild: Guild, index: number): SampleMember {
    if (index === 0) return sampleMember(this.bot);
    const id = (BigInt(guild.id) + BigInt(index)).toString();
    return sampleMember(sampleUser(`member_${index}`, { id }));
  }

  /** All members of a guild. */
  *members(guild: Guild): Generator<SampleMember> {
    for (let index = 0; index < guild.memberCount; index++) yield this.member(guild, index);
    yield* guild.joined.values();
  }

  /** The member with an id, if there is one. */
  memberById(guild: Guild, userId: string): SampleMember | undefined {
    if (userId === this.bot.id) return this.member(guild, 0);
    const joined = guild.joined.get(userId);
    if (joined !== undefined) return joined;
    if (!/^\d{1,20}$/.test(userId)) return undefined;
    const index = BigInt(userId) - BigInt(guild.id);
    return index > 0n && index < BigInt(guild.memberCount) ? this.member(guild, Number(index)) : undefined;
  }

  /** The presence of a member. Every fourth is online. */
  presence(guild: Guild, member: SampleMember): SamplePresence {
    const online = member.user.id === this.bot.id || (BigInt(member.user.id) - BigInt(guild.id)) % 4n === 0n;
    const status = (online ? "online" : "offline") as NonNullable<SamplePresence["status"]>;
    return samplePresence(member.user.id, guild.id, { status });
  }

  /**
   * The GUILD_CREATE of a guild. Without GUILD_PRESENCES, or above 75,000 members, only the bot is listed; above the
   * large threshold only who is online; else everyone.
   */
  guildCreate(guild: Guild, presences: boolean, largeThreshold: number): SampleGuild {
    const memberCount = guild.memberCount + guild.joined.size;
    const large = memberCount > largeThreshold;
    const data = { ...guild.data, large, member_count: memberCount };
    if (!presences || memberCount > GUILD_ABOVE_75000) return { ...data, members: [this.member(guild, 0)] };
    const all = [...this.members(guild)].map((member) => ({ member, presence: this.presence(guild, member) }));
    const online = all.filter(({ presence }) => presence.status !== "offline");
    return {
      ...data,
      members: (large ? online : all).map(({ member }) => member),
      presences: online.map(({ presence }) => presence),
    };
  }
}

/** An interaction that was sent, and what became of it. */
export interface PendingInteraction {
  id: string;
  token: string;
  /** The type of the interaction: 2 is a command, 3 a component, 5 a modal. */
  type: number;
  channelId: string;
  /** The message whose component was used. */
  messageId?: string | undefined;
  sentAtMs: number;
  /** The message that was the first answer, `null` where that was none; not there before the answer. */
  originalId?: string | null;
  followUpIds: Set<string>;
}
