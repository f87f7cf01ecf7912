import { abortable } from "./abortable.ts";
import { delay } from "./delay.ts";
import type { AddressLimit, RateLimitAnswer, Route } from "./http_bucket.ts";
import { RateLimit } from "./rate_limit.ts";

/** "All bots can make up to 50 requests per second to our API". */
const GLOBAL_LIMIT = 50;
const GLOBAL_WINDOW_MS = 1_000;

/** How many bucket hashes are remembered. */
const MAX_HASHES = 1_024;

/** The requests of one bucket: one at a time, in order. */
interface Lane {
  /** Settles when the last of them has ended. */
  last: Promise<void>;
  /** How many there are, under way and waiting. */
  requests: number;
  /** When the next one may be sent. */
  freeAt: number;
}

/** Makes the requests of one bot wait for their turn. */
export class HTTPLimiter {
  readonly #address: AddressLimit;
  readonly #global = new RateLimit(GLOBAL_LIMIT, GLOBAL_WINDOW_MS);
  #freeAt = 0;
  readonly #lanes = new Map<string, Lane>();
  readonly #hashes = new Map<string, string>();

  /** Makes a limiter that also keeps to what holds for its address. */
  constructor(address: AddressLimit) {
    this.#address = address;
  }

  /**
   * Calls `send` when it is the turn of a request, and again within the same turn for as long as that gives `true`: what
   * is tried again keeps its place.
   */
  async inTurn(route: Route, signal: AbortSignal, send: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const lane = this.#laneOf(route);
      const before = lane.last;
      const { promise, resolve } = Promise.withResolvers<void>();
      lane.last = before.then(() => promise);
      lane.requests++;
      try {
        await abortable(before, signal);
        // An answer can have told meanwhile that the route belongs to another bucket.
        while (lane === this.#laneOf(route)) {
          await this.#wait(lane, route, signal);
          if (!await send()) return;
        }
      } finally {
        lane.requests--;
        resolve();
      }
    }
  }

  /** Takes in what the answer to a request says. */
  learn(route: Route, answer: RateLimitAnswer): void {
    const { bucket, waitMs, blocked } = answer;
    const now = performance.now();
    if (bucket !== null) {
      if (this.#hashes.size >= MAX_HASHES) this.#hashes.clear();
      this.#hashes.set(route.key, bucket);
    }
    const lane = this.#laneOf(route);
    lane.freeAt = Math.max(lane.freeAt, now + (blocked?.what === "bucket" ? blocked.retryAfterMs : waitMs));
    if (blocked?.what === "bot") this.#freeAt = Math.max(this.#freeAt, now + blocked.retryAfterMs);
    this.#address.learn(answer, now);
  }

  async #wait(lane: Lane, route: Route, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const now = performance.now();
      // "Interaction endpoints are not bound to the bot's Global Rate Limit": neither is what needs no bot.
      const isBound = route.secret === null;
      let wait = Math.max(lane.freeAt - now, this.#address.waitMs(now), isBound ? this.#freeAt - now : 0);
      // Asked last, because it takes when it does not have to wait.
      if (wait <= 0 && isBound) wait = this.#global.take(now);
      if (wait <= 0) return;
      await delay(Math.ceil(wait), { signal });
    }
  }

  #laneOf(route: Route): Lane {
    const key = `${this.#hashes.get(route.key) ?? route.key} ${route.major}`;
    const lane = this.#lanes.get(key) ?? { last: Promise.resolve(), requests: 0, freeAt: 0 };
    this.#lanes.set(key, lane);
    const now = performance.now();
    // For each lane that is used two are looked at in turn, so that those which are idle do not gather.
    for (const [key, one] of this.#lanes.entries().take(2)) {
      this.#lanes.delete(key);
      if (one === lane || one.requests > 0 || now < one.freeAt) this.#lanes.set(key, one);
    }
    return lane;
  }
}
