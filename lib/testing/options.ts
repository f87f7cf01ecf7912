import { GatewayCloseCode } from "../close_code.ts";
import { ALL_INTENTS } from "./event_rules.ts";
import { checkLocalOptions } from "./options_check.ts";
import type { LocalGatewayFormat } from "./payload_writer.ts";
import type { LocalGuild } from "./world.ts";

/** How many sessions may be started. */
export interface LocalSessionStartLimit {
  /**
   * How many in one window.
   *
   * @default {1000}
   */
  total?: number | undefined;
  /**
   * How many are left now.
   *
   * @default {total}
   */
  remaining?: number | undefined;
  /**
   * How long until the window ends and `remaining` is `total` again, in milliseconds.
   *
   * @default {14400000}
   */
  resetAfterMs?: number | undefined;
}

/** A limit on requests or payloads. */
export interface LocalRateLimit {
  /** How many. */
  limit: number;
  /** In how many milliseconds. */
  windowMs: number;
}

/** HTTP routes that can have a limit of their own. */
export type LocalHttpRoute = "gateway" | "messages" | "reactions" | "interactions" | "commands" | "users";

/** Options of {@linkcode LocalGateway}. */
export interface LocalGatewayOptions {
  /**
   * Whether to bind sockets of 127.0.0.1. Without, only `gateway.fetch` and `gateway.createWebSocket` lead in.
   *
   * @default {true} for `LocalGateway.start()`
   */
  listen?: boolean | undefined;
  /**
   * The bot's token.
   *
   * @default {"local-token"}
   */
  token?: string | undefined;
  /**
   * The recommended number of shards.
   *
   * @default {1}
   */
  shards?: number | undefined;
  /**
   * How many identifies may fall into one window, one for each key `shard_id % maxConcurrency`.
   *
   * @default {1}
   */
  maxConcurrency?: number | undefined;
  /**
   * The window of the identify limit, in milliseconds.
   *
   * @default {5000}
   */
  identifyWindowMs?: number | undefined;
  /** How many sessions may be started. At 0 Discord resets the token, and so does this. */
  sessionStartLimit?: LocalSessionStartLimit | undefined;
  /**
   * Whether an IDENTIFY that is answered with an invalid session counts as a session start. Reports differ.
   *
   * @default {true}
   */
  countFailedIdentifies?: boolean | undefined;
  /**
   * How late the invalid session comes that answers an IDENTIFY too many, in milliseconds.
   *
   * @default {0}
   */
  invalidSessionDelayMs?: number | undefined;
  /**
   * The heartbeat interval in HELLO, in milliseconds.
   *
   * @default {41250}
   */
  heartbeatIntervalMs?: number | undefined;
  /** How long without a heartbeat until the gateway ends the connection, in milliseconds. Without: never. */
  heartbeatTimeoutMs?: number | undefined;
  /**
   * How a connection without heartbeats ends: with a close code, or dropped.
   *
   * @default {4009}
   */
  heartbeatTimeoutCode?: number | "drop" | undefined;
  /**
   * The intents the bot may use; others that exist close with 4014, and bits that do not exist with 4013.
   *
   * @default {53608447}, all
   */
  allowedIntents?: number | undefined;
  /**
   * The bot's guilds: how many, or which.
   *
   * @default {1}
   */
  guilds?: number | readonly LocalGuild[] | undefined;
  /**
   * The order in which GUILD_CREATE comes after READY.
   *
   * @default {"given"}
   */
  guildOrder?: "given" | "shuffled" | undefined;
  /**
   * The order of GUILD_MEMBERS_CHUNK.
   *
   * @default {"given"}
   */
  chunkOrder?: "given" | "shuffled" | undefined;
  /** What the number of shards has to be a multiple of, as for very large bots; else 4010. */
  shardCountMultipleOf?: number | undefined;
  /**
   * How many guilds a shard may have; above, 4011.
   *
   * @default {2500}
   */
  maxGuildsPerShard?: number | undefined;
  /**
   * How many dispatches of a session can be replayed.
   *
   * @default {10000}
   */
  replayLimit?: number | undefined;
  /**
   * How long a session without a connection can be resumed, in milliseconds.
   *
   * @default {180000}
   */
  sessionTtlMs?: number | undefined;
  /**
   * How many UTF-8 bytes a client's payload may have.
   *
   * @default {4096}
   */
  payloadLimit?: number | undefined;
  /**
   * How many payloads a connection may send in which time.
   *
   * @default {{ count: 120, perMs: 60000 }}
   */
  sendLimit?: { count: number; perMs: number } | undefined;
  /** Limits of HTTP routes; `messages` counts per channel. */
  rateLimits?: { [route in LocalHttpRoute]?: LocalRateLimit } | undefined;
  /** How payloads are written. */
  format?: LocalGatewayFormat | undefined;
  /**
   * The seed of everything random.
   *
   * @default {1}
   */
  seed?: number | undefined;
}

type WithoutDefault = "listen" | "heartbeatTimeoutMs" | "shardCountMultipleOf" | "sessionStartLimit";

/** The options with the defaults filled in. */
export type ResolvedOptions =
  & { [Key in Exclude<keyof LocalGatewayOptions, WithoutDefault>]-?: NonNullable<LocalGatewayOptions[Key]> }
  & {
    heartbeatTimeoutMs: number | undefined;
    shardCountMultipleOf: number | undefined;
    sessionStartLimit: { total: number; remaining: number; resetAfterMs: number };
  };

/** Checks the options and fills the defaults in. */
export function resolveOptions(options: LocalGatewayOptions): ResolvedOptions {
  checkLocalOptions(options);
  const { total = 1000, remaining = total, resetAfterMs = 14_400_000 } = options.sessionStartLimit ?? {};
  return {
    token: options.token ?? "local-token",
    shards: options.shards ?? 1,
    maxConcurrency: options.maxConcurrency ?? 1,
    identifyWindowMs: options.identifyWindowMs ?? 5000,
    sessionStartLimit: { total, remaining, resetAfterMs },
    countFailedIdentifies: options.countFailedIdentifies ?? true,
    invalidSessionDelayMs: options.invalidSessionDelayMs ?? 0,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 41_250,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs,
    heartbeatTimeoutCode: options.heartbeatTimeoutCode ?? GatewayCloseCode.SessionTimedOut,
    allowedIntents: options.allowedIntents ?? ALL_INTENTS,
    guilds: options.guilds ?? 1,
    guildOrder: options.guildOrder ?? "given",
    chunkOrder: options.chunkOrder ?? "given",
    shardCountMultipleOf: options.shardCountMultipleOf,
    maxGuildsPerShard: options.maxGuildsPerShard ?? 2500,
    replayLimit: options.replayLimit ?? 10_000,
    sessionTtlMs: options.sessionTtlMs ?? 180_000,
    payloadLimit: options.payloadLimit ?? 4096,
    sendLimit: options.sendLimit ?? { count: 120, perMs: 60_000 },
    rateLimits: options.rateLimits ?? {},
    format: options.format ?? {},
    seed: options.seed ?? 1,
  };
}
