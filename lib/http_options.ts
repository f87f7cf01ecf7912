import type { BotAuthentication } from "./authentication.ts";
import type { GatewayQuery } from "./handshake.ts";

/** Options of an {@linkcode HTTPClient}. */
export interface HTTPClientOptions {
  /**
   * Where the API is, with its version.
   *
   * @default {"https://discord.com/api/v10"}
   */
  baseUrl?: string | undefined;
  /** What is added to the `User-Agent` that Discord asks for, such as `MyBot/1.0`. */
  userAgent?: string | undefined;
  /**
   * What sends the requests: for proxies and tests.
   *
   * @default {globalThis.fetch}
   */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** What makes the sockets, still connecting: for proxies and tests. By default the global `WebSocket`. */
  createWebSocket?: ((url: string) => WebSocket) | undefined;
  /**
   * How long one attempt of a request may take, in milliseconds. Waiting for its turn does not count.
   *
   * @default {30_000}
   */
  requestTimeoutMs?: number | undefined;
}

/** What is known when a request is about to be tried again. */
export interface RequestRetry {
  /** The number of the attempt that failed, from 1. */
  readonly attempt: number;
  /** How long is waited before the next one, in milliseconds; it can take longer where others wait too. */
  readonly delayMs: number;
  /** Why it failed. */
  readonly error: Error;
}

/** Options of {@linkcode HTTPClient.getGateway} and {@linkcode HTTPClient.getGatewayBot}. */
export interface GetOptions {
  /** Ends the request and all its waiting: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called before every wait for another attempt. A promise that it gives is not waited for. */
  onRetry?: ((retry: RequestRetry) => void) | undefined;
}

/** Options of {@linkcode HTTPClient.getGateway}. */
export interface GetGatewayOptions extends GetOptions {
  /**
   * Whether to ask again instead of giving the answer of an earlier time.
   *
   * @default {false}
   */
  refresh?: boolean | undefined;
}

/** Options of {@linkcode HTTPClient.createMessage}. */
export interface CreateMessageOptions {
  /** Ends the request and all its waiting: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of {@linkcode HTTPClient.request}. */
export interface RequestOptions extends GetOptions {
  /** Who asks; without it the request goes without a token. */
  auth?: BotAuthentication | undefined;
  /** What is sent, as JSON. */
  body?: unknown;
  /** Further headers. */
  headers?: Record<string, string> | undefined;
  /** What the guild's audit log shows. */
  reason?: string | undefined;
  /**
   * Whether to try again after faults of the network and of the server (5xx), until the signal aborts. What is not a GET
   * could be done twice that way. A 429 is tried again up to 5 times in any case, and with `retry` for as long as it comes.
   *
   * @default {method === "GET"}
   */
  retry?: boolean | undefined;
}

/** Options of {@linkcode HTTPClient.connectToGateway}. */
export interface ConnectToGatewayOptions extends GatewayQuery {
  /** The gateway's URL, whose query is filled in. By default what {@linkcode HTTPClient.getGateway} answers. */
  url?: string | undefined;
  /** Ends the handshake: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}
