import type { BotAuthentication } from "./authentication.ts";
import { backoffMs } from "./backoff.ts";
import { delay } from "./delay.ts";
import { InvalidTokenError } from "./errors.ts";
import { gatewayUrl, handshake } from "./handshake.ts";
import { AddressLimit, type Route, routeOf } from "./http_bucket.ts";
import { HTTPLimiter } from "./http_limiter.ts";
import {
  type Answer,
  answerOf,
  assertPath,
  baseUrlOf,
  errorWithoutSecrets,
  gatewayBotInfoOf,
  gatewayInfoOf,
  headersOf,
} from "./http_shape.ts";
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

/** How often a request that was answered with 429 is tried again: what waited as it was told rarely needs a second time. */
const MAX_RATE_LIMITED = 5;

/** What is kept for each token. */
interface Account {
  readonly limiter: HTTPLimiter;
  /** The answer that said that the token is not valid. */
  rejected: Error | null;
}

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
  readonly #baseUrl: string;
  readonly #userAgent: string;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly #createWebSocket: (url: string) => WebSocket;
  readonly #requestTimeoutMs: number;
  readonly #lifetime = new AbortController();
  readonly #address = new AddressLimit();
  readonly #accounts = new Map<string, Account>();
  /** Numbers the requests, so that one that is tried again goes before those that were made later. */
  #order = 0;
  #gateway: { url: string } | undefined;

  /**
   * Makes a client; nothing is sent yet.
   *
   * @throws {TypeError} Where `baseUrl` is not a plain `http:` or `https:` URL, or `userAgent` holds control characters.
   */
  constructor(options: HTTPClientOptions = {}) {
    const {
      baseUrl = "https://discord.com/api/v10",
      userAgent = "",
      fetch = globalThis.fetch,
      createWebSocket = (url) => new WebSocket(url),
      requestTimeoutMs = 30_000,
    } = options;
    this.#baseUrl = baseUrlOf(baseUrl);
    if (!/^[\x20-\x7e]*$/.test(userAgent)) {
      throw new TypeError(
        `Cannot use the user agent: it must be printable ASCII, received ${JSON.stringify(userAgent)}`,
      );
    }
    this.#userAgent = `${USER_AGENT} ${userAgent}`.trim();
    this.#fetch = fetch;
    this.#createWebSocket = createWebSocket;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /**
   * How many answers of the last (at most) 10 minutes were 401, 403 or 429. Discord bans an address at 10,000; at 5,000 all
   * requests wait until the 10 minutes are over.
   */
  get invalidResponses(): number {
    return this.#address.invalid(performance.now());
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
    return this.#within(options.signal, async (signal) => {
      if (options.refresh) this.#gateway = undefined;
      const { onRetry } = options;
      return this.#gateway ??= gatewayInfoOf(await this.request("GET", "/gateway", { signal, onRetry }));
    });
  }

  /**
   * Asks for the gateway's URL, the recommended number of shards and how many sessions may be started. Faults of the
   * network and of the server are retried until the signal aborts.
   *
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
    return this.#within(options.signal, async (signal) => {
      const { onRetry } = options;
      const info = gatewayBotInfoOf(await this.request("GET", "/gateway/bot", { auth, signal, onRetry }));
      this.#gateway = { url: info.url };
      return info;
    });
  }

  /**
   * Posts a message in a channel.
   *
   * @throws {TypeError} Rejects where the channel's id is not one.
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
    return this.#within(options.signal, async (signal) => {
      if (typeof channelId !== "string" || !/^\d+$/.test(channelId)) {
        throw new TypeError(
          `Cannot create a message: the channel id must be a string of digits, received ${channelId}`,
        );
      }
      return await this.request<Message>("POST", `/channels/${channelId}/messages`, { auth, signal, body: message });
    });
  }

  /**
   * Sends a request when the rate limits allow it, and gives what the JSON of the answer holds (`undefined` where there
   * is no body). A 429 waits what it says and is tried again.
   *
   * @param path What comes after `baseUrl`; begins with `/`.
   * @throws {InvalidTokenError} Rejects where the bot's token is not valid, and from then on without asking: Discord
   * bans addresses that keep sending requests like that.
   * @throws {HTTPError} Rejects where the answer is not 2xx, or is not JSON.
   * @throws {TypeError} Rejects where the path is not one, and (without `retry`) where the network fails.
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
    return this.#within(options.signal, async (signal) => {
      const verb = method.toUpperCase();
      assertPath(path);
      if (options.body !== undefined && (verb === "GET" || verb === "HEAD")) {
        throw new TypeError(`Cannot send a request: ${verb} has no body`);
      }
      return await this.#perform(verb, path, options, signal) as T;
    });
  }

  /**
   * Opens a socket to the gateway, with `binaryType` set to `arraybuffer`, and resolves when it is open.
   *
   * Messages can have arrived together with the end of the handshake. None is lost where the listeners are added right
   * after `await client.connectToGateway(…)`; anything awaited between the two (also an async function that only passes
   * the promise on) is too late for them on Deno.
   *
   * @throws {DisconnectError} Rejects where the handshake fails.
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
      this.#within(options.signal, async (signal) => {
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
  #within<T>(given: AbortSignal | undefined, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const promise = this.#lifetime.signal.aborted
      ? Promise.reject(new DOMException("Cannot begin: the HTTP client is closed", "InvalidStateError"))
      : withSignals([this.#lifetime.signal, given], ({ signal }) => body(signal));
    // A bot that does not wait for its answer must not die of an error.
    promise.catch(() => {});
    return promise;
  }

  async #perform(method: string, path: string, options: RequestOptions, signal: AbortSignal): Promise<unknown> {
    const { auth, body, onRetry, retry = method === "GET" } = options;
    const route = routeOf(method, path);
    const secrets = [auth?.token, route.secret].filter((secret) => typeof secret === "string");
    const account = this.#accountOf(auth);
    const init: RequestInit = { method, headers: headersOf(this.#userAgent, options), redirect: "manual" };
    if (body !== undefined) init.body = JSON.stringify(body);
    const order = this.#order++;
    let limited = 0;
    for (let attempt = 1;; attempt++) {
      assertAccepted(account, route);
      const endTurn = await account.limiter.acquire(route, order, signal);
      let answer: Answer | null = null;
      try {
        // Again after the wait: whoever went before may have found it out.
        assertAccepted(account, route);
        answer = await this.#exchange(route, path, init, secrets, signal);
      } finally {
        endTurn(answer?.rateLimit ?? null);
      }
      const { status, error, rateLimit } = answer;
      if (error === null) return answer.body;
      // Where the path holds a token of its own, a 401 is about that one.
      if (status === 401 && auth !== undefined && route.secret === null) {
        account.rejected = error;
        assertAccepted(account, route);
      }
      const blocked = rateLimit?.blocked ?? null;
      const again = blocked !== null ? limited++ < MAX_RATE_LIMITED : retry && (status === 0 || status >= 500);
      if (!again) throw error;
      const delayMs = blocked?.retryAfterMs ?? backoffMs(attempt, Math.random());
      onRetry?.({ attempt, delayMs, error });
      // What a 429 asks for is waited for at the next turn, with everything else that it holds up.
      if (blocked === null) await delay(delayMs, { signal });
    }
  }

  /** Sends a request once and reads the answer. */
  #exchange(route: Route, path: string, init: RequestInit, secrets: string[], signal: AbortSignal): Promise<Answer> {
    const fetch = this.#fetch;
    const ms = this.#requestTimeoutMs;
    return withSignals([signal], async (controller) => {
      const timer = setTimeout(
        () => controller.abort(new DOMException(`No answer within ${ms} ms`, "TimeoutError")),
        ms,
      );
      try {
        const response = await fetch(this.#baseUrl + path, { ...init, signal: controller.signal });
        // Read in any case: a body that is left lying keeps its connection.
        return answerOf(route.label, response, await response.text(), secrets);
      } catch (fault) {
        signal.throwIfAborted();
        // Deno without --allow-net: no retry changes that, and who runs the bot has to see it.
        if ((fault as Error | null)?.name === "NotCapable") throw fault;
        const cause = errorWithoutSecrets(controller.signal.aborted ? controller.signal.reason : fault, secrets);
        // The runtimes differ in what they throw; `fetch` is specified to reject with a TypeError.
        const error = new TypeError(`Cannot ${route.label}: ${cause.message}`, { cause });
        return { status: 0, body: undefined, rateLimit: null, error };
      } finally {
        clearTimeout(timer);
      }
    });
  }

  #accountOf(auth: BotAuthentication | undefined): Account {
    const token = auth?.token ?? "";
    let account = this.#accounts.get(token);
    if (account === undefined) {
      account = { limiter: new HTTPLimiter(this.#address), rejected: null };
      this.#accounts.set(token, account);
    }
    return account;
  }
}

function assertAccepted({ rejected }: Account, { label }: Route): void {
  if (rejected === null) return;
  throw new InvalidTokenError(
    `Cannot ${label}: the token is not valid; copy a new one from https://discord.com/developers/applications, ` +
      'the page "Bot" of your application, "Reset Token"',
    { cause: rejected },
  );
}
