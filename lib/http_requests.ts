import { abortable } from "./abortable.ts";
import { attempt, unawaited } from "./attempt.ts";
import type { BotAuthentication } from "./authentication.ts";
import { backoffMs } from "./backoff.ts";
import { delay } from "./delay.ts";
import { InvalidTokenError } from "./errors.ts";
import { DOCTOR, INVALID_TOKEN } from "./fatal_error.ts";
import { AddressLimit, routeOf } from "./http_bucket.ts";
import { HTTPLimiter } from "./http_limiter.ts";
import type { RequestOptions } from "./http_options.ts";
import { type Answer, answerOf, headersOf, type Redact, redactedError, redactorOf } from "./http_shape.ts";
import { withSignals } from "./with_signals.ts";

/** How often a 429 is taken at its word: what waited as it was told rarely needs a second time. */
const MAX_RATE_LIMITED = 5;

/** What is kept for each token. */
interface Account {
  readonly limiter: HTTPLimiter;
  /** The answer that said that the token is not valid. */
  rejected: Error | null;
}

/** What {@linkcode HTTPRequests} are made with. */
export interface HTTPRequestsOptions {
  /** What a path is appended to. */
  readonly baseUrl: string;
  /** The whole `User-Agent`. */
  readonly userAgent: string;
  /** What sends the requests. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Sends requests within the rate limits, and again where that helps. */
export class HTTPRequests {
  readonly #options: HTTPRequestsOptions;
  readonly #address = new AddressLimit();
  readonly #accounts = new Map<string, Account>();

  constructor(options: HTTPRequestsOptions) {
    this.#options = options;
  }

  /** How many answers of this window were 401, 403 or 429. */
  get invalidResponses(): number {
    return this.#address.invalid(performance.now());
  }

  /** Sends a request until it is answered for good; see {@linkcode HTTPClient.request}. */
  async perform(method: string, path: string, options: RequestOptions, signal: AbortSignal): Promise<unknown> {
    const { auth, body, onRetry, retry = method === "GET" } = options;
    const route = routeOf(method, path);
    const redact = redactorOf([auth?.token, route.secret].filter((secret) => typeof secret === "string"));
    const label = redact(route.label);
    const account = this.#accountOf(auth);
    const init: RequestInit = { method, headers: headersOf(this.#options.userAgent, options), redirect: "manual" };
    if (body !== undefined) init.body = JSON.stringify(body);
    let attempt = 0;
    let limited = 0;
    let pauseMs = 0;
    let answer!: Answer;
    for (;;) {
      await account.limiter.inTurn(route, signal, async () => {
        // After the wait: whoever went before may have found it out.
        assertAccepted(account, label);
        attempt++;
        answer = await this.#exchange(label, path, init, redact, signal);
        const { status, error, rateLimit } = answer;
        if (rateLimit !== null) account.limiter.learn(route, rateLimit);
        if (error === null) return false;
        // Where the path holds a token of its own, a 401 is about that one.
        if (status === 401 && auth !== undefined && route.secret === null) {
          account.rejected = error;
          assertAccepted(account, label);
        }
        const blocked = rateLimit?.blocked ?? null;
        const isBelieved = blocked !== null && ++limited <= MAX_RATE_LIMITED;
        if (!isBelieved && !(retry && (blocked !== null || status === 0 || status >= 500))) throw error;
        pauseMs = isBelieved ? 0 : backoffMs(attempt - (blocked === null ? 0 : MAX_RATE_LIMITED), Math.random());
        unawaited(onRetry?.({ attempt, delayMs: Math.max(pauseMs, blocked?.retryAfterMs ?? 0), error }));
        // What a 429 asks for is waited for within the turn, with everything else that it holds up.
        return isBelieved;
      });
      if (answer.error === null) return answer.body;
      await delay(pauseMs, { signal });
    }
  }

  /** Sends a request once and reads the answer. */
  #exchange(label: string, path: string, init: RequestInit, redact: Redact, signal: AbortSignal): Promise<Answer> {
    const { baseUrl, fetch, timeoutMs } = this.#options;
    return withSignals([signal], async (controller) => {
      const timer = setTimeout(
        () => controller.abort(new DOMException(`No answer within ${timeoutMs} ms`, "TimeoutError")),
        timeoutMs,
      );
      try {
        const exchange = attempt(async () => {
          const response = await fetch(baseUrl + path, { ...init, signal: controller.signal });
          // Read in any case: a body that is left lying keeps its connection.
          return answerOf(label, response, await response.text(), redact);
        });
        // A `fetch` of the user's may take no notice of the signal.
        return await abortable(exchange, controller.signal);
      } catch (fault) {
        signal.throwIfAborted();
        // Deno without --allow-net: no retry changes that, and who runs the bot has to see it.
        if ((fault as Error | null)?.name === "NotCapable") throw fault;
        const cause = redactedError(controller.signal.aborted ? controller.signal.reason : fault, redact);
        // The runtimes differ in what they throw; `fetch` is specified to reject with a TypeError.
        const error = new TypeError(`Cannot ${label}: ${cause.message}`, { cause });
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

function assertAccepted({ rejected }: Account, label: string): void {
  if (rejected === null) return;
  throw new InvalidTokenError(`Cannot ${label}: ${INVALID_TOKEN}${DOCTOR}`, { cause: rejected });
}
