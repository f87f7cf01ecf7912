import { joined } from "./bytes.ts";
import type { CompressionFormat } from "./decompressor.ts";

/** Options of `createNodeDecompressor`. */
export interface NodeDecompressorOptions {
  /**
   * The most bytes a payload may have once it is inflated.
   *
   * @default {268_435_456}
   */
  maxPayloadBytes?: number;
}

/** "Z_SYNC_FLUSH suffix": a message is complete when it ends in these bytes. */
const ZLIB_SUFFIX = 0x0000ffff;

const CLOSING_BRACE = 0x7d;

/** Gathers what is inflated until it is a payload. */
export class PayloadCollector {
  readonly #format: CompressionFormat;
  readonly #maxPayloadBytes: number;
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** The last four bytes that went in, as a number. */
  #tail = 0;

  /** @throws {RangeError} If `maxPayloadBytes` is not a positive number. */
  constructor(format: CompressionFormat, maxPayloadBytes: number) {
    if (!(maxPayloadBytes > 0)) {
      throw new RangeError(
        `Cannot decompress: maxPayloadBytes must be a positive number, received ${maxPayloadBytes}`,
      );
    }
    this.#format = format;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Takes in what came out of the inflater. Gives an error where that is too much. */
  add(chunk: Uint8Array): RangeError | null {
    this.#size += chunk.length;
    if (this.#size > this.#maxPayloadBytes) {
      return new RangeError(`Cannot decompress: a payload is larger than ${this.#maxPayloadBytes} bytes`);
    }
    if (chunk.length > 0) this.#chunks.push(chunk);
    return null;
  }

  /** The payload that a message, all of whose output was added, has completed; or `null`. */
  take(message: Uint8Array): Uint8Array | null {
    if (!this.#isComplete(message) || this.#size === 0) return null;
    const payload = joined(this.#chunks);
    this.clear();
    return payload;
  }

  /** Forgets what was gathered. */
  clear(): void {
    this.#chunks = [];
    this.#size = 0;
  }

  #isComplete(message: Uint8Array): boolean {
    if (this.#format === "zstd-stream") return true;
    for (let at = Math.max(0, message.length - 4); at < message.length; at++) {
      this.#tail = (this.#tail << 8 | message[at] as number) >>> 0;
    }
    // The suffix alone does not tell: its bytes may stand inside a payload, where a message happens to be cut.
    return this.#tail === ZLIB_SUFFIX && this.#endsObject();
  }

  #endsObject(): boolean {
    const bytes = this.#chunks.at(-1) ?? new Uint8Array();
    let at = bytes.length - 1;
    while (at >= 0 && bytes[at] as number <= 0x20) at--;
    return at >= 0 && bytes[at] === CLOSING_BRACE;
  }
}
