/**
 * The server of the benchmarks, in a process of its own: prepares every frame before the clock starts and then writes
 * them as fast as the client takes them, or at a pace. Its first argument is {@linkcode ServerOptions} as JSON, its first
 * line of output the port; it ends when its standard input does.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import process from "node:process";
import { setImmediate, setTimeout } from "node:timers";
import { prepare, type PreparedFrames } from "./frames.ts";
import { type EventKind, traffic } from "./traffic.ts";

/** What the server is started with. */
export interface ServerOptions {
  /** How many events to send, and how many of the same kind before the clock starts. */
  count: number;
  warmUp: number;
  /** Sends only events of this name. */
  only?: EventKind;
  /** Events a second, each in a write of its own; without it as fast as possible. */
  perSecond?: number;
  /** The compressions it is going to be asked for. */
  compress: readonly string[];
}

const HEARTBEAT_INTERVAL_MS = 45_000;
const HELLO_DELAY_MS = 20;

const options: ServerOptions = JSON.parse(process.argv[2] ?? "{}");
const prepared = new Map<string, PreparedFrames>();
let port = 0;

/** HELLO, READY, the warm-up, a mark, the events, a mark. */
function messages(): string[] {
  const { count, warmUp, only } = options;
  const ready = {
    v: 10,
    user: { id: "1" },
    guilds: [],
    session_id: "s",
    resume_gateway_url: `ws://127.0.0.1:${port}`,
    application: { id: "1", flags: 0 },
  };
  const events = count === 0 ? [] : [...traffic({ count: count + warmUp, marks: [warmUp, warmUp + count], only })];
  return [
    `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":${HEARTBEAT_INTERVAL_MS}}}`,
    `{"t":"READY","s":1,"op":0,"d":${JSON.stringify(ready)}}`,
    ...events,
  ];
}

const server = createServer((_request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({
    url: `ws://127.0.0.1:${port}`,
    shards: 1,
    session_start_limit: { total: 100_000, remaining: 100_000, reset_after: 1_000, max_concurrency: 10_000 },
  }));
});

server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  // A client ends with its process; the server of many clients would run out of file descriptors.
  socket.on("end", () => socket.destroy());
  const compress = new URL(request.url ?? "/", "http://x").searchParams.get("compress") ?? "none";
  const frames = prepared.get(compress);
  if (frames === undefined) return socket.destroy(new Error(`Not prepared: ${compress}`));
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  // In a packet of its own: some clients lose what comes together with the answer to the handshake.
  const greeted = new Promise<void>((resolve) =>
    setTimeout(() => {
      socket.write(frames.hello);
      resolve();
    }, HELLO_DELAY_MS)
  );
  let started = false;
  socket.on("data", (data: Buffer) => {
    if (((data[0] ?? 0) & 15) === 8) return void socket.end();
    // What the client sends is not read: the first frame is its IDENTIFY, which some send before HELLO.
    if (started) return;
    started = true;
    void greeted.then(() =>
      options.perSecond === undefined ? flood(socket, frames.runs) : pace(socket, frames.events, options.perSecond)
    );
  });
});

async function flood(socket: Socket, runs: readonly Buffer[]): Promise<void> {
  const closed = new Promise((resolve) => socket.once("close", resolve));
  for (const run of runs) {
    if (!socket.write(run)) await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
    if (socket.destroyed) return;
  }
}

/** Each event in a write of its own, evenly spread. */
async function pace(socket: Socket, events: readonly Buffer[], perSecond: number): Promise<void> {
  const start = performance.now();
  for (const [at, event] of events.entries()) {
    const due = start + at / perSecond * 1_000;
    while (performance.now() < due) {
      await new Promise<void>((resolve) =>
        due - performance.now() > 2 ? setTimeout(resolve, 1) : setImmediate(resolve)
      );
    }
    if (socket.destroyed) return;
    socket.write(event);
  }
}

process.stdin.on("end", () => process.exit()).resume();
server.listen(0, "127.0.0.1", async () => {
  port = (server.address() as { port: number }).port;
  for (const compress of options.compress) prepared.set(compress, await prepare(messages(), compress));
  console.log(port);
});
