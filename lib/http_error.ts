/** Options of an {@linkcode HTTPError}. */
export interface HTTPErrorOptions extends ErrorOptions {
  /** Discord's own code, from the body. */
  code?: number | undefined;
  /** The body: what its JSON holds, else its text. */
  body?: unknown;
}

/**
 * An HTTP request was answered with something other than success.
 *
 * @see {@link https://discord.com/developers/docs/topics/opcodes-and-status-codes#http}
 */
export class HTTPError extends Error {
  /** The name of the class. */
  override name = "HTTPError";
  /** The HTTP status, such as 404. */
  readonly status: number;
  /** Discord's own code, such as 50035 (invalid form body), where the body had one. */
  readonly code: number | undefined;
  /** The body: what its JSON holds, else its text (cut off after 2,000 characters). */
  readonly body: unknown;

  /** Makes an error with a message and the HTTP status. */
  constructor(message: string, status: number, options: HTTPErrorOptions = {}) {
    super(message, options);
    this.status = status;
    this.code = options.code;
    this.body = options.body;
  }
}
