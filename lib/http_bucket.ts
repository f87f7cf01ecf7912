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
  /** The top-level resource, which has a bucket of its own: a channel, a guild, or a webhook with its token. */
  readonly major: string;
  /** Method and path as they may be shown: without a query, and without what is or could be a token. */
  readonly label: string;
  /** The token of a webhook or an interaction in the path. */
  readonly secret: string | null;
}

/** "During calculation, per-route rate limits often account for top-level resources within the path". */
const MAJORS: ReadonlySet<string> = new Set(["channels", "guilds", "webhooks"]);

/** `/webhooks/{id}/{token}` and `/interactions/{id}/{token}` are allowed by what is in the path, not by the bot's token. */
const WITH_TOKEN: ReadonlySet<string> = new Set(["webhooks", "interactions"]);

/** Longer than an id, a word and an emoji are: what could be a token that has got into the path. */
const MAX_SHOWN = 40;

/** Sorts a request into its route. The path begins with `/`. */
export function routeOf(method: string, path: string): Route {
  const segments = path.split("?", 1)[0]!.split("/").slice(1);
  const [top = "", id = "", token = ""] = segments;
  const secret = WITH_TOKEN.has(top) && token !== "" ? token : null;
  const key = segments.map((segment, index) => {
    if (index === 1 && MAJORS.has(top)) return ":major";
    if (index === 2 && secret !== null) return ":token";
    if (segments[index - 1] === "reactions") return ":emoji";
    return /^\d+$/.test(segment) ? ":id" : segment;
  });
  const label = segments.map((segment, index) =>
    (index === 2 && secret !== null) || segment.length > MAX_SHOWN ? "[redacted]" : segment
  );
  return {
    key: `${method} /${key.join("/")}`,
    major: MAJORS.has(top) ? `${top}/${id}/${top === "webhooks" ? token : ""}` : "",
    label: `${method} /${label.join("/")}`,
    secret,
  };
}

/** What an answer says of rate limits. */
export interface RateLimitAnswer {
  /** The bucket's hash: routes with the same one share their limit. */
  readonly bucket: string | null;
  /** How many requests a window has, `Infinity` where there is no limit, `null` where the answer does not tell. */
  readonly limit: number | null;
  /** How many are left in this window. */
  readonly remaining: number;
  /** When the window ends, in milliseconds from now. */
  readonly resetAfterMs: number;
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
  const limit = numberOf(headers.get("x-ratelimit-limit"));
  const resetAfterMs = waitOf(headers.get("x-ratelimit-reset-after")) ?? 0;
  const scope = headers.get("x-ratelimit-scope");
  const limited = typeof body === "object" && body !== null
    ? body as { retry_after?: unknown; global?: unknown }
    : null;
  let blocked: RateLimitAnswer["blocked"] = null;
  if (status === 429) {
    const global = scope === "global" || headers.get("x-ratelimit-global") === "true" || limited?.global === true;
    // Both are seconds; the header is rounded to whole ones.
    const waits = [waitOf(headers.get("retry-after")), waitOf(limited?.retry_after)].filter((ms) => ms !== null);
    blocked = {
      // What is not Discord's JSON comes from the proxy in front of it, which knows addresses only.
      what: limited === null ? "address" : global ? "bot" : "bucket",
      retryAfterMs: waits.length > 0 ? Math.max(...waits) : resetAfterMs || DEFAULT_RETRY_AFTER_MS,
    };
  }
  return {
    bucket: headers.get("x-ratelimit-bucket"),
    // A fault in front of Discord (5xx) carries no headers, and says nothing about the limit.
    limit: limit !== null && limit > 0 ? limit : status < 500 && status !== 429 ? Infinity : null,
    remaining: numberOf(headers.get("x-ratelimit-remaining")) ?? 0,
    resetAfterMs,
    blocked,
    invalid: status === 401 || status === 403 || (status === 429 && scope !== "shared"),
  };
}

/** Reads how long to wait, in milliseconds, or gives `null`. */
function waitOf(seconds: unknown): number | null {
  const number = numberOf(seconds);
  return number === null ? null : Math.min(number * 1_000, MAX_WAIT_MS);
}

/** Reads a number that is not negative, or gives `null`. */
function numberOf(value: unknown): number | null {
  if ((typeof value !== "string" && typeof value !== "number") || value === "") return null;
  const number = Number(value);
  return number >= 0 && number < Infinity ? number : null;
}

/**
 * What is known of one limit. While nothing is, one request at a time goes: a first burst would overrun a limit that
 * only its answers tell.
 */
export class HTTPBucket {
  /** `null` while it is not known, `Infinity` where there is none. */
  #limit: number | null = null;
  #remaining = 0;
  /** When the window ends; `Infinity` while the first answer in a window is awaited. */
  #resetAt = -Infinity;
  #underWay = 0;

  /** How long to wait until a request may be sent: 0 for now, `Infinity` for "until one under way is answered". */
  waitMs(now: number): number {
    if (this.#limit === null || this.#limit === Infinity) {
      if (now < this.#resetAt) return this.#resetAt - now;
      return this.#limit === Infinity || this.#underWay === 0 ? 0 : Infinity;
    }
    return this.#remaining > 0 || this.#isOver(now) ? 0 : this.#resetAt - now;
  }

  /** Counts a request that is being sent. */
  take(now: number): void {
    if (this.#limit !== null && this.#limit !== Infinity) {
      if (this.#isOver(now)) {
        this.#remaining = this.#limit;
        this.#resetAt = Infinity;
      }
      this.#remaining--;
    }
    this.#underWay++;
  }

  /** Counts a request that has ended, with or without an answer. */
  release(): void {
    this.#underWay--;
  }

  /** Takes in what the answer to a request, already released, says. */
  learn(answer: RateLimitAnswer, now: number): void {
    const { limit, blocked } = answer;
    if (limit === Infinity) {
      this.#limit ??= Infinity;
    } else if (limit !== null) {
      const first = this.#limit === null || this.#limit === Infinity;
      // Answers can overtake each other, and other processes can use the same bot: the smaller number is right.
      this.#remaining = first ? answer.remaining - this.#underWay : Math.min(this.#remaining, answer.remaining);
      this.#setResetAt(now + answer.resetAfterMs);
      this.#limit = limit;
    }
    if (blocked?.what === "bucket") {
      this.#remaining = 0;
      this.#setResetAt(now + blocked.retryAfterMs);
    }
  }

  /** Whether it can be forgotten: nothing is under way, and what it knows has run out. */
  isIdle(now: number): boolean {
    return this.#underWay === 0 && this.#isOver(now);
  }

  /** Whether the window has ended, or (its requests having failed without an answer) will never be known to. */
  #isOver(now: number): boolean {
    return this.#resetAt === Infinity ? this.#underWay === 0 : now >= this.#resetAt;
  }

  #setResetAt(time: number): void {
    this.#resetAt = this.#resetAt === Infinity ? time : Math.max(this.#resetAt, time);
  }
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
