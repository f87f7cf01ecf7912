import type { Link, LinkHandler } from "./link.ts";

/** What answers the requests of a native server. `remotePort` tells which relayed connection it is. */
export interface NativeHandler {
  /** An ordinary request. */
  request(request: Request, remotePort: number): Promise<Response>;
  /** A WebSocket handshake: refused with an answer, or accepted with the one who takes the connection. */
  upgrade(
    request: Request,
    remotePort: number,
  ): Response | { handler: LinkHandler; link: (socket: NativeSocket) => Link };
}

/** The server's end of a WebSocket, as far as the two runtimes agree. */
export interface NativeSocket {
  send(data: string | Uint8Array): void;
  /** `null` closes without a code; Bun then ends the connection without a close frame. */
  close(code: number | null, reason: string): void;
}

/** A running server of the runtime's own. */
export interface NativeServer {
  readonly port: number;
  /** Ends it; every connection has to be gone before. */
  stop(): Promise<void>;
}

interface DenoServer {
  addr: { port: number };
  shutdown(): Promise<void>;
}

interface DenoNamespace {
  serve(
    options: { hostname: string; port: number; onListen: () => void; onError: () => Response },
    handler: (request: Request, info: { remoteAddr: { port: number } }) => Response | Promise<Response>,
  ): DenoServer;
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: WebSocket; response: Response };
}

interface BunSocket {
  data: BunSocketData;
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

interface BunSocketData {
  handler: LinkHandler;
  link: (socket: NativeSocket) => Link;
}

interface BunServer {
  port: number;
  requestIP(request: Request): { port: number } | null;
  upgrade(request: Request, options: { data: BunSocketData }): boolean;
  stop(closeActiveConnections: boolean): void | Promise<void>;
}

interface BunNamespace {
  serve(options: unknown): BunServer;
}

/** Starts the runtime's own HTTP and WebSocket server on a free port of 127.0.0.1. */
export function serveNative(handler: NativeHandler): NativeServer {
  const runtime = globalThis as unknown as { Deno?: DenoNamespace; Bun?: BunNamespace };
  if (runtime.Bun !== undefined) return serveBun(runtime.Bun, handler);
  if (runtime.Deno !== undefined) return serveDeno(runtime.Deno, handler);
  throw new Error(
    "Cannot listen: LocalGateway binds sockets on Deno and Bun only; start it with { listen: false } elsewhere",
  );
}

function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

function serveDeno(deno: DenoNamespace, handler: NativeHandler): NativeServer {
  const onError = () => new Response(null, { status: 500 });
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError };
  const server = deno.serve(options, (request, { remoteAddr: { port } }) => {
    if (!isUpgrade(request)) return handler.request(request, port);
    const verdict = handler.upgrade(request, port);
    if (verdict instanceof Response) return verdict;
    // The default idle timeout sends pings and would end a frozen connection.
    const { socket, response } = deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.binaryType = "arraybuffer";
    const link = verdict.link({
      send: (data) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(data as string | Uint8Array<ArrayBuffer>);
      },
      close: (code, reason) => code === null ? socket.close() : socket.close(code, reason),
    });
    socket.onopen = () => verdict.handler.opened(link);
    socket.onmessage = ({ data }) =>
      verdict.handler.received(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
    socket.onclose = ({ code, reason }) => verdict.handler.ended(code, reason);
    return response;
  });
  return { port: server.addr.port, stop: () => server.shutdown() };
}

function serveBun(bun: BunNamespace, handler: NativeHandler): NativeServer {
  const server = bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request: Request, server: BunServer): Promise<Response | undefined> {
      const port = server.requestIP(request)?.port ?? 0;
      if (!isUpgrade(request)) return await handler.request(request, port);
      const verdict = handler.upgrade(request, port);
      if (verdict instanceof Response) return verdict;
      return server.upgrade(request, { data: verdict }) ? undefined : new Response(null, { status: 400 });
    },
    websocket: {
      idleTimeout: 0,
      perMessageDeflate: false,
      maxPayloadLength: 16 * 1024 * 1024,
      backpressureLimit: 1024 * 1024 * 1024,
      open(socket: BunSocket): void {
        const native: NativeSocket = {
          send: (data) => socket.send(data),
          close: (code, reason) => code === null ? socket.terminate() : socket.close(code, reason),
        };
        socket.data.handler.opened(socket.data.link(native));
      },
      message(socket: BunSocket, data: string | Uint8Array): void {
        socket.data.handler.received(data);
      },
      close(socket: BunSocket, code: number, reason: string): void {
        socket.data.handler.ended(code, reason);
      },
    },
  });
  return { port: server.port, stop: async () => await server.stop(true) };
}
