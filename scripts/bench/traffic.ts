/**
 * Makes up the traffic that the benchmarks replay: the same for the same seed, with the mixture and the sizes of a busy
 * bot.
 *
 * @module
 */

/** What a stream is made of. */
export interface TrafficOptions {
  /** How many events. */
  count: number;
  /** Sends only events of this name. */
  only?: EventKind | undefined;
  /** After how many events a {@linkcode MARK} stands. */
  marks?: readonly number[] | undefined;
  /** @default {42} */
  seed?: number | undefined;
}

/** The name of the event that tells a client to start or to stop its clock. */
export const MARK = "BENCHMARK_MARK";

/** The events of the mixture. */
export type EventKind = "PRESENCE_UPDATE" | "MESSAGE_CREATE" | "TYPING_START" | "GUILD_CREATE";

/** The same, as a list. */
export const EVENT_KINDS: readonly EventKind[] = ["PRESENCE_UPDATE", "MESSAGE_CREATE", "TYPING_START", "GUILD_CREATE"];

/** Every how many events a guild comes. */
const GUILD_EVERY = 1_000;

const WORDS =
  ("the a of to and in is it you that he was for on are with as his they be at one have this from or had by " +
    "hot but some what there we can out other were all your when up use word how said an each she which do their time if " +
    "will way about many then them would write like so these her long make thing see him two has look more day could go " +
    "come did my sound no most number who over know water than call first people may down side been now find").split(
      " ",
    );

/** The JSON of each dispatch, as Discord writes it: `t`, `s`, `op`, `d`. */
export function* traffic(options: TrafficOptions): Generator<string> {
  const { count, only, marks = [], seed = 42 } = options;
  const random = mulberry32(seed);
  let s = 1;
  for (let at = 1; at <= count; at++) {
    const kind = only ?? kindAt(at, random);
    yield `{"t":"${kind}","s":${++s},"op":0,"d":${JSON.stringify(MAKERS[kind](random))}}`;
    if (marks.includes(at)) yield `{"t":"${MARK}","s":${++s},"op":0,"d":null}`;
  }
}

/** 45 % presences, 40 % messages, 15 % typing, and a guild now and then. */
function kindAt(at: number, random: () => number): EventKind {
  if (at % GUILD_EVERY === 0) return "GUILD_CREATE";
  const share = random();
  return share < 0.45 ? "PRESENCE_UPDATE" : share < 0.85 ? "MESSAGE_CREATE" : "TYPING_START";
}

const MAKERS: Record<EventKind, (random: () => number) => unknown> = {
  PRESENCE_UPDATE: presence,
  MESSAGE_CREATE: message,
  TYPING_START: typing,
  GUILD_CREATE: guild,
};

function presence(random: () => number): unknown {
  return {
    user: { id: snowflake(random) },
    status: pick(random, ["online", "idle", "dnd", "offline"]),
    guild_id: snowflake(random),
    client_status: { desktop: "online" },
    broadcast: null,
    activities: [{
      type: 0,
      timestamps: { start: 1_690_000_000_000 + Math.floor(random() * 1e9) },
      name: sentence(random, 3),
      id: hex(random, 16),
      created_at: 1_690_000_000_000 + Math.floor(random() * 1e9),
      application_id: snowflake(random),
      details: sentence(random, 4),
      state: sentence(random, 5),
      assets: { large_image: hex(random, 32), large_text: sentence(random, 3) },
    }],
  };
}

function message(random: () => number): unknown {
  return {
    type: 0,
    tts: false,
    timestamp: time(random),
    pinned: false,
    nonce: snowflake(random),
    mentions: [],
    mention_roles: [],
    mention_everyone: false,
    member: member(random, false),
    id: snowflake(random),
    flags: 0,
    embeds: [],
    edited_timestamp: null,
    content: sentence(random, 60 + Math.floor(random() * 80)),
    components: [],
    channel_id: snowflake(random),
    channel_type: 0,
    author: user(random),
    attachments: [],
    guild_id: snowflake(random),
    referenced_message: random() < 0.3
      ? { id: snowflake(random), content: sentence(random, 15), author: user(random), timestamp: time(random) }
      : null,
  };
}

function typing(random: () => number): unknown {
  return {
    user_id: snowflake(random),
    timestamp: 1_690_000_000,
    member: { ...member(random, true) as object, roles: Array.from({ length: 8 }, () => snowflake(random)) },
    channel_id: snowflake(random),
    guild_id: snowflake(random),
  };
}

function guild(random: () => number): unknown {
  return {
    id: snowflake(random),
    name: sentence(random, 3),
    joined_at: time(random),
    large: true,
    unavailable: false,
    member_count: 460,
    members: Array.from({ length: 460 }, () => member(random, true)),
    channels: Array.from({ length: 120 }, (_, position) => ({
      id: snowflake(random),
      type: 0,
      position,
      name: sentence(random, 2),
      topic: sentence(random, 10),
      parent_id: snowflake(random),
      permission_overwrites: [{ id: snowflake(random), type: 0, allow: "0", deny: "1024" }],
    })),
    roles: Array.from({ length: 60 }, (_, position) => ({
      id: snowflake(random),
      name: sentence(random, 1),
      position,
      color: Math.floor(random() * 0xffffff),
      permissions: String(Math.floor(random() * 2 ** 40)),
      hoist: false,
      managed: false,
      mentionable: false,
    })),
  };
}

function member(random: () => number, withUser: boolean): unknown {
  return {
    roles: [snowflake(random), snowflake(random)],
    premium_since: null,
    pending: false,
    nick: random() < 0.3 ? sentence(random, 1) : null,
    mute: false,
    joined_at: time(random),
    flags: 0,
    deaf: false,
    communication_disabled_until: null,
    avatar: null,
    ...(withUser ? { user: user(random) } : {}),
  };
}

function user(random: () => number): unknown {
  return {
    username: sentence(random, 1) + Math.floor(random() * 1000),
    public_flags: 0,
    id: snowflake(random),
    global_name: sentence(random, 2),
    display_name: sentence(random, 2),
    discriminator: "0",
    bot: false,
    avatar_decoration_data: null,
    avatar: hex(random, 32),
  };
}

function sentence(random: () => number, words: number): string {
  return Array.from({ length: words }, () => pick(random, WORDS)).join(" ");
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

function snowflake(random: () => number): string {
  return String(1_000_000_000_000_000_000n + BigInt(Math.floor(random() * 2 ** 53)) * 10n);
}

function hex(random: () => number, length: number): string {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
}

function time(random: () => number): string {
  return new Date(1_690_000_000_000 + Math.floor(random() * 1e10)).toISOString().replace("Z", "000+00:00");
}

/** A small generator of random numbers that is the same everywhere. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
