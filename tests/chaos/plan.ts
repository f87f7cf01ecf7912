import { isSupported } from "../../lib/decompressor.ts";
import { GatewayIntent } from "../../mod.ts";
import type { LocalGatewayFormat } from "../../lib/testing/mod.ts";
import { Random } from "../../lib/testing/random.ts";

const HOUR_MS = 3_600_000;

/** Options of a run. */
export interface WorldOptions {
  /** What everything random in it follows. */
  seed: number;
  /**
   * How much time passes in it, in days.
   *
   * @default some hours, by the seed
   */
  days?: number | undefined;
  /**
   * How many shards there are.
   *
   * @default 1 to 16, by the seed
   */
  shards?: number | undefined;
  /**
   * How many of the last happenings a failure shows.
   *
   * @default {40}
   */
  lines?: number | undefined;
}

/** How payloads come. */
export type Compression = "none" | "zlib-stream" | "zstd-stream";

/** What a run is like. */
export interface Plan {
  seed: number;
  durationMs: number;
  shards: number;
  maxConcurrency: number;
  guilds: number;
  intents: number;
  compress: Compression;
  format: LocalGatewayFormat;
  /** How many identifies there are in a day. */
  sessionStarts: number;
  /** After how long without a heartbeat the gateway ends a connection. */
  heartbeatTimeoutMs: number | undefined;
  heartbeatTimeoutCode: number | "drop";
  /** Whether somebody listens to raw payloads, so that each one is parsed. */
  listensRaw: boolean;
  /** How often a listener fails: 0 to 1. */
  listenerFailures: number;
  /** How long a session store takes, in milliseconds; `null` where there is none. With one, restarts are new processes. */
  storeMs: number | null;
  /** How often the store fails: 0 to 1. */
  storeFailures: number;
  /** How long it is between two faults on average. */
  faultEveryMs: number;
  /** How long it is between two events on average. */
  eventEveryMs: number;
}

/** The interval Discord gives. */
export const HEARTBEAT_INTERVAL_MS = 41_250;

/** Chooses what a run is like. */
export function planOf({ seed, days, shards }: WorldOptions): Plan {
  const random = new Random(seed);
  const count = shards ?? pick(random, [1, 2, 3, 4, 8, 16]);
  const plan: Plan = {
    seed,
    durationMs: days === undefined ? (2 + random.below(11)) * HOUR_MS : days * 24 * HOUR_MS,
    shards: count,
    maxConcurrency: pick(random, [1, 2, 16]),
    guilds: count * (1 + random.below(3)),
    intents: GatewayIntent.Guilds | GatewayIntent.GuildMembers | GatewayIntent.GuildMessages |
      GatewayIntent.GuildPresences | GatewayIntent.MessageContent,
    compress: random.below(4) === 0 ? "zlib-stream" : "none",
    format: {
      keyOrder: pick(random, ["normal", "normal", "reversed", "shuffled"]),
      pretty: random.below(6) === 0,
      unknownFields: random.below(4) === 0,
      omitNulls: random.below(4) === 0,
      splitAt: pick(random, ["never", "random"]),
    },
    sessionStarts: pick(random, [1000, 1000, count * 10 + 20]),
    heartbeatTimeoutMs: pick(random, [undefined, 2 * HEARTBEAT_INTERVAL_MS, 3 * HEARTBEAT_INTERVAL_MS]),
    heartbeatTimeoutCode: pick(random, [4009, "drop"]),
    listensRaw: random.below(3) === 0,
    listenerFailures: pick(random, [0, 0.02, 0.2]),
    faultEveryMs: pick(random, [15_000, 45_000, 120_000]),
    eventEveryMs: pick(random, [1000, 5000]),
    storeMs: pick(random, [null, null, 0, 3000]),
    storeFailures: pick(random, [0, 0.1]),
  };
  // What only one runtime has leaves everything else as it is: a run follows from its seed on both.
  if (plan.compress !== "none" && random.below(2) === 0 && isSupported("zstd-stream")) plan.compress = "zstd-stream";
  return plan;
}

/** One of several. */
export function pick<const T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}
