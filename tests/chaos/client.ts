import { BotAuthentication, Decompressor, HTTPClient, ShardManager } from "../../mod.ts";
import type { DecompressorLike, HTTPClientOptions, ShardManagerOptions } from "../../mod.ts";
import type { LocalGateway } from "../../lib/testing/mod.ts";
import type { Attempts } from "./attempts.ts";
import type { Compression } from "./plan.ts";
import { CANARY, type Secrecy } from "./secrecy.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What a client in memory is made of. */
export interface MemoryClientOptions {
  gateway: LocalGateway;
  time: VirtualTime;
  secrecy: Secrecy;
  /** Counts the sockets that are opened. */
  attempts: Attempts;
  intents: number;
  compress: Compression;
  options?: ShardManagerOptions;
}

/** A manager whose sockets and requests stay in memory, and whose every wait without a timer is known to the clock. */
export function memoryManager(client: MemoryClientOptions): ShardManager {
  const { compress, intents } = client;
  return new ShardManager(new BotAuthentication(CANARY), intents, memoryHttpClient(client), {
    compress,
    createDecompressor: (format) => trackedDecompressor(client.time, new Decompressor(format)),
    ...client.options,
  });
}

/** An HTTP client that stays in memory. */
export function memoryHttpClient(
  { gateway, time, secrecy, attempts }: Pick<MemoryClientOptions, "gateway" | "time" | "secrecy" | "attempts">,
): HTTPClient {
  const options: HTTPClientOptions = {
    baseUrl: gateway.url,
    fetch: async (url, init) => {
      secrecy.search("a URL", String(url));
      time.linger();
      const response = await gateway.fetch(url, init);
      time.linger();
      return response;
    },
    createWebSocket: (url) => {
      secrecy.search("a URL", url);
      attempts.add();
      return gateway.createWebSocket(url);
    },
  };
  return new HTTPClient(options);
}

function trackedDecompressor(time: VirtualTime, decompressor: Decompressor): DecompressorLike {
  return {
    decompress: (bytes) => time.track(decompressor.decompress(bytes)),
    close: () => decompressor.close(),
  };
}
