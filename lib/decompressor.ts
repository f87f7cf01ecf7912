import { checkObject, refuse } from "./check.ts";
import { joined } from "./bytes.ts";
import { PayloadCollector } from "./payload_collector.ts";

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

/**
 * Input is written in pieces of this size, so that one write cannot inflate to much more than a payload may have by default
 * before anybody looks: zlib makes up to 1,032 times as much of it, and zstd some 33,000 times.
 */
const PIECE_BYTES: Record<CompressionFormat, number> = { "zlib-stream": 64 * 1024, "zstd-stream": 8 * 1024 };

/**
 * A chunk with fewer bytes is the last of its write on these runtimes: Deno gives one chunk a write, and Bun none below
 * 64 KiB but the last (a test holds both to it). Elsewhere nothing is known.
 */
const SHORT_CHUNK_BYTES = 16 * 1024;
const KNOWN_RUNTIMES = /^(?:Deno|Bun)\//;

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

/** Is told once: the chunks of the payload that a message completes, in order, or `null`; or why there are none. */
type OnInflated = (chunks: Uint8Array[] | null, error?: unknown) => void;

/**
 * Inflates the next message for the library itself, which waits for one before it gives the next. What is returned
 * resolves when the bytes are not read any more, which may be later than there is a payload.
 */
export let inflate: (decompressor: Decompressor, bytes: Uint8Array, onInflated: OnInflated) => Promise<void>;

/** A message that is being inflated. */
interface Inflating {
  readonly onInflated: OnInflated;
  /** Whether one write takes it all. */
  readonly isOneWrite: boolean;
}

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
  readonly #output: PayloadCollector;
  readonly #writer: WritableStreamDefaultWriter<BufferSource>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Settles with the last call; how many calls have not settled. */
  #last: Promise<unknown> = Promise.resolve();
  #underWay = 0;
  readonly #onSettled = (): void => {
    this.#underWay--;
  };
  #failure: unknown;
  #inflating: Inflating | null = null;
  readonly #isRuntimeKnown = KNOWN_RUNTIMES.test(globalThis.navigator?.userAgent);
  readonly #onRead = ({ done, value }: ReadableStreamReadResult<Uint8Array>): void => {
    if (done || this.#failure !== undefined) return;
    this.#read();
    const error = this.#output.add(value);
    if (error !== null) return this.#fail(error);
    // Here, and not when the write resolves, which is several promises later: most payloads are one short chunk.
    const inflating = this.#inflating;
    const isLast = this.#isRuntimeKnown && inflating?.isOneWrite && value.length < SHORT_CHUNK_BYTES;
    if (isLast && this.#output.isComplete) this.#settle(inflating);
  };

  static {
    inflate = (decompressor, bytes, onInflated) => decompressor.#inflate(bytes, onInflated);
  }

  /**
   * Opens a stream.
   *
   * @throws {TypeError} If the options are none, or this runtime cannot inflate the format.
   * @throws {RangeError} If `maxPayloadBytes` is not a positive number.
   */
  constructor(format: CompressionFormat = "zlib-stream", options: DecompressorOptions = {}) {
    checkObject("decompress: the options", options);
    checkFormat("decompress: the format", format);
    this.format = format;
    this.#output = new PayloadCollector(format, options.maxPayloadBytes);
    const stream = openStream(format);
    this.#writer = stream.writable.getWriter();
    this.#reader = stream.readable.getReader();
    this.#writer.closed.catch(() => {});
    this.#read();
  }

  /** The most bytes a payload may have once it is inflated. */
  get maxPayloadBytes(): number {
    return this.#output.maxPayloadBytes;
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
    const inflated = this.#underWay === 0 ? this.#payload(bytes) : this.#last.then(() => this.#payload(bytes));
    const payload = inflated.then((chunks) => chunks && joined(chunks));
    this.#underWay++;
    this.#last = payload.then(this.#onSettled, this.#onSettled);
    return payload;
  }

  /** Ends the stream and frees it. What is under way is rejected. */
  close(): void {
    this.#fail(new DOMException("Cannot decompress: the decompressor is closed", "InvalidStateError"));
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Ends it for the reason that is given, unless it has ended. */
  #fail(error: unknown): void {
    if (this.#failure === undefined) {
      this.#failure = error;
      this.#output.clear();
      this.#reader.cancel(error).catch(() => {});
      this.#writer.abort(error).catch(() => {});
    }
    if (this.#inflating !== null) this.#settle(this.#inflating);
  }

  #read(): void {
    // Corrupt data: the write that carried it rejects with the same error.
    this.#reader.read().then(this.#onRead, () => {});
  }

  #payload(bytes: Uint8Array): Promise<Uint8Array[] | null> {
    return new Promise((resolve, reject) => {
      if (!(bytes instanceof Uint8Array)) refuse("decompress: the message", "a Uint8Array", bytes);
      void this.#inflate(bytes, (chunks, error) => error === undefined ? resolve(chunks) : reject(error));
    });
  }

  #inflate(bytes: Uint8Array, onInflated: OnInflated): Promise<void> {
    this.#output.begin(bytes);
    const inflating = { onInflated, isOneWrite: bytes.length <= PIECE_BYTES[this.format] };
    this.#inflating = inflating;
    // A read is always pending, so all output of a write has been delivered when the write resolves (a test holds both
    // runtimes to it).
    const written = inflating.isOneWrite ? this.#write(bytes) : this.#writePieces(bytes);
    return written.then(() => this.#settle(inflating), (cause) => {
      this.#fail(new TypeError("Cannot decompress: the data is corrupt", { cause }));
    });
  }

  #write(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes as Uint8Array<ArrayBuffer>);
  }

  async #writePieces(bytes: Uint8Array): Promise<void> {
    const pieceBytes = PIECE_BYTES[this.format];
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      await this.#write(bytes.subarray(start, start + pieceBytes));
    }
  }

  #settle(inflating: Inflating): void {
    if (this.#inflating !== inflating) return;
    this.#inflating = null;
    if (this.#failure === undefined) inflating.onInflated(this.#output.take());
    else inflating.onInflated(null, this.#failure);
  }
}
