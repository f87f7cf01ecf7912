/**
 * Many connections in one process, idle once they are up: what each costs to open and to keep. `sockets` are WebSockets
 * alone, `contexts` have a `DecompressionStream` besides, `ours` are the shards of a manager.
 *
 * @module
 */

import { BotAuthentication, HTTPClient, ShardManager } from "../../../mod.ts";
import process from "node:process";
import { clientOptions, finish, memoryKiB } from "./meter.ts";

/** How long the process is left alone before its memory is looked at, in milliseconds. */
const REST_MS = 1_500;

const { port, mode, compress, shards = 1_000 } = clientOptions();
const url = `ws://127.0.0.1:${port}/?v=10&encoding=json${compress === "none" ? "" : `&compress=${compress}`}`;
/** Keeps everything alive to the end. */
const kept: unknown[] = [];

/** One connection that is greeted, identifies and has READY. */
async function connect(): Promise<void> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const ready = Promise.withResolvers<void>();
  const stream = mode === "contexts" ? new DecompressionStream("deflate") : null;
  const writer = stream?.writable.getWriter();
  let messages = 0;
  const onMessage = () => {
    messages++;
    if (messages === 1) socket.send('{"op":2,"d":{}}');
    else ready.resolve();
  };
  socket.onmessage = ({ data }) => writer === undefined ? onMessage() : void writer.write(new Uint8Array(data));
  kept.push(socket, stream);
  if (stream !== null) void drain(stream, onMessage);
  await ready.promise;
}

async function drain(stream: DecompressionStream, onMessage: () => void): Promise<void> {
  for await (const _chunk of stream.readable) onMessage();
}

async function connectOurs(): Promise<void> {
  const httpClient = new HTTPClient({ baseUrl: `http://127.0.0.1:${port}` });
  const manager = new ShardManager(new BotAuthentication("token"), 1, httpClient, {
    shardCount: shards,
    compress: compress as "none",
  });
  kept.push(manager);
  await manager.connect();
  await Promise.all([...manager.shards.values()].map((shard) => shard.ready));
}

function collectGarbage(): void {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(sync: boolean): void } };
  Bun?.gc(true);
  gc?.();
}

async function settledKiB(): Promise<number> {
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  collectGarbage();
  return memoryKiB("VmRSS");
}

const before = await settledKiB();
const cpu = process.cpuUsage();
const start = performance.now();
await (mode === "ours" ? connectOurs() : Promise.all(Array.from({ length: shards }, connect)));
const wallMs = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
const after = await settledKiB();
finish({
  cpuUs: (user + system) / shards,
  wallUs: wallMs * 1_000 / shards,
  peakKiB: memoryKiB("VmHWM"),
  breaks: 0,
  shardKiB: (after - before) / shards,
});
