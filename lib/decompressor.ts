import { checkNumber, checkObject, refuse } from "./check.ts";
import { joined } from "./bytes.ts";

/** A stream format the gateway can compress with. */
export type CompressionFormat = "zlib-stream" | "zstd-stream";

/** Options of a {@linkcode Decompressor}. */
export interface DecompressorOptions {
  /**
   * The most bytes a payload may have once it is inflated. Five megabytes can be sent as 171 bytes.
   *
   * @default {268_435_456}
   */
  maxPayloadBytes?: number;
}

/** What a shard needs of a decompressor; another implementation can be given as `createDecompressor`. */
export interface DecompressorLike {
  /** Takes the next message; returns the payload it completes, or `null` while there is none. Calls are in order. */
  decompress(bytes: Uint8Array): Promise<Uint8Array | null> | Uint8Array | null;
  /** Frees what is held. */
  close(): void;
}

const FORMATS: Record<CompressionFormat, string> = { "zlib-stream": "deflate", "zstd-stream": "zstd" };

const DEFAULT_MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;

/**
 * Input is written in pieces of this size, so that one write cannot inflate to much more than a payload may have by default
 * before anybody looks: zlib makes up to 1,032 times as much of it, and zstd some 33,000 times.
 */
const PIECE_BYTES: Record<CompressionFormat, number> = { "zlib-stream": 64 * 1024, "zstd-stream": 8 * 1024 };

const CLOSING_BRACE = 0x7d;

/** The formats this runtime can inflate: zlib everywhere but on Node, zstd where its `DecompressionStream` has it. */
export function supportedFormats(): CompressionFormat[] {
  return (Object.keys(FORMATS) as CompressionFormat[]).filter(isSupported);
}

/** Checks a format, of which there can be others than the gateway's own: `"none"`. @throws {TypeError} If it is not one. */
export function checkFormat(subject: string, format: string, ...others: readonly string[]): void {
  if (others.includes(format) || (Object.hasOwn(FORMATS, format) && isSupported(format as CompressionFormat))) return;
  refuse(subject, `one that this runtime has (${[...supportedFormats(), ...others].join(", ")})`, format);
}

/**
 * Whether this runtime can inflate a format. On Node nothing tells when a `DecompressionStream` has given all of a message;
 * the entry point `./node` has what can be used there.
 */
export function isSupported(format: CompressionFormat): boolean {
  if (globalThis.navigator?.userAgent?.startsWith("Node.js")) return false;
  if (format === "zlib-stream") return true;
  try {
    openStream(format).readable.cancel().catch(() => {});
    return true;
  } catch {
    return false;
  }
}

/** @throws {TypeError} If this runtime cannot inflate the format. */
function openStream(format: CompressionFormat): DecompressionStream {
  return new DecompressionStream(FORMATS[format] as "deflate");
}

/**
 * Inflates the next message for the library itself, which waits for one before it gives the next: the chunks of the
 * payload that it completes, in order, or `null`.
 */
export let inflate: (decompressor: Decompressor, bytes: Uint8Array) => Promise<Uint8Array[] | null>;

/**
 * Inflates the one endless stream of a connection, a message at a time.
 *
 * With zlib-stream a payload may come in several messages and is complete when one ends in `00 00 ff ff`; with
 * zstd-stream every message is one payload. Two payloads in one message, which the gateway never sends, come out as
 * one. A decompressor serves one connection: the next connection starts a new stream.
 *
 * @example Inflate what the gateway sent
 * ```ts
 * import { Decompressor } from "@gangway/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * using decompressor = new Decompressor();
 * const hello = Uint8Array.from(
 *   atob("eJyqVsovULJSMDTQUVBKUbJSqK6tBQAAAP//"),
 *   (character) => character.charCodeAt(0),
 * );
 * const payload = await decompressor.decompress(hello);
 * assertEquals(new TextDecoder().decode(payload!), `{"op": 10, "d": {}}`);
 * ```
 *
 * @see {@link https://discord.com/developers/docs/events/gateway#transport-compression}
 */
