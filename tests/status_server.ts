/**
 * The runtime's own HTTP server, as users mount a status handler on it.
 *
 * @module
 */
import type { ConnectionInfo } from "@gangway/gateway/status";
import { runtime } from "./harness.ts";

/** A server on a free port of this machine. */
export interface StatusServer extends AsyncDisposable {
  /** Where it is, with a slash at the end. */
  readonly url: string;
}

/** What answers requests: a status handler, or what is around one. */
export type Handler = (request: Request, connection?: ConnectionInfo) => Promise<Response>;

interface Runtimes {
  Deno: {
    serve(options: unknown, handler: Handler): { addr: { port: number }; shutdown(): Promise<void> };
  };
  Bun: { serve(options: unknown): { port: number; stop(closeActiveConnections: boolean): Promise<void> } };
}

/** Serves a handler. */
export function serveStatus(handler: Handler): StatusServer {
  const { Deno, Bun } = globalThis as unknown as Runtimes;
  const place = { hostname: "127.0.0.1", port: 0 };
  if (runtime === "bun") {
    const server = Bun.serve({ ...place, fetch: handler });
    return { url: `http://127.0.0.1:${server.port}/`, [Symbol.asyncDispose]: () => server.stop(true) };
  }
  const server = Deno.serve({ ...place, onListen: () => {} }, handler);
  return { url: `http://127.0.0.1:${server.addr.port}/`, [Symbol.asyncDispose]: () => server.shutdown() };
}
