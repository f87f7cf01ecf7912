import { canCompress, Compressor, deflatePayload } from "./compressor.ts";
import type { Link } from "./link.ts";
import type { PayloadWriter } from "./payload_writer.ts";

/** Payload compression is for what is worth it, so that a client sees both kinds of frame. */
const PAYLOAD_COMPRESSION_ABOVE = 256;

/** The way out of one connection: writes payloads, compresses them, cuts them into messages. */
export class PayloadOutlet implements Disposable {
  /** Payload compression: IDENTIFY with `compress: true`. It and transport compression exclude each other. */
  compressesPayloads = false;
  readonly #writer: PayloadWriter;
  readonly #link: Link;
  readonly #compressor: Compressor | null;
  readonly #splits: boolean;

  /** Opens the way; `compression` is what the query asked for, or empty. */
  constructor(writer: PayloadWriter, link: Link, compression: string) {
    this.#writer = writer;
    this.#link = link;
    this.#compressor = canCompress(compression) ? new Compressor(compression) : null;
    // "zstd-stream: exactly one WebSocket message is one payload."
    this.#splits = compression === "zlib-stream";
  }

  /** Sends a payload whose data is JSON already. */
  send(op: number, data: string, sequence: number | null, type: string | null): void {
    this.sendText(this.#writer.write(op, data, sequence, type));
  }

  /** Sends text as a payload. */
  sendText(text: string): void {
    if (this.#compressor !== null) {
      const bytes = this.#compressor.encode(text);
      for (const piece of this.#splits ? this.#writer.split(bytes) : [bytes]) this.#link.send(piece);
    } else if (this.compressesPayloads && text.length > PAYLOAD_COMPRESSION_ABOVE) {
      this.#link.send(deflatePayload(text));
    } else {
      this.#link.send(text);
    }
  }

  /** Sends a message as it is. */
  sendBare(data: string | Uint8Array): void {
    this.#link.send(data);
  }

  /** Sends bytes that no decompressor accepts, or without compression text that no parser accepts. */
  corrupt(): void {
    if (this.#compressor === null) return this.#link.send('{"op":0,"s":1,"t":"MESSAGE_CREATE","d":{"id":');
    // 07 starts a deflate block of the reserved type, and no zstd block is as long as FF FF FF says.
    this.#link.send(new Uint8Array([0x07, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff]));
  }

  /** Frees the compression context. */
  [Symbol.dispose](): void {
    this.#compressor?.[Symbol.dispose]();
  }
}
