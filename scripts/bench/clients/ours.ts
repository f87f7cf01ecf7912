/**
 * Gangway: with a listener for every event of the traffic (`heard`, `latency`), or for the marks alone (`unheard`). The
 * same with the decompressor of \`./node\` (`node`), and while \`./telemetry\` and \`./status\` look on (`watched`).
 *
 * @module
 */

import { BotAuthentication, HTTPClient, ShardManager } from "../../../mod.ts";
import { EVENT_KINDS, MARK } from "../traffic.ts";
import { clientOptions, Meter } from "./meter.ts";

const options = clientOptions();
const { port, compress, mode } = options;
const meter = new Meter(options);
const httpClient = new HTTPClient({
  baseUrl: `http://127.0.0.1:${port}`,
  ...(mode === "latency" && {
    createWebSocket: (url) => {
      const socket = new WebSocket(url);
      // The first listener: it has the message at the same moment as the library.
      socket.addEventListener("message", () => meter.arrived());
      return socket;
    },
  }),
});
// Loaded only where they are measured: code costs memory.
const { createNodeDecompressor } = mode.endsWith("node") ? await import("../../../lib/node_decompressor.ts") : {};
const manager = new ShardManager(new BotAuthentication("token"), 1, httpClient, {
  compress: compress as "none",
  ...(createNodeDecompressor !== undefined && { createDecompressor: createNodeDecompressor }),
});
const { eventDispatcher, rawDispatcher } = manager;

if (mode === "watched") (await import("./watch.ts")).watch(manager);
if (mode.startsWith("unheard")) {
  eventDispatcher.listen(MARK, (_data, event) => meter.mark(event.sequence as number));
  // Nobody sees the single events: the library has to tell of one that is left out.
  manager.dispatcher.listen("sequence_gap", ({ missed }) => meter.miss(missed));
} else {
  for (const name of [...EVENT_KINDS, MARK]) {
    eventDispatcher.listen(name, (_data, event) => meter.tick(name, event.sequence as number));
  }
}
if (mode === "latency") {
  rawDispatcher.listen("10", () => meter.skip());
  eventDispatcher.listen("READY", () => meter.skip());
}
await manager.connect();
await manager.closed;
