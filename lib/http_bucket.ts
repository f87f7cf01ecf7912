/**
 * The rules of Discord's HTTP rate limits, without waiting: times come in as arguments, in milliseconds.
 *
 * @see {@link https://discord.com/developers/docs/topics/rate-limits}
 * @module
 */

/** What a request has to do with rate limits. */
export interface Route {
  /** Method and path with every id replaced: what Discord maps to a bucket. */
  readonly key: string;
  /** The top-level resource, which has a bucket of its own: a channel, a guild, a webhook or an interaction. */
  readonly major: string;
  /** Method and path as they may be shown: without a query, and without what is or could be a token. */
  readonly label: string;
  /** The token of a webhook or an interaction in the path. */
  readonly secret: string | null;
}

/** "During calculation, per-route rate limits often account for top-level resources within the path". */
const MAJORS: ReadonlySet<string> = new Set(["channels", "guilds", "webhooks", "interactions"]);

/** `/webhooks/{id}/{token}` and `/interactions/{id}/{token}` are allowed by what is in the path, not by the bot's token. */
const WITH_TOKEN: ReadonlySet<string> = new Set(["webhooks", "interactions"]);

/** Longer than an id, a word and an emoji are: what could be a token that has got into the path. */
const MAX_SHOWN = 40;

/** Sorts a request into its route. The path begins with `/`. */
export function routeOf(method: string, path: string): Route {
  const [pathname = ""] = path.split("?", 1);
  const [, top = "", id = "", token = ""] = pathname.split("/");
  const secret = WITH_TOKEN.has(top) && token !== "" ? token : null;
  const shown = pathname.split("/").map((segment, index) =>
    (index === 3 && secret !== null) || segment.length > MAX_SHOWN ? "[redacted]" : segment
  );
  const label = `${method} ${shown.join("/")}`;
  return {
    // All emojis of a reaction are one route.
    key: label.replace(/(?<=\/reactions\/)[^/]+|(?<=\/)\d+(?=\/|$)/g, ":id"),
    major: MAJORS.has(top) ? `${top}/${id}/${secret ?? ""}` : "",
    label,
    secret,
  };
}

/** What an answer says of rate limits. */
export interface RateLimitAnswer {
  /** The bucket's hash: routes with the same one share their limit. */
  readonly bucket: string | null;
  /** How long its next request has to wait, in milliseconds: until the window ends, where none is left in it. */
  readonly waitMs: number;
  /** For a 429: what has to wait, and for how long. */
  readonly blocked: { readonly what: "bucket" | "bot" | "address"; readonly retryAfterMs: number } | null;
  /** Whether Discord counts it against the address: "HTTP status of 401, 403, or 429", except for scope `shared`. */
  readonly invalid: boolean;
}

/** What a 429 waits that does not say for how long. */
const DEFAULT_RETRY_AFTER_MS = 5_000;

/** The longest wait that is believed, a day: whoever is to wait longer than that asks again. */
const MAX_WAIT_MS = 86_400_000;

/** Reads what an answer says of rate limits. The body is what its JSON holds, or its text. */
export function readRateLimit(status: number, headers: Headers, body: unknown): RateLimitAnswer {
  const resetAfterMs = waitOf(headers.get("x-ratelimit-reset-after"));
  const scope = headers.get("x-ratelimit-scope");
  let blocked: RateLimitAnswer["blocked"] = null;
  if (status === 429) {
    const isJson = typeof body === "object" && body !== null;
    const { retry_after, global } = Object(body) as { retry_after?: unknown; global?: unknown };
    const isGlobal = scope === "global" || headers.has("x-ratelimit-global") || global === true;
    // Both are seconds; the header is rounded to whole ones.
    const retryAfterMs = Math.max(waitOf(headers.get("retry-after")), waitOf(retry_after));
    blocked = {
      // What is not Discord's JSON comes from the proxy in front of it, which knows addresses only.
      what: !isJson ? "address" : isGlobal ? "bot" : "bucket",
      retryAfterMs: retryAfterMs >= 0 ? retryAfterMs : resetAfterMs > 0 ? resetAfterMs : DEFAULT_RETRY_AFTER_MS,
    };
  }
  return {
    bucket: headers.get("x-ratelimit-bucket"),
    waitMs: headers.get("x-ratelimit-remaining") === "0" ? Math.max(0, resetAfterMs) : 0,
    blocked,
    invalid: status === 401 || status === 403 || (status === 429 && scope !== "shared"),
  };
}

/** Reads how long to wait, in milliseconds, or gives -1. */
function waitOf(seconds: unknown): number {
  const isTold = typeof seconds === "number" || (typeof seconds === "string" && seconds !== "");
  const ms = isTold ? Number(seconds) * 1_000 : -1;
  return ms >= 0 && ms < Infinity ? Math.min(ms, MAX_WAIT_MS) : -1;
}

/** "IP addresses that make too many invalid HTTP requests are automatically and temporarily restricted". */
export const INVALID_LIMIT = 10_000;

/** The window of {@linkcode INVALID_LIMIT}, in milliseconds. */
export const INVALID_WINDOW_MS = 600_000;

/** What holds for the whole address: a pause that its proxy asks for, and the answers that would get it banned. */
export class AddressLimit {
  #pausedUntil = -Infinity;
  #windowEnd = -Infinity;
  #invalid = 0;

  /** How long to wait until a request may be sent, 0 for now. */
  waitMs(now: number): number {
    // Half of what is allowed per window: two windows that touch can then never hold more than the whole of it.
    const full = this.invalid(now) >= INVALID_LIMIT / 2 ? this.#windowEnd : -Infinity;
    return Math.max(0, this.#pausedUntil - now, full - now);
  }

  /** How many answers of this window were 401, 403 or 429. */
  invalid(now: number): number {
    return now < this.#windowEnd ? this.#invalid : 0;
  }

  /** Takes in what an answer says. */
  learn(answer: RateLimitAnswer, now: number): void {
    const { blocked } = answer;
    if (blocked?.what === "address") this.#pausedUntil = Math.max(this.#pausedUntil, now + blocked.retryAfterMs);
    if (!answer.invalid) return;
    this.#invalid = this.invalid(now) + 1;
    if (this.#invalid === 1) this.#windowEnd = now + INVALID_WINDOW_MS;
  }
}
