import zlib from "node:zlib";
import { joined } from "./bytes.ts";
import type { CompressionFormat, DecompressorLike } from "./decompressor.ts";
import { PayloadCollector } from "./payload_collector.ts";

/** The part of a `node:zlib` stream that is not public: it inflates at once and tells how far it came. */
interface Internals {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inputOffset: number,
      inputLength: number,
      output: Uint8Array,
      outputOffset: number,
      outputLength: number,
    ): void;
  };
  /** What is left after a write: room in the output, and input. */
  readonly _writeState: Uint32Array;
}

type Stream = zlib.Inflate | zlib.ZstdDecompress;

/** What is said of corrupt data. */
export const CORRUPT = "Cannot decompress: the data is corrupt";

/** How large a piece of output is; a payload of up to this size takes one call. */
const OUTPUT_BYTES = 64 * 1024;

/** What the two kinds have in common. */
abstract class ZlibDecompressor implements DecompressorLike {
  protected readonly stream: Stream;
  protected readonly output: PayloadCollector;
  #failure: Error | undefined;

  constructor(format: CompressionFormat, maxPayloadBytes?: number) {
    this.output = new PayloadCollector(format, maxPayloadBytes);
    this.stream = openStream(format);
    this.stream.on("error", (cause) => this.fail(corrupt(cause)));
  }

  /** The payload that a message, all of whose output has come, has completed. */
  protected payloadOf(message: Uint8Array): Uint8Array | null {
    this.output.begin(message);
    const chunks = this.output.take();
    return chunks && joined(chunks);
  }

  abstract decompress(bytes: Uint8Array): Promise<Uint8Array | null> | Uint8Array | null;

  close(): void {
    this.fail(new DOMException("Cannot decompress: the decompressor is closed", "InvalidStateError"));
  }

  /** Ends it for the reason that is given, unless it has ended. */
  protected fail(reason: Error): Error {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = reason;
    this.output.clear();
    this.stream.destroy();
    return reason;
  }

  /** The runtimes tell of corrupt data at once, the event comes later. */
  protected assertUsable(): void {
    if (this.#failure === undefined && this.stream.destroyed) this.fail(corrupt(this.stream.errored));
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Inflates within the call. */
export class SyncDecompressor extends ZlibDecompressor {
  // A write leaves here what came out; what is complete is copied.
  readonly #buffer = new Uint8Array(OUTPUT_BYTES);

  decompress(bytes: Uint8Array): Uint8Array | null {
    this.assertUsable();
    const { _handle: handle, _writeState: state } = this.stream as unknown as Internals;
    const buffer = this.#buffer;
    const { Z_SYNC_FLUSH } = zlib.constants;
    let left = bytes.length;
    // A full buffer may mean that there is more, even where all input was taken.
    for (let room = 0; left > 0 || (room === 0 && bytes.length > 0);) {
      const before = left;
      try {
        handle.writeSync(Z_SYNC_FLUSH, bytes, bytes.length - left, left, buffer, 0, buffer.length);
      } catch (cause) {
        // Deno throws where zstd is corrupt; for zlib it destroys the stream, as the other runtimes do.
        throw this.fail(corrupt(cause));
      }
      this.assertUsable();
      [room, left] = state as unknown as [number, number];
      const length = buffer.length - room;
      const error = this.output.add(buffer.slice(0, length));
      if (error !== null) throw this.fail(error);
      // What comes after the end of a stream that should have none is never taken.
      if (length === 0 && left === before && left > 0) throw this.fail(corrupt(null));
    }
    return this.payloadOf(bytes);
  }
}

/** Inflates through what is public of the stream, which does it on another thread. */
export class StreamDecompressor extends ZlibDecompressor {
  #last: Promise<unknown> = Promise.resolve();

  constructor(format: CompressionFormat, maxPayloadBytes?: number) {
    super(format, maxPayloadBytes);
    this.stream.on("data", (chunk: Uint8Array) => {
      const error = this.output.add(new Uint8Array(chunk));
      if (error !== null) this.fail(error);
    });
    // The stream of a connection has no end.
    this.stream.on("end", () => this.fail(corrupt(null)));
  }

  decompress(bytes: Uint8Array): Promise<Uint8Array | null> {
    const payload = this.#last.then(() => this.#inflate(bytes));
    this.#last = payload.catch(() => {});
    return payload;
  }

  async #inflate(bytes: Uint8Array): Promise<Uint8Array | null> {
    this.assertUsable();
    if (bytes.length > 0) await this.#write(bytes);
    this.assertUsable();
    return this.payloadOf(bytes);
  }

  /** All output of a write has come when it calls back. */
  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.stream.off("close", done);
        resolve();
      };
      this.stream.on("close", done);
      this.stream.write(bytes, done);
    });
  }
}

/** @throws {TypeError} If the format is not known, or this runtime lacks it. */
export function assertSupported(format: CompressionFormat): void {
  if (format === "zlib-stream") return;
  if (format === "zstd-stream" && typeof zlib.createZstdDecompress === "function") return;
  throw new TypeError(`Cannot decompress ${JSON.stringify(format)}: node:zlib of this runtime does not have it`);
}

function openStream(format: CompressionFormat): Stream {
  const options = { chunkSize: OUTPUT_BYTES };
  return format === "zlib-stream" ? zlib.createInflate(options) : zlib.createZstdDecompress(options);
}

function corrupt(cause: unknown): TypeError {
  return new TypeError(CORRUPT, { cause });
}
