import zlib from "node:zlib";
import { Buffer } from "node:buffer";

/** The transport compressions this runtime can write. */
export type TransportCompression = "zlib-stream" | "zstd-stream";

/** The part of a `node:zlib` stream that compresses without waiting. */
interface SyncHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
}

interface ZlibStream {
  _handle?: SyncHandle | null;
  _writeState?: Uint32Array | null;
  close(): void;
}

const OUTPUT = Buffer.alloc(64 * 1024);

/** Whether the runtime's `node:zlib` knows the format. */
export function canCompress(format: string): format is TransportCompression {
  return format === "zlib-stream" || (format === "zstd-stream" && typeof zlib.createZstdCompress === "function");
}

/** A whole zlib document of its own, as payload compression (IDENTIFY with `compress: true`) sends. */
export function deflatePayload(text: string): Uint8Array {
  return new Uint8Array(zlib.deflateSync(Buffer.from(text)));
}

/**
 * One compression context, for the life of one connection.
 *
 * Each call ends in a flush: with zlib-stream the bytes of a payload end in `00 00 FF FF`, with zstd-stream the frame
 * stays open. The streams of `node:zlib` answer later, and its synchronous functions keep no context between calls;
 * therefore this drives the stream's handle, which keeps frames in order without a queue and works under fake timers.
 */
export class Compressor implements Disposable {
  readonly #stream: ZlibStream;
  readonly #handle: SyncHandle;
  readonly #state: Uint32Array;
  readonly #flush: number;

  /** Opens a context. */
  constructor(format: TransportCompression) {
    const zstd = format === "zstd-stream";
    this.#stream = (zstd ? zlib.createZstdCompress() : zlib.createDeflate()) as unknown as ZlibStream;
    this.#flush = zstd ? zlib.constants.ZSTD_e_flush : zlib.constants.Z_SYNC_FLUSH;
    const { _handle: handle, _writeState: state } = this.#stream;
    if (!handle || !state || typeof handle.writeSync !== "function") {
      throw new Error(`Cannot compress with ${format}: this runtime's node:zlib has no synchronous handle`);
    }
    this.#handle = handle;
    this.#state = state;
  }

  /** The compressed bytes of one payload. */
  encode(payload: string | Uint8Array): Uint8Array {
    const input = typeof payload === "string" ? Buffer.from(payload) : payload;
    const parts: Uint8Array[] = [];
    let offset = 0;
    let left = input.length;
    let room: number;
    do {
      this.#handle.writeSync(this.#flush, input, offset, left, OUTPUT, 0, OUTPUT.length);
      room = this.#state[0] as number;
      offset += left - (this.#state[1] as number);
      left = this.#state[1] as number;
      // A copy, for the output buffer is used again.
      parts.push(new Uint8Array(OUTPUT.subarray(0, OUTPUT.length - room)));
      // A full output buffer means that there is more to come.
    } while (room === 0);
    return parts.length === 1 ? parts[0] as Uint8Array : new Uint8Array(Buffer.concat(parts));
  }

  /** Frees the context. */
  [Symbol.dispose](): void {
    this.#stream.close();
  }
}
