/**
 * Inflates with `node:zlib` what the gateway sends: zlib-stream and zstd-stream on Deno, Bun and Node 22.15 or later.
 *
 * Give {@linkcode createNodeDecompressor} as `createDecompressor` to a `ShardManager` or a `Shard`:
 *
 * - **on Node**, to have compression at all: its `DecompressionStream` does not tell when a message has been inflated, so
 *   the library connects without compression there unless it is given this;
 * - **on Deno**, to have zstd-stream, which its `DecompressionStream` lacks.
 *
 * With zlib-stream on Deno and Bun the default is cheaper under load, because it inflates many messages in one go: all of an
 * event costs 1.15 times as much with this on Deno, and 1.12 times on Bun. Where events come one by one, at 2,000 a
 * second, it is 0.86 and 0.92 times. zstd-stream with this costs 1.04 and 1.18 times as much as zlib-stream by default, and
 * saves traffic. `deno task bench` in a clone measures it anew ("./node").
 *
 * What else it costs: inflating happens inside the event loop, so that a payload of many megabytes blocks it for as long as
 * that takes. And it uses a part of `node:zlib` that is not public. Where a try at the first use shows that this does not
 * work as known, the public stream is used instead, with the same results at two to eight times the price.
 *
 * @example A bot that receives zstd-stream on any of the three runtimes
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { createNodeDecompressor } from "@gangway/gateway/node";
 * import { LocalGateway } from "@gangway/gateway/testing";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * await using manager = new ShardManager(new BotAuthentication(discord.token), GatewayIntent.Guilds, httpClient, {
 *   compress: "zstd-stream",
 *   createDecompressor: createNodeDecompressor,
 * });
 * await manager.connect();
 * await manager.eventDispatcher.waitFor("GUILD_CREATE");
 * ```
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { CompressionFormat, DecompressorLike } from "./decompressor.ts";
import { assertSupported, CORRUPT, StreamDecompressor, SyncDecompressor } from "./zlib_decompressors.ts";

export type { CompressionFormat, DecompressorLike } from "./decompressor.ts";

/** Options of `createNodeDecompressor`. */
export interface NodeDecompressorOptions {
  /**
   * The most bytes a payload may have once it is inflated.
   *
   * @default {268_435_456}
   */
  maxPayloadBytes?: number;
}

/** Whether the part of `node:zlib` that is not public works as known, where it was tried. */
const works = new Map<CompressionFormat, boolean>();

/**
 * Makes a decompressor on `node:zlib`, for one connection.
 *
 * It does what the library's own `Decompressor` does: `decompress` gives the payload that a message completes, or `null`; it
 * throws a `TypeError` for corrupt data and everything after it, a `RangeError` for a payload that is too large, and a
 * `DOMException` named InvalidStateError once it is closed. Unlike that one it gives and throws at once, except where only
 * the public stream is at hand, which returns promises.
 *
 * @throws {TypeError} If the format is not known, or this runtime's `node:zlib` lacks it.
 * @throws {RangeError} If `maxPayloadBytes` is not a positive number.
 *
 * @example
 * ```ts
 * import { createNodeDecompressor } from "@gangway/gateway/node";
 * import { assertEquals } from "@std/assert";
 *
 * const decompressor = createNodeDecompressor("zlib-stream");
 * const hello = Uint8Array.from(atob("eJyqVsovULJSMDTQUVBKUbJSqK6tBQAAAP//"), (character) => character.charCodeAt(0));
 * const payload = await decompressor.decompress(hello);
 * assertEquals(new TextDecoder().decode(payload!), `{"op": 10, "d": {}}`);
 * decompressor.close();
 * ```
 */
export function createNodeDecompressor(
  format: CompressionFormat,
  { maxPayloadBytes }: NodeDecompressorOptions = {},
): DecompressorLike {
  let atOnce = works.get(format);
  if (atOnce === undefined) {
    assertSupported(format);
    works.set(format, atOnce = worksAtOnce(format));
  }
  return atOnce ? new SyncDecompressor(format, maxPayloadBytes) : new StreamDecompressor(format, maxPayloadBytes);
}

/** `{"op": 10, "d": {}}` in both formats, flushed and not ended. */
const SAMPLES: Record<CompressionFormat, string> = {
  "zlib-stream": "eJyqVsovULJSMDTQUVBKUbJSqK6tBQAAAP//",
  "zstd-stream": "KLUv/QBYmAAAeyJvcCI6IDEwLCAiZCI6IHt9fQ==",
};

/** Tries what is not public, cut in two and with something corrupt behind it. */
function worksAtOnce(format: CompressionFormat): boolean {
  const sample = new Uint8Array(Buffer.from(SAMPLES[format], "base64"));
  const decompressor = new SyncDecompressor(format);
  try {
    decompressor.decompress(sample.subarray(0, 9));
    const payload = decompressor.decompress(sample.subarray(9));
    if (payload === null || !Buffer.from(payload).toString().endsWith('"d": {}}')) return false;
    try {
      decompressor.decompress(new Uint8Array(64).fill(0x55));
      return false;
    } catch (error) {
      return error instanceof TypeError && error.message === CORRUPT;
    }
  } catch {
    return false;
  } finally {
    decompressor.close();
  }
}