export class Decompressor implements DecompressorLike, Disposable {
  /** The format it inflates. */
  readonly format: CompressionFormat;
  readonly #maxPayloadBytes: number;
  readonly #writer: WritableStreamDefaultWriter<BufferSource>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What has come out and belongs to a payload that is not complete. */
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** The last four bytes that went in, as a number. */
  #tail = 0;
  /** Settles with the last call; how many calls have not settled. */
  #last: Promise<unknown> = Promise.resolve();
  #underWay = 0;
  readonly #onSettled = (): void => {
    this.#underWay--;
  };
  #failure: unknown;

  static {
    inflate = (decompressor, bytes) => decompressor.#inflate(bytes);
  }

  /**
   * Opens a stream.
   *
   * @throws {TypeError} If the options are none, or this runtime cannot inflate the format.
   * @throws {RangeError} If `maxPayloadBytes` is not a positive number.
   */
  constructor(format: CompressionFormat = "zlib-stream", options: DecompressorOptions = {}) {
    checkObject("decompress: the options", options);
    const { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES } = options;
    checkNumber("decompress: maxPayloadBytes", maxPayloadBytes, 1, Infinity, false);
    checkFormat("decompress: the format", format);
    this.format = format;
    this.#maxPayloadBytes = maxPayloadBytes;
    const stream = openStream(format);
    this.#writer = stream.writable.getWriter();
    this.#reader = stream.readable.getReader();
    this.#writer.closed.catch(() => {});
    void this.#read();
  }

  /**
   * Inflates the next message. Calls may overlap; they are worked through in order.
   *
   * @returns The payload that the message completes, or `null` where it completes none.
   * @throws {TypeError} If it is not a message, or the data is corrupt, now or in an earlier call: the stream cannot
   * be used any more then.
   * @throws {RangeError} If a payload inflates to more than `maxPayloadBytes`.
   * @throws {DOMException} InvalidStateError, if the decompressor is closed.
   */
  decompress(bytes: Uint8Array): Promise<Uint8Array | null> {
    const inflated = this.#underWay === 0 ? this.#inflate(bytes) : this.#last.then(() => this.#inflate(bytes));
    const payload = inflated.then((chunks) => chunks && joined(chunks));
    this.#underWay++;
    this.#last = payload.then(this.#onSettled, this.#onSettled);
    return payload;
  }

  /** Ends the stream and frees it. What is under way is rejected. */
  close(): void {
    if (this.#failure === undefined) {
      this.#fail(new DOMException("Cannot decompress: the decompressor is closed", "InvalidStateError"));
    }
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#chunks = [];
    this.#reader.cancel(error).catch(() => {});
    this.#writer.abort(error).catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) return;
        this.#chunks.push(value);
        this.#size += value.length;
      }
    } catch {
      // Corrupt data: the write that carried it rejects with the same error.
    }
  }

  async #inflate(bytes: Uint8Array): Promise<Uint8Array[] | null> {
    if (!(bytes instanceof Uint8Array)) refuse("decompress: the message", "a Uint8Array", bytes);
    const pieceBytes = PIECE_BYTES[this.format];
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      if (this.#failure !== undefined) throw this.#failure;
      const piece = bytes.length <= pieceBytes ? bytes : bytes.subarray(start, start + pieceBytes);
      try {
        // A read is always pending, so all output of a write has been delivered when the write resolves (a test holds
        // both runtimes to it).
        await this.#writer.write(piece as Uint8Array<ArrayBuffer>);
      } catch (cause) {
        this.#failure ??= new TypeError("Cannot decompress: the data is corrupt", { cause });
      }
      if (this.#failure === undefined && this.#size > this.#maxPayloadBytes) {
        this.#fail(new RangeError(`Cannot decompress: a payload is larger than ${this.#maxPayloadBytes} bytes`));
      }
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#isComplete(bytes) ? this.#take() : null;
  }

  #isComplete(bytes: Uint8Array): boolean {
    if (this.format === "zstd-stream") return true;
    for (const byte of bytes.subarray(-4)) this.#tail = (this.#tail << 8 | byte) >>> 0;
    // The suffix alone does not tell: its bytes may stand inside a payload, where a message happens to be cut.
    return this.#tail === 0x0000ffff && this.#endsObject();
  }

  #endsObject(): boolean {
    const bytes = this.#chunks.at(-1);
    let at = (bytes?.length ?? 0) - 1;
    while (at >= 0 && (bytes as Uint8Array)[at] as number <= 0x20) at--;
    return at < 0 ? this.#size === 0 : (bytes as Uint8Array)[at] === CLOSING_BRACE;
  }

  #take(): Uint8Array[] | null {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#size = 0;
    return chunks.length > 0 ? chunks : null;
  }
}
