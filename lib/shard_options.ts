import {
  checkBoolean,
  checkFunction,
  checkNumber,
  checkObject,
  checkOptions,
  checkString,
  checkTimeout,
} from "./check.ts";
import { checkFormat, type CompressionFormat, type DecompressorLike } from "./decompressor.ts";
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
   * @default {"zlib-stream"}, and on Node without a `createDecompressor` "none"
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
  /** The lifetime: aborting it is `close({ cleanup: false })`, and what is waited for rejects with its reason. */
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

/** Whether to end the session as well. @throws {TypeError} If the options are none. */
export function cleanupOf(options: CloseOptions): boolean {
  checkOptions("close", options);
  const { cleanup = true } = options;
  checkBoolean("close: cleanup", cleanup);
  return cleanup;
}

/** Stands in where no URL is given. */
const ANY_URL = "wss://gateway.discord.gg";

/**
 * Checks what can be checked without a connection.
 *
 * @throws {TypeError} If an option has another type, this runtime cannot inflate the format asked for, or the URL is not
 * one of a WebSocket.
 * @throws {RangeError} If a number is out of range.
 */
export function checkShardOptions(intents: number, options: ShardOptions): void {
  checkOptions("connect", options);
  const { largeThreshold = null, libraryName = "", connectTimeoutMs = 1, compress = "none" } = options;
  const { createDecompressor, sessionStore } = options;
  checkNumber("connect: intents", intents, 0);
  if (largeThreshold !== null) checkNumber("connect: largeThreshold", largeThreshold, 50, 250);
  checkString("connect: libraryName", libraryName);
  checkTimeout("connect: connectTimeoutMs", connectTimeoutMs);
  if (sessionStore !== undefined) checkObject("connect: sessionStore", sessionStore, "load", "save", "delete");
  if (createDecompressor === undefined) checkFormat("connect: compress", compress, "none");
  else checkFunction("connect: createDecompressor", createDecompressor);
  gatewayUrl(options.gatewayUrl ?? ANY_URL, { compress });
}

/**
 * Checks what a shard works with.
 *
 * @throws {TypeError} If one of them cannot do its part.
 */
export function checkParts(identifyRateLimiter: unknown, httpClient: unknown): void {
  checkObject("connect: identifyRateLimiter", identifyRateLimiter, "acquire");
  checkObject("connect: httpClient", httpClient, "getGatewayBot", "connectToGateway");
}
