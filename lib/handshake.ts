import { onAbort } from "./abortable.ts";
import { checkNumber, checkWord, refuse } from "./check.ts";
import { DisconnectError } from "./errors.ts";
import { socketEnd } from "./settled.ts";

/** What the query of a gateway URL says. */
export interface GatewayQuery {
  /**
   * The version of the gateway.
   *
   * @default {10}
   */
  version?: number | undefined;
  /**
   * How payloads are written.
   *
   * @default {"json"}
   */
  encoding?: "json" | undefined;
  /**
   * How what is received is compressed.
   *
   * @default {"none"}
   */
  compress?: "zlib-stream" | "zstd-stream" | "none" | undefined;
}

const COMPRESSIONS: readonly string[] = ["zlib-stream", "zstd-stream", "none"];

/**
 * Adds the query to the gateway's URL, which may be a bare host, end in a slash or have a query of its own: the resume
 * URL comes without any.
 *
 * @throws {TypeError} Where it is not the URL of a WebSocket.
 * @see {@link https://discord.com/developers/docs/topics/gateway#connecting-gateway-url-query-string-params}
 */
export function gatewayUrl(base: string, query: GatewayQuery = {}): URL {
  const { version = 10, encoding = "json", compress = "none" } = query;
  // Not quoted in the message: a token can have got into it.
  const url = typeof base === "string" ? URL.parse(base) : null;
  if (url?.protocol !== "wss:" && url?.protocol !== "ws:") {
    throw new TypeError("Cannot connect to the gateway: the URL must begin with wss: or ws:");
  }
  checkNumber("connect to the gateway: the version", version, 1);
  if (encoding !== "json") refuse("connect to the gateway: the encoding", "json", encoding);
  checkWord("connect to the gateway: compress", compress, COMPRESSIONS);
  url.hash = "";
  url.searchParams.set("v", `${version}`);
  url.searchParams.set("encoding", encoding);
  if (compress === "none") url.searchParams.delete("compress");
  else url.searchParams.set("compress", compress);
  return url;
}

/**
 * Waits until a socket is open, and calls `onOpen` inside of its `open` event: on Deno the first messages of the gateway,
 * when they came together with the answer to the handshake, are only a microtask or two away.
 *
 * @throws {DisconnectError} Rejects where the handshake fails; with the signal's reason once the socket has been closed,
 * or after a second without.
 */
export function handshake(socket: WebSocket, host: string, signal: AbortSignal, onOpen: () => void): Promise<void> {
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const end = () => {
      socket.removeEventListener("open", open);
      socket.removeEventListener("error", fail);
      socket.removeEventListener("close", fail);
      stop();
    };
    const open = () => {
      end();
      onOpen();
      resolve();
    };
    const fail = (event: Event) => {
      end();
      const { message, error, code } = event as Partial<ErrorEvent & CloseEvent>;
      const why = event.type === "close"
        ? `the WebSocket closed with ${code}`
        : message || "the WebSocket handshake failed";
      reject(new DisconnectError(`Cannot connect to the gateway at ${host}: ${why}`, { cause: error }));
    };
    // For good: a socket of the owner's that is an emitter of Node's ends the process with an error nobody listens to.
    socket.addEventListener("error", () => {});
    socket.addEventListener("open", open);
    socket.addEventListener("error", fail);
    socket.addEventListener("close", fail);
    stop = onAbort(signal, (reason) => {
      end();
      const closed = socketEnd(socket);
      try {
        socket.close();
        // Nothing is left of it by then, unless the peer is mute.
        closed.then(() => reject(reason));
      } catch {
        reject(reason);
      }
    });
  });
}
