import { type CompressionFormat, Decompressor, isSupported } from "../decompressor.ts";
import { DisconnectError } from "../errors.ts";
import type { HTTPClient } from "../http_client.ts";
import { GatewayOpcode } from "../opcode.ts";
import { GatewaySocket } from "../socket.ts";

/** What a connection that was opened for a moment has shown. */
export interface RoundTrip {
  /** How what the gateway sends was compressed. */
  compress: CompressionFormat | "none";
  /** From the start of the WebSocket handshake to HELLO, in milliseconds. */
  helloMs: number;
  /** From a heartbeat to its ACK, in milliseconds. */
  heartbeatMs: number;
}

/**
 * Opens a connection as a shard does by default, has one heartbeat answered and closes again. The gateway answers
 * heartbeats before IDENTIFY too, so it costs no identify.
 *
 * @throws {DisconnectError} Rejects where the handshake fails or the gateway closes.
 */
export async function measureRoundTrip(httpClient: HTTPClient, url: string, signal: AbortSignal): Promise<RoundTrip> {
  const startedAt = performance.now();
  const ended = Promise.withResolvers<RoundTrip>();
  ended.promise.catch(() => {});
  const abort = () => ended.reject(signal.reason);
  let helloMs = 0;
  let sentAt = 0;
  // On Node nothing is compressed unless the bot has a decompressor of its own.
  const asked: RoundTrip["compress"] = isSupported("zlib-stream") ? "zlib-stream" : "none";
  const webSocket = await httpClient.connectToGateway({ url, compress: asked, signal });
  let compress = asked;
  webSocket.addEventListener("message", ({ data }) => {
    // A gateway, or what stands before it, that takes no notice of what was asked for sends text.
    if (typeof data === "string") compress = "none";
  }, { once: true });
  const socket = new GatewaySocket(webSocket, () => asked === "none" ? null : new Decompressor(asked), {
    onMessage(message) {
      const { op } = JSON.parse(message) as { op: number };
      if (op === GatewayOpcode.Hello) {
        sentAt = performance.now();
        helloMs = sentAt - startedAt;
        socket.send(JSON.stringify({ op: GatewayOpcode.Heartbeat, d: null }));
      }
      if (op === GatewayOpcode.HeartbeatAck && sentAt !== 0) {
        ended.resolve({ compress, helloMs, heartbeatMs: performance.now() - sentAt });
      }
    },
    onClose: (code, cause) =>
      ended.reject(
        new DisconnectError(`Disconnected from the gateway with ${code} before a heartbeat was answered`, { cause }),
      ),
  });
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    return await ended.promise;
  } finally {
    signal.removeEventListener("abort", abort);
    // There is no session to be kept.
    await socket.close(1000);
  }
}
