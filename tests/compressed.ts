/**
 * What the gateway compresses, for the tests of whatever inflates it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import type { CompressionFormat, DecompressorLike } from "../lib/decompressor.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The gateway's side: one endless stream, flushed after each payload. */
export class Compressor {
  readonly #stream: zlib.Deflate | zlib.ZstdCompress;
  readonly #format: CompressionFormat;
  #chunks: Uint8Array[] = [];

  constructor(format: CompressionFormat, options: zlib.ZlibOptions = {}) {
    this.#format = format;
    this.#stream = format === "zlib-stream" ? zlib.createDeflate(options) : zlib.createZstdCompress();
    this.#stream.on("data", (chunk: Uint8Array) => this.#chunks.push(chunk));
  }

  /** Compresses a text and flushes. */
  async compress(text: string): Promise<Uint8Array> {
    this.#stream.write(encoder.encode(text));
    const { promise, resolve } = Promise.withResolvers<void>();
    const { Z_SYNC_FLUSH, ZSTD_e_flush } = zlib.constants;
    this.#stream.flush(this.#format === "zlib-stream" ? Z_SYNC_FLUSH : ZSTD_e_flush, () => resolve());
    await promise;
    // What a flush gives may be told of after it.
    while (!this.#hasEnd()) await new Promise((resolve) => setImmediate(resolve));
    const bytes = new Uint8Array(Buffer.concat(this.#chunks));
    this.#chunks = [];
    return bytes;
  }

  #hasEnd(): boolean {
    if (this.#chunks.length === 0) return false;
    return this.#format === "zstd-stream" || Buffer.concat(this.#chunks).subarray(-4).equals(SUFFIX);
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}

/** What a message of zlib-stream ends in. */
export const SUFFIX: Buffer = Buffer.from([0, 0, 0xff, 0xff]);

/** One stream, a message for each text. */
export async function compressed(
  texts: readonly string[],
  format: CompressionFormat = "zlib-stream",
): Promise<Uint8Array[]> {
  using compressor = new Compressor(format);
  const messages: Uint8Array[] = [];
  for (const text of texts) messages.push(await compressor.compress(text));
  return messages;
}

/** What a message completes, as text. */
export async function inflate(decompressor: DecompressorLike, message: Uint8Array): Promise<string | null> {
  const payload = await decompressor.decompress(message);
  return payload && decoder.decode(payload);
}

/** A payload that hardly compresses: the same one each time. */
export function noise(length: number): string {
  let state = 1;
  const letters = Array.from({ length }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0;
    return (state >>> 26).toString(36);
  });
  return `{"d":"${letters.join("")}"}`;
}

/** A payload that fills a chunk to the last byte. */
export const OBJECT_OF_64_KIB: string = `{"d":"${"x".repeat(64 * 1024 - 8)}"}`;

/** Payloads small and large. */
export const TEXTS: string[] = [
  '{"op":10,"d":{"heartbeat_interval":41250}}',
  '{"t":"READY","s":1,"op":0,"d":{"user":"é😀"}}',
  noise(50_000),
  "{}",
];
