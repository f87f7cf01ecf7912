import { checkNumber } from "./check.ts";
import type { CompressionFormat } from "./decompressor.ts";

const DEFAULT_MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;

/** "Z_SYNC_FLUSH suffix": a message is complete when it ends in these bytes. */
export const ZLIB_SUFFIX = 0x0000ffff;

const CLOSING_BRACE = 0x7d;
const SPACE = 0x20;

/** Gathers what comes out of a stream until it is a payload, for whoever inflates it by whatever means. */
export class PayloadCollector {
  readonly #format: CompressionFormat;
  readonly maxPayloadBytes: number;
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** The last four bytes that went in, as a number. */
  #tail = 0;
  /** The last byte that came out, but for white space. */
  #lastByte = SPACE;

  /** @throws {TypeError | RangeError} If the bound is no positive number. */
  constructor(format: CompressionFormat, maxPayloadBytes: number = DEFAULT_MAX_PAYLOAD_BYTES) {
    checkNumber("decompress: maxPayloadBytes", maxPayloadBytes, 1, Infinity, false);
    this.#format = format;
    this.maxPayloadBytes = maxPayloadBytes;
  }

  /** Takes note of a message that goes in. */
  begin(message: Uint8Array): void {
    this.#tail = tailAfter(this.#tail, message);
  }

  /** Takes in what came out. Gives an error where that is too much. */
  add(chunk: Uint8Array): RangeError | null {
    this.#size += chunk.length;
    if (this.#size > this.maxPayloadBytes) {
      return new RangeError(`Cannot decompress: a payload is larger than ${this.maxPayloadBytes} bytes`);
    }
    if (chunk.length > 0) this.#chunks.push(chunk);
    // Each byte is looked at once at most: a peer may send nothing but white space.
    let at = chunk.length - 1;
    while (at >= 0 && chunk[at] as number <= SPACE) at--;
    if (at >= 0) this.#lastByte = chunk[at] as number;
    return null;
  }

  /** Whether what came out is a payload, given that all output of the messages so far has come. */
  get isComplete(): boolean {
    if (this.#format === "zstd-stream") return this.#size > 0;
    // The suffix alone does not tell: its bytes may stand inside a payload, where a message happens to be cut.
    return this.#tail === ZLIB_SUFFIX && this.#lastByte === CLOSING_BRACE;
  }

  /** The chunks of the payload, where one is complete. */
  take(): Uint8Array[] | null {
    if (!this.isComplete) return null;
    const chunks = this.#chunks;
    this.clear();
    return chunks;
  }

  /** Forgets what was gathered. */
  clear(): void {
    this.#chunks = [];
    this.#size = 0;
    this.#lastByte = SPACE;
  }
}

/** The last four bytes of a stream after one more message, which may be shorter than they are. */
export function tailAfter(tail: number, message: Uint8Array): number {
  for (let at = Math.max(0, message.length - 4); at < message.length; at++) tail = tail << 8 | message[at] as number;
  return tail >>> 0;
}
