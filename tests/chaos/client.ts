import { BotAuthentication, Decompressor, HTTPClient, ShardManager } from "../../mod.ts";
import type { CompressionFormat, HTTPClientOptions, ShardManagerOptions } from "../../mod.ts";
import type { LocalGateway } from "../../lib/testing/mod.ts";
import type { Attempts } from "./attempts.ts";
import type { Compression } from "./plan.ts";
import { CANARY } from "../canary.ts";
import type { Secrecy } from "./secrecy.ts";
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
    createDecompressor: (format) => new TrackedDecompressor(client.time, format),
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
      const socket = gateway.createWebSocket(url);
      socket.addEventListener("message", ({ data }) => {
        if (data instanceof ArrayBuffer) time.owe(data.byteLength);
      });
      return socket;
    },
  };
  return new HTTPClient(options);
}

/** The library's own, so that frames are gathered as they are without a clock of ours. */
class TrackedDecompressor extends Decompressor {
  readonly #time: VirtualTime;

  constructor(time: VirtualTime, format: CompressionFormat) {
    super(format);
    this.#time = time;
  }

  override decompress(bytes: Uint8Array): Promise<Uint8Array | null> {
    this.#time.owe(-bytes.length);
    return this.#time.track(super.decompress(bytes));
  }
}
