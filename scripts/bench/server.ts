/**
 * The server of the benchmarks, in a process of its own: prepares every frame before the clock starts and then writes
 * them as fast as the client takes them, or at a pace.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import process from "node:process";
import { setTimeout } from "node:timers";
import zlib from "node:zlib";
import { type EventKind, traffic } from "./traffic.ts";

/** What the server is started with, as JSON in its first argument. */
export interface ServerOptions {
  /** How many events to send, and how many before the clock starts. */
  count: number;
  warmUp: number;
  only?: EventKind;
  /** Events a second, each in a write of its own; without it as fast as possible. */
  perSecond?: number;
}

const RUN_BYTES = 256 * 1024;
const HEARTBEAT_INTERVAL_MS = 45_000;

const options: ServerOptions = JSON.parse(process.argv[2] ?? "{}");
const messages = [...traffic({ count: options.count + options.warmUp, only: options.only })];
const streams = new Map<string, Buffer[]>();

/** A frame as a server sends it: final, not masked. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126
    ? Buffer.from([0x80 | opcode, length])
    : length < 65_536
    ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 255])
    : Buffer.from([
      0x80 | opcode,
      127,
      0,
      0,
      0,
      0,
      length >>> 24,
      (length >> 16) & 255,
      (length >> 8) & 255,
      length & 255,
    ]);
  return Buffer.concat([head, payload]);
}

/** Everything a connection is sent, compressed as one stream: HELLO, READY, then the events. */
async function framesFor(compress: string): Promise<Buffer[]> {
  const known = streams.get(compress);
  if (known !== undefined) return known;
  const ready = {
    v: 10,
    user: { id: "1" },
    guilds: [],
    session_id: "s",
    resume_gateway_url: `ws://127.0.0.1:${port}`,
    application: { id: "1", flags: 0 },
  };
  const texts = [
    `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":${HEARTBEAT_INTERVAL_MS}}}`,
    `{"t":"READY","s":1,"op":0,"d":${JSON.stringify(ready)}}`,
    ...messages,
  ];
  const frames = compress === "none"
    ? texts.map((text) => frame(1, Buffer.from(text)))
    : (await compressed(compress, texts)).map((bytes) => frame(2, bytes));
  streams.set(compress, frames);
  return frames;
}

async function compressed(compress: string, texts: readonly string[]): Promise<Buffer[]> {
  const { createZstdCompress, constants } = zlib;
  const isZlib = compress === "zlib-stream";
  const stream = isZlib ? zlib.createDeflate({ level: 6 }) : createZstdCompress();
  const flush = isZlib ? constants.Z_SYNC_FLUSH : constants.ZSTD_e_flush;
  let chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const frames: Buffer[] = [];
  for (const text of texts) {
    stream.write(text);
    await new Promise<void>((resolve) => (stream as zlib.Deflate).flush(flush, () => resolve()));
    frames.push(Buffer.concat(chunks));
    chunks = [];
  }
  stream.close();
  return frames;
}

const server = createServer((_request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({
    url: `ws://127.0.0.1:${port}`,
    shards: 1,
    session_start_limit: { total: 100_000, remaining: 100_000, reset_after: 1_000, max_concurrency: 10_000 },
  }));
});

server.on("upgrade", async (request: IncomingMessage, socket: Socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  const compress = new URL(request.url ?? "/", "http://x").searchParams.get("compress") ?? "none";
  const frames = await framesFor(compress);
  const accept = createHash("sha1").update(
    `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
  )
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(frames[0] as Buffer);
  let started = false;
  socket.on("data", (data: Buffer) => {
    if (((data[0] ?? 0) & 15) === 8) return void socket.end();
    // What the client sends is not read: the first frame is its IDENTIFY.
    if (started) return;
    started = true;
    void send(socket, frames);
  });
});

async function send(socket: Socket, frames: readonly Buffer[]): Promise<void> {
  socket.write(frames[1] as Buffer);
  if (options.perSecond !== undefined) return await pace(socket, frames, options.perSecond);
  for (let at = 2; at < frames.length;) {
    const run: Buffer[] = [];
    for (let bytes = 0; at < frames.length && bytes < RUN_BYTES; at++) {
      const next = frames[at] as Buffer;
      run.push(next);
      bytes += next.length;
    }
    if (!socket.write(Buffer.concat(run))) await new Promise((resolve) => socket.once("drain", resolve));
  }
}

/** Each event in a write of its own, evenly spread. */
async function pace(socket: Socket, frames: readonly Buffer[], perSecond: number): Promise<void> {
  const start = performance.now();
  for (let at = 2; at < frames.length; at++) {
    const due = start + (at - 2) / perSecond * 1000;
    while (performance.now() < due) {
      await new Promise<void>((resolve) =>
        due - performance.now() > 2 ? setTimeout(resolve, 1) : setImmediate(resolve)
      );
    }
    socket.write(frames[at] as Buffer);
  }
}

let port = 0;
server.listen(0, "127.0.0.1", async () => {
  port = (server.address() as { port: number }).port;
  for (const compress of (process.argv[3] ?? "zlib-stream").split(",")) await framesFor(compress);
  console.log(port);
});
process.stdin.on("end", () => process.exit()).resume();
