import { type CompressionFormat, type DecompressorLike, isSupported, supportedFormats } from "./decompressor.ts";
import { gatewayUrl } from "./handshake.ts";
import type { PresenceUpdateData } from "./payload.ts";
import type { SessionStore } from "./session_store.ts";

/** How a shard compresses: one of the stream formats, or not at all. */
export type Compress = CompressionFormat | "none";

/** What a {@linkcode Shard} and a {@linkcode ShardManager} can both be made with. */
export interface ShardOptions {
  /**
   * The presence to connect with.
   *
   * @default {null}
   */
  presence?: PresenceUpdateData | null;
  /**
   * From how many members on a guild comes without its offline ones: 50 to 250.
   *
   * @default {null} The gateway's default, 50.
   */
  largeThreshold?: number | null;
  /**
   * The name of the library that the gateway is told.
   *
   * @default {"gangway"}
   */
  libraryName?: string;
  /**
   * How what the gateway sends is compressed.
   *
   * @default {"zlib-stream"}
   */
  compress?: Compress;
  /**
   * How long the WebSocket handshake and then the gateway's HELLO may take each, in milliseconds.
   *
   * @default {10_000}
   */
  connectTimeoutMs?: number;
  /**
   * Connect here and nowhere else, for a proxy in front of the gateway: neither the URL that Discord names nor the one
   * to resume on is used.
   */
  gatewayUrl?: string;
  /** Keeps the session for the next process. Without one it ends with this process. */
  sessionStore?: SessionStore;
  /** Makes what inflates each connection's stream, instead of {@linkcode Decompressor}. */
  createDecompressor?: (format: CompressionFormat) => DecompressorLike;
  /** The lifetime: aborting it is `close({ cleanup: false })`. */
  signal?: AbortSignal;
}

/** Options of everything that a shard sends. */
export interface SendOptions {
  /** Takes the command back while it waits for a usable connection or for the send limit. */
  signal?: AbortSignal | undefined;
}

/** Options of {@linkcode Shard.requestGuildMembers}. */
export interface RequestGuildMembersOptions extends SendOptions {
  /**
   * How long to wait for the first part of the answer and for each further one, in milliseconds.
   *
   * @default {30_000}
   */
  timeoutMs?: number | undefined;
}

/** Options of {@linkcode Shard.connect}. */
export interface ConnectOptions {
  /** Gives up, and closes with the session kept, as long as the shard has not been ready since. */
  signal?: AbortSignal | undefined;
}

/** Ends the lifetime of something that was opened. */
export interface CloseOptions {
  /**
   * Whether to end the session as well: the bot goes offline at once, and cannot resume.
   *
   * @default {true}
   */
  cleanup?: boolean;
}

/** Stands in where no URL is given. */
const ANY_URL = "wss://gateway.discord.gg";

/** How long a timer can run. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Checks what can be checked without a connection.
 *
 * @throws {TypeError} If this runtime cannot inflate the format asked for, or the URL is not one of a WebSocket.
 * @throws {RangeError} If a number is out of range.
 */
export function checkShardOptions(intents: number, options: ShardOptions): void {
  const { largeThreshold = null, connectTimeoutMs = 1, compress = "none", createDecompressor } = options;
  if (!Number.isSafeInteger(intents) || intents < 0) {
    throw new RangeError(`Cannot connect to the gateway: intents must be a whole number from 0, received ${intents}`);
  }
  if (largeThreshold !== null && !(Number.isSafeInteger(largeThreshold) && isWithin(largeThreshold, 50, 250))) {
    throw new RangeError(
      `Cannot connect to the gateway: largeThreshold must be a whole number from 50 to 250, received ${largeThreshold}`,
    );
  }
  checkTimeout("connect to the gateway", "connectTimeoutMs", connectTimeoutMs);
  if (compress !== "none" && createDecompressor === undefined && !isSupported(compress)) {
    throw new TypeError(
      `Cannot connect to the gateway with compress ${JSON.stringify(compress)}: this runtime has ${
        [...supportedFormats(), "none"].join(", ")
      }`,
    );
  }
  gatewayUrl(options.gatewayUrl ?? ANY_URL, { compress });
}

/**
 * Checks how long something may take: a timer that is set to longer than it can run would end it at once.
 *
 * @throws {RangeError} If it is not a time that a timer can run.
 */
export function checkTimeout(action: string, name: string, ms: number): void {
  if (isWithin(ms, 1, MAX_TIMEOUT_MS)) return;
  throw new RangeError(`Cannot ${action}: ${name} must be from 1 to ${MAX_TIMEOUT_MS}, received ${ms}`);
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}
