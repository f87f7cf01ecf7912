/**
 * Prepares what the server of the benchmarks sends, before any clock starts.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import zlib from "node:zlib";

/** The first frames of a connection and the rest, each as it goes over the wire. */
export interface PreparedFrames {
  /** HELLO. */
  hello: Buffer;
  /** READY, then the events. */
  events: Buffer[];
  /** The same, joined into long runs. */
  runs: Buffer[];
}

const RUN_BYTES = 256 * 1024;

/** Frames one connection's messages: compressed as the one stream that they are, or as text. */
export async function prepare(messages: readonly string[], compress: string): Promise<PreparedFrames> {
  const [hello, ...events] = compress === "none"
    ? messages.map((text) => frame(1, Buffer.from(text)))
    : (await compressed(compress, messages)).map((bytes) => frame(2, bytes));
  return { hello: hello ?? Buffer.alloc(0), events, runs: joined(events) };
}

/** A frame as a server sends it: final, not masked. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = length;
  else if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeUInt32BE(length, 6);
  }
  return Buffer.concat([head, payload]);
}

async function compressed(compress: string, texts: readonly string[]): Promise<Buffer[]> {
  const { createDeflate, createZstdCompress, constants } = zlib;
  const isZlib = compress === "zlib-stream";
  const stream = isZlib ? createDeflate({ level: 6 }) : createZstdCompress();
  const flush = isZlib ? constants.Z_SYNC_FLUSH : constants.ZSTD_e_flush;
  let chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const payloads: Buffer[] = [];
  for (const text of texts) {
    stream.write(text);
    await new Promise<void>((resolve) => (stream as zlib.Deflate).flush(flush, () => resolve()));
    payloads.push(Buffer.concat(chunks));
    chunks = [];
  }
  stream.close();
  return payloads;
}

function joined(frames: readonly Buffer[]): Buffer[] {
  const runs: Buffer[] = [];
  let run: Buffer[] = [];
  let bytes = 0;
  for (const frame of frames) {
    run.push(frame);
    bytes += frame.length;
    if (bytes < RUN_BYTES) continue;
    runs.push(Buffer.concat(run));
    run = [];
    bytes = 0;
  }
  if (run.length > 0) runs.push(Buffer.concat(run));
  return runs;
}
