import { attempt } from "./attempt.ts";
import { type BotAuthentication, checkAuthentication } from "./authentication.ts";
import {
  checkFunction,
  checkObject,
  checkOptions,
  checkSnowflake,
  checkString,
  checkTimeout,
  invalidState,
  refuse,
} from "./check.ts";
import { gatewayUrl, handshake } from "./handshake.ts";
import { HTTPRequests } from "./http_requests.ts";
import { assertPath, baseUrlOf, gatewayBotInfoOf, gatewayInfoOf } from "./http_shape.ts";
import type {
  ConnectToGatewayOptions,
  CreateMessageOptions,
  GetGatewayOptions,
  GetOptions,
  HTTPClientOptions,
  RequestOptions,
} from "./http_options.ts";
import type { GatewayBotInfo, Message, MessageData } from "./payload.ts";
import { VERSION } from "./version.ts";
import { withSignals } from "./with_signals.ts";

/** "Clients using the HTTP API must provide a valid User Agent": `DiscordBot ($url, $versionNumber)`. */
const USER_AGENT = `DiscordBot (https://jsr.io/@gangway/gateway, ${VERSION})`;

/**
 * The part of Discord's HTTP API that a gateway client needs, with its rate limits kept; and the one place that opens
 * sockets.
 *
 * Tokens go nowhere but to the origin of `baseUrl`: redirects are not followed. Neither a bot's token nor that of a webhook
 * or an interaction shows in an error.
 *
 * @see {@link https://discord.com/developers/docs/reference#http-api}
 *
 * @example
 * ```ts
 * import { BotAuthentication, HTTPClient } from "@gangway/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * using client = new HTTPClient({
 *   fetch: (_url, init) => Promise.resolve(Response.json({ id: "2", content: JSON.parse(`${init.body}`).content })),
 * });
 * const authentication = new BotAuthentication("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.canary");
 * const message = await client.createMessage(authentication, "1", { content: "pong" });
 * assertEquals(message.content, "pong");
 * ```
 */
export class HTTPClient {
  readonly #requests: HTTPRequests;
  readonly #createWebSocket: (url: string) => WebSocket;
  readonly #lifetime = new AbortController();
  #gateway: { url: string } | undefined;

