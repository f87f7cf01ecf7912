import { refuse } from "./check.ts";
import { showAs } from "./inspection.ts";

const REDACTED = "BotAuthentication [redacted]";

/** What a header can carry and a token can hold; anything else would be quoted by the runtime's own error. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * The token of a bot. It shows in no log: `console.log`, `String()`, `JSON.stringify` and the errors of this library all
 * print `BotAuthentication [redacted]`.
 *
 * @see {@link https://discord.com/developers/docs/reference#authentication}
 *
 * @example
 * ```ts
 * import { BotAuthentication } from "@gangway/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * const authentication = new BotAuthentication("MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.canary");
 * assertEquals(`${authentication}`, "BotAuthentication [redacted]");
 * ```
 */
export class BotAuthentication {
  readonly #token: string;

  static {
    showAs(BotAuthentication, () => REDACTED);
  }

  /**
   * Takes the token as the developer portal shows it, without a prefix: IDENTIFY and RESUME carry none, and HTTP gets
   * its `Bot ` by {@linkcode BotAuthentication.authorization}. White space around it is left out.
   *
   * @throws {TypeError} Where the token is not a string, is empty, has a prefix, or holds a character that no token has.
   */
  constructor(token: string) {
    const trimmed = typeof token === "string" ? token.trim() : "";
    if (trimmed === "") refuse("take the token: it", "a text (is the environment variable set?)", token);
    const [prefix] = /^(?:bot|bearer)(?=\s|$)/i.exec(trimmed) ?? [];
    if (prefix !== undefined) {
      throw new TypeError(`Cannot take the token: it begins with "${prefix} "; pass it without the prefix`);
    }
    if (!TOKEN.test(trimmed)) {
      throw new TypeError("Cannot take the token: it must be printable ASCII without white space");
    }
    this.#token = trimmed;
  }

  /** The token, without a prefix. */
  get token(): string {
    return this.#token;
  }

  /** The value of the HTTP header `Authorization`. */
  get authorization(): string {
    return `Bot ${this.#token}`;
  }

  /** Says what this is, without the token. */
  toString(): string {
    return REDACTED;
  }

  /** Says what this is, without the token. */
  toJSON(): string {
    return REDACTED;
  }
}

/**
 * Checks who asks, without quoting what was given instead: it may be the token itself.
 *
 * @throws {TypeError} If it is not a {@linkcode BotAuthentication}.
 */
export function checkAuthentication(value: unknown): void {
  if (!(value instanceof BotAuthentication)) refuse("go on: the authentication", "a BotAuthentication", value);
}
