/**
 * Other libraries on the same server, each pointed at it in its own way and given one listener for what it tells of every
 * message. `mode` is the package. Bundled into the folder where the packages are, so that Node can run it as well.
 *
 * @module
 */

import { clientOptions, Meter } from "./meter.ts";

interface Packet {
  t: string | null;
  s: number;
}

const options = clientOptions();
const { port, mode, compress } = options;
const meter = new Meter(options);
const url = `ws://127.0.0.1:${port}`;
const info = {
  url,
  shards: 1,
  session_start_limit: { total: 1_000, remaining: 1_000, reset_after: 1_000_000, max_concurrency: 1 },
};

const PEERS: Record<string, (library: Library) => Promise<void> | void> = {
  "@discordjs/ws": discordjs,
  "@discordeno/gateway": discordeno,
  "cloudstorm": cloudstorm,
  "oceanic.js": oceanic,
};

/** None of them is installed where the types are checked. */
// deno-lint-ignore no-explicit-any
type Library = any;

function take({ t, s }: Packet): void {
  if (t !== null && t !== undefined && t !== "READY") meter.tick(t, s);
}

async function discordjs({ WebSocketManager, WebSocketShardEvents, CompressionMethod }: Library): Promise<void> {
  const manager = new WebSocketManager({
    token: "token",
    intents: 0,
    compression: compress === "none" ? null : CompressionMethod.ZlibNative,
    rest: { get: () => Promise.resolve(info) },
  });
  manager.on(WebSocketShardEvents.Dispatch, (packet: Packet) => take(packet));
  await manager.connect();
}

function discordeno({ createGatewayManager }: Library): void {
  const { total, remaining, reset_after: resetAfter, max_concurrency: maxConcurrency } = info.session_start_limit;
  const manager = createGatewayManager({
    token: "token",
    intents: 0,
    url,
    totalShards: 1,
    lastShardId: 0,
    connection: { url, shards: 1, sessionStartLimit: { total, remaining, resetAfter, maxConcurrency } },
    transportCompression: compress === "none" ? null : compress,
    resharding: { enabled: false },
    events: { message: (_shard: unknown, packet: Packet) => take(packet) },
  });
  manager.spawnShards();
}

async function cloudstorm({ Client }: Library): Promise<void> {
  const client = new Client("token", {
    intents: 0,
    ws: { compress: compress !== "none", encoding: "json" },
    snowtransferInstance: { bot: { getGatewayBot: () => Promise.resolve(info) } },
  });
  client.on("dispatch", (packet: Packet) => take(packet));
  await client.connect();
}

/** Without the events of the traffic its caches and structures are not built: only its gateway part is at work. */
async function oceanic({ Client }: Library): Promise<void> {
  const client = new Client({
    auth: "Bot token",
    gateway: {
      intents: 0,
      maxShards: 1,
      compress: compress === "none" ? false : compress,
      compressLibrary: "native",
      override: {
        appendQuery: true,
        getBot: () =>
          Promise.resolve({
            url,
            shards: 1,
            sessionStartLimit: { total: 1_000, remaining: 1_000, resetAfter: 1_000_000, maxConcurrency: 1 },
          }),
      },
    },
  });
  for (const name of ["PRESENCE_UPDATE", "MESSAGE_CREATE", "TYPING_START", "GUILD_CREATE"]) {
    client.shards.dispatcher?.unregister?.(name);
  }
  client.on("error", () => {});
  client.on("warn", () => {});
  client.on("packet", (packet: Packet) => take(packet));
  await client.connect();
}

await PEERS[mode]?.(await import(mode));