  /**
   * Makes a client; nothing is sent yet.
   *
   * @throws {TypeError} Where an option has another type, `baseUrl` is not a plain `http:` or `https:` URL, or `userAgent`
   * is not printable ASCII.
   * @throws {RangeError} Where `requestTimeoutMs` is not a time that a timer can run.
   */
  constructor(options: HTTPClientOptions = {}) {
    checkObject("make a client: the options", options);
    const {
      baseUrl = "https://discord.com/api/v10",
      userAgent = "",
      fetch = globalThis.fetch,
      createWebSocket = (url) => new WebSocket(url),
      requestTimeoutMs = 30_000,
    } = options;
    if (typeof userAgent !== "string" || !/^[\x20-\x7e]*$/.test(userAgent)) {
      refuse("use the user agent: it", "printable ASCII", userAgent);
    }
    checkFunction("make a client: fetch", fetch);
    checkFunction("make a client: createWebSocket", createWebSocket);
    checkTimeout("make a client: requestTimeoutMs", requestTimeoutMs);
    this.#requests = new HTTPRequests({
      baseUrl: baseUrlOf(baseUrl),
      userAgent: `${USER_AGENT} ${userAgent}`.trim(),
      fetch,
      timeoutMs: requestTimeoutMs,
    });
    this.#createWebSocket = createWebSocket;
  }

  /**
   * How many answers of the last (at most) 10 minutes were 401, 403 or 429. Discord bans an address at 10,000; at 5,000 all
   * requests wait until the 10 minutes are over.
   */
  get invalidResponses(): number {
    return this.#requests.invalidResponses;
  }

  /**
   * Asks for the gateway's URL, which needs no token. The answer is kept: "Clients should cache this value and only call
   * this endpoint to retrieve a new URL when they are unable to properly establish a connection using the cached one".
   *
   * @throws {HTTPError} Rejects as {@linkcode HTTPClient.request} does, and where the answer has another shape.
   * @see {@link https://discord.com/developers/docs/topics/gateway#get-gateway}
   *
   * @example Where the gateway is
   * ```ts
   * import { HTTPClient } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * using client = new HTTPClient({ baseUrl: discord.url });
   * const { url } = await client.getGateway();
   * assertEquals(url, discord.gatewayUrl);
   * ```
   */
  getGateway(options: GetGatewayOptions = {}): Promise<{ url: string }> {
    return this.#within(options, async (signal) => {
      if (options.refresh) this.#gateway = undefined;
      const { onRetry } = options;
      return this.#gateway ??= gatewayInfoOf(await this.request("GET", "/gateway", { signal, onRetry }));
    });
  }

  /**
   * Asks for the gateway's URL, the recommended number of shards and how many sessions may be started. Faults of the
   * network and of the server, and rate limits, are retried until the signal aborts.
   *
   * @throws {TypeError} Rejects where that is not a {@linkcode BotAuthentication}.
   * @throws {InvalidTokenError} Rejects at once where the token is not valid.
   * @throws {HTTPError} Rejects as {@linkcode HTTPClient.request} does, and where the answer has another shape.
   * @see {@link https://discord.com/developers/docs/topics/gateway#get-gateway-bot}
   *
   * @example How many shards a bot should have
   * ```ts
   * import { BotAuthentication, HTTPClient } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * using client = new HTTPClient({ baseUrl: discord.url });
   * const { shards } = await client.getGatewayBot(new BotAuthentication(discord.token));
   * assertEquals(shards, 1);
   * ```
   */
  getGatewayBot(auth: BotAuthentication, options: GetOptions = {}): Promise<GatewayBotInfo> {
    return this.#within(options, async (signal) => {
      checkAuthentication(auth);
      const { onRetry } = options;
      const body = await this.request("GET", "/gateway/bot", { auth, signal, onRetry });
      const info = gatewayBotInfoOf(body);
      this.#gateway = { url: info.url };
      return info;
    });
  }

  /**
   * Posts a message in a channel.
   *
   * @throws {TypeError} Rejects where that is not a {@linkcode BotAuthentication}, or the channel's id is not one.
   * @throws {HTTPError} Rejects as {@linkcode HTTPClient.request} does.
   * @see {@link https://discord.com/developers/docs/resources/message#create-message}
   *
   * @example A message in a channel
   * ```ts
   * import { BotAuthentication, HTTPClient } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * using client = new HTTPClient({ baseUrl: discord.url });
   * const channelId = discord.guilds[0]?.channels[0]?.id ?? "";
   * await client.createMessage(new BotAuthentication(discord.token), channelId, { content: "hello" });
   * assertEquals(discord.messages.map(({ content }) => content), ["hello"]);
   * ```
   */
  createMessage(
    auth: BotAuthentication,
    channelId: string,
    message: MessageData,
    options: CreateMessageOptions = {},
  ): Promise<Message> {
    return this.#within(options, async (signal) => {
      checkAuthentication(auth);
      checkSnowflake("create a message: the channel id", channelId);
      checkObject("create a message: it", message);
      return await this.request<Message>("POST", `/channels/${channelId}/messages`, { auth, signal, body: message });
    });
  }

  /**
   * Sends a request when the rate limits allow it, and gives what the JSON of the answer holds (`undefined` where there
   * is no body). A 429 waits what it says, a day at most, and is tried again.
   *
   * @param path What comes after `baseUrl`; begins with `/`.
   * @throws {InvalidTokenError} Rejects where the bot's token is not valid, and from then on without asking: Discord
   * bans addresses that keep sending requests like that.
   * @throws {HTTPError} Rejects where the answer is not 2xx, or is not JSON.
   * @throws {TypeError} Rejects where the path, the method or an option is not one, and (without `retry`) where the
   * network fails.
   * @throws {DOMException} Rejects with an InvalidStateError after `close()`, an AbortError when `close()` is called.
   *
   * @example Any other part of the API
   * ```ts
   * import { BotAuthentication, HTTPClient } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * using client = new HTTPClient({ baseUrl: discord.url });
   * const auth = new BotAuthentication(discord.token);
   * const user = await client.request<{ id: string }>("GET", "/users/@me", { auth });
   * assertEquals(user.id, discord.bot.id);
   * ```
   */
  request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return this.#within(options, async (signal) => {
      const { auth, onRetry } = options;
      if (typeof method !== "string" || !/^[a-z]+$/i.test(method)) {
        refuse("send a request: the method", "a word", method);
      }
      const verb = method.toUpperCase();
      assertPath(path);
      if (auth !== undefined) checkAuthentication(auth);
      if (onRetry !== undefined) checkFunction("send a request: onRetry", onRetry);
      if (options.reason !== undefined) checkString("send a request: reason", options.reason);
      if (options.body !== undefined && (verb === "GET" || verb === "HEAD")) {
        throw new TypeError(`Cannot send a request: ${verb} has no body`);
      }
      return await this.#requests.perform(verb, path, options, signal) as T;
    });
  }

  /**
   * Opens a socket to the gateway, with `binaryType` set to `arraybuffer`, and resolves when it is open.
   *
   * Messages can have arrived together with the end of the handshake. None is lost where the listeners are added right
   * after `await client.connectToGateway(…)`; anything awaited between the two (also an async function that only passes
   * the promise on) is too late for them on Deno.
   *
   * @throws {DisconnectError} Rejects where the handshake fails. After an abort the end of the socket is waited for, a
   * second at most.
   * @throws {TypeError} Rejects where the URL is not one of a WebSocket.
   *
   * @example A socket of one's own
   * ```ts
   * import { HTTPClient } from "@gangway/gateway";
   * import { LocalGateway } from "@gangway/gateway/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await using discord = await LocalGateway.start();
   * using client = new HTTPClient({ baseUrl: discord.url });
   * const socket = await client.connectToGateway();
   * const { promise, resolve } = Promise.withResolvers<string>();
   * socket.addEventListener("message", ({ data }) => resolve(data), { once: true });
   * assertEquals(JSON.parse(await promise).op, 10);
   * socket.close();
   * ```
   */
  connectToGateway(options: ConnectToGatewayOptions = {}): Promise<WebSocket> {
    // Resolved from within the socket's event, so that nothing comes between it and who awaits.
    const promise = new Promise<WebSocket>((resolve, reject) => {
      this.#within(options, async (signal) => {
        const url = gatewayUrl(options.url ?? (await this.getGateway({ signal })).url, options);
        signal.throwIfAborted();
        const socket = this.#createWebSocket(url.href);
        try {
          await handshake(socket, url.host, signal, () => resolve(socket));
        } catch (error) {
          if (options.url === undefined) this.#gateway = undefined;
          throw error;
        }
      }).catch(reject);
    });
    promise.catch(() => {});
    return promise;
  }

  /** Ends what is under way with an AbortError; sockets that are open stay open. */
  close(): void {
    this.#lifetime.abort(new DOMException("Cannot go on: the HTTP client was closed", "AbortError"));
  }

  /** Does what {@linkcode HTTPClient.close} does. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Does something for as long as neither this client is closed nor the signal aborts. */
  #within<T>(
    options: { readonly signal?: AbortSignal | undefined },
    body: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return attempt(async () => {
      if (this.#lifetime.signal.aborted) {
        throw invalidState("begin: the HTTP client is closed");
      }
      checkOptions("begin", options);
      return await withSignals([this.#lifetime.signal, options.signal], ({ signal }) => body(signal));
    });
  }
}
