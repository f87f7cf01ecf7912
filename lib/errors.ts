/** Options of a {@linkcode GatewayError}. */
export interface GatewayErrorOptions extends ErrorOptions {
  /** The close code the gateway gave. */
  code?: number | undefined;
}

/**
 * What all errors of the gateway have in common.
 *
 * @example Telling errors apart
 * ```ts
 * import { BotAuthentication, HTTPClient, InvalidTokenError, ShardManager } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertInstanceOf } from "@std/assert";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * await using manager = new ShardManager(new BotAuthentication("wrong"), 0, httpClient);
 * const error = await manager.connect().catch((error) => error);
 * assertInstanceOf(error, InvalidTokenError);
 * ```
 */
export class GatewayError extends Error {
  /** The name of the class. */
  override name = "GatewayError";
  /** The close code the gateway gave, where there was one. */
  readonly code: number | undefined;

  /** Makes an error with a message and, where there was one, the close code. */
  constructor(message: string, options: GatewayErrorOptions = {}) {
    super(message, options);
    this.code = options.code;
  }
}

/** The shard needed to identify while `shouldReconnect` was `false`. */
export class ReconnectCheckFailedError extends GatewayError {
  /** The name of the class. */
  override name = "ReconnectCheckFailedError";
}

/** The connection ended without the shard having asked for it. */
export class DisconnectError extends GatewayError {
  /** The name of the class. */
  override name = "DisconnectError";
}

/** The intents hold a bit that does not exist: close code 4013. */
export class InvalidIntentsError extends GatewayError {
  /** The name of the class. */
  override name = "InvalidIntentsError";
}

/** The intents hold a privileged one that is not switched on for the bot: close code 4014. */
export class DisallowedIntentsError extends GatewayError {
  /** The name of the class. */
  override name = "DisallowedIntentsError";
}

/** The token is not valid: close code 4004, or 401 over HTTP. */
export class InvalidTokenError extends GatewayError {
  /** The name of the class. */
  override name = "InvalidTokenError";
}

/** The gateway does not speak the API version that was asked for: close code 4012. */
export class InvalidApiVersionError extends GatewayError {
  /** The name of the class. */
  override name = "InvalidApiVersionError";
}

/** The shard is not valid, or there are too few shards: close codes 4010 and 4011. */
export class InvalidShardCountError extends GatewayError {
  /** The name of the class. */
  override name = "InvalidShardCountError";
}

/** The gateway closed with a code this library does not know. The shard reconnects; this is only a report. */
export class UnhandledCloseCodeError extends GatewayError {
  /** The name of the class. */
  override name = "UnhandledCloseCodeError";
}

/** The gateway refused a request because it came too soon after another: the dispatch RATE_LIMITED. */
export class RateLimitedError extends GatewayError {
  /** The name of the class. */
  override name = "RateLimitedError";
  /** How long to wait before asking again, in milliseconds. */
  readonly retryAfterMs: number;

  /** Makes an error with a message and the time to wait, in milliseconds. */
  constructor(message: string, retryAfterMs: number, options: GatewayErrorOptions = {}) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}
