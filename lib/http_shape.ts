import { checkNumber, checkString, refuse } from "./check.ts";
import { type RateLimitAnswer, readRateLimit } from "./http_bucket.ts";
import { HTTPError } from "./http_error.ts";
import type { RequestOptions } from "./http_options.ts";
import type { GatewayBotInfo } from "./payload.ts";
import { MAX_SHARDS } from "./sharding.ts";

/** How much of a body that is not JSON an error keeps. */
const MAX_TEXT = 2_000;

/** A token as it can stand in the path: that of a webhook or an interaction. */
const REDACTED = "[redacted]";

/**
 * Makes of a base URL what a path can be appended to.
 *
 * @throws {TypeError} Where it is not a plain `http:` or `https:` URL.
 */
export function baseUrlOf(base: string): string {
  // Not quoted in the message: it can hold a password, or be the token.
  checkString("use the base URL: it", base);
  const url = URL.parse(base);
  const isHTTP = url?.protocol === "https:" || url?.protocol === "http:";
  if (!isHTTP || url.username || url.password || url.search || url.hash) {
    throw new TypeError("Cannot use the base URL: it must be http: or https: without credentials, query and fragment");
  }
  return url.href.replace(/\/+$/, "");
}

/**
 * Makes sure that a path stays below the base URL. `URL` reads `\` as `/`, `%2e` as `.`, and skips tabs and line feeds.
 *
 * @throws {TypeError} Where it does not begin with one `/`, or could be read as leading elsewhere.
 */
export function assertPath(path: string): void {
  // deno-lint-ignore no-control-regex
  if (!/^(?!\/\/|[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$))\/[^\\#\x00-\x20\x7f]*$/i.test(path)) {
    throw new TypeError(
      'Cannot send a request: the path must begin with one "/", and hold no "." segment, "\\", "#" or white space',
    );
  }
}

/**
 * Gives the headers of a request.
 *
 * @throws {TypeError} Where there is one that cannot be sent.
 */
export function headersOf(userAgent: string, options: RequestOptions): Headers {
  const { auth, body, reason } = options;
  let headers: Headers;
  try {
    headers = new Headers(options.headers);
  } catch {
    // The runtime's own error quotes what it cannot send.
    throw new TypeError("Cannot send a request: a header is not valid");
  }
  headers.set("user-agent", userAgent);
  if (auth !== undefined) headers.set("authorization", auth.authorization);
  if (body !== undefined) headers.set("content-type", "application/json");
  // "This header supports URL-encoded UTF-8 characters".
  if (reason !== undefined) headers.set("x-audit-log-reason", encodeURIComponent(reason.toWellFormed()));
  return headers;
}

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/** Makes what takes secrets out of texts, also where they are JSON. */
export function redactorOf(secrets: readonly string[]): Redact {
  const all = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return (text) => all.reduce((text, secret) => text.replaceAll(secret, REDACTED), text);
}

/** Takes secrets out of what a JSON text held, which can have written them with escapes; a text is cut off. */
function redacted(body: unknown, redact: Redact): unknown {
  if (typeof body !== "object") return typeof body === "string" ? cut(redact(body)) : body;
  const text = redact(JSON.stringify(body));
  try {
    return JSON.parse(text);
  } catch {
    return cut(text);
  }
}

/** How deep the causes of an error are copied: Deno says why a fetch failed in the first one. */
const MAX_CAUSES = 3;

/** Copies the parts of an error that can be shown: one of `fetch` can hold the whole request. */
export function redactedError(error: unknown, redact: Redact, depth: number = MAX_CAUSES): Error {
  const { name, message = error, code, cause } = asObject(error);
  const inner = depth > 0 && cause instanceof Error ? { cause: redactedError(cause, redact, depth - 1) } : {};
  const copy: Error & { code?: string } = new Error(redact(`${message}`), inner);
  if (typeof name === "string") copy.name = redact(name);
  if (typeof code === "string") copy.code = redact(code);
  return copy;
}

/** An answer whose body has been read, or (with the status 0) what the network did instead. */
export interface Answer {
  /** The HTTP status, or 0. */
  readonly status: number;
  /** What the JSON of the body holds, its text where it is not JSON, `undefined` where there is none. */
  readonly body: unknown;
  /** What the answer says of rate limits. */
  readonly rateLimit: RateLimitAnswer | null;
  /** Why it is not a success. */
  readonly error: Error | null;
}

/** Makes of a response what the rest of the client works with. Its error keeps no secret. */
export function answerOf(label: string, response: Response, raw: string, redact: Redact): Answer {
  const { status, ok, headers } = response;
  let body: unknown = raw;
  let error: Error | null = null;
  try {
    body = raw === "" ? undefined : JSON.parse(raw);
  } catch {
    error = new HTTPError(`Cannot ${label}: the answer is not JSON`, status, { body: redacted(raw, redact) });
  }
  if (!ok) error = httpErrorOf(label, status, redacted(body, redact));
  return { status, body, rateLimit: readRateLimit(status, headers, body), error };
}

function httpErrorOf(label: string, status: number, body: unknown): HTTPError {
  const { code, message } = asObject(body);
  // 0 is Discord's "general error".
  const known = typeof code === "number" && code !== 0 ? code : undefined;
  let said = typeof message === "string" ? `: ${message}` : "";
  if (status >= 300 && status < 400) said = ": redirects are not followed";
  const suffix = known === undefined ? "" : ` (${known})`;
  return new HTTPError(`Cannot ${label}: answered with ${status}${said}${suffix}`, status, { code: known, body });
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/**
 * Checks the answer of `GET /gateway`.
 *
 * @throws {HTTPError} Where it has another shape.
 */
export function gatewayInfoOf(body: unknown): { url: string } {
  checkAnswer("GET /gateway", body, () => {});
  return body as { url: string };
}

/**
 * Checks the answer of `GET /gateway/bot`.
 *
 * @throws {HTTPError} Where it has another shape.
 */
export function gatewayBotInfoOf(body: unknown): GatewayBotInfo {
  checkAnswer("GET /gateway/bot", body, (subject) => {
    const { shards, session_start_limit } = asObject(body);
    checkNumber(`${subject} shards`, shards, 1, MAX_SHARDS);
    for (const name of ["max_concurrency", "total", "remaining", "reset_after"]) {
      const value = asObject(session_start_limit)[name];
      checkNumber(`${subject} session_start_limit.${name}`, value, name === "max_concurrency" ? 1 : 0);
    }
  });
  return body as GatewayBotInfo;
}

function checkAnswer(route: string, body: unknown, check: (subject: string) => void): void {
  const subject = `use the answer to ${route}:`;
  const { url } = asObject(body);
  try {
    if (typeof url !== "string" || !/^wss?:$/.test(URL.parse(url)?.protocol ?? "")) {
      refuse(`${subject} url`, "the URL of a WebSocket", url);
    }
    check(subject);
  } catch (cause) {
    throw new HTTPError((cause as Error).message, 200, { cause });
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
}
