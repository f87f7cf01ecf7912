import { attempt } from "./attempt.ts";
import { checkFunction, checkNumber, checkObject } from "./check.ts";
import { IdentifyTurns } from "./identify_turns.ts";
import type { SessionStartLimit } from "./payload.ts";
import { IDENTIFY_WINDOW_MS, identifyKeyOf } from "./sharding.ts";
import type { IdentifyPermit, IdentifyRateLimiter, IdentifyRequest } from "./times_per.ts";

/** How many identifies are left by what a limiter says, which need not be able to tell; `null` where it is not. */
export function identifiesLeft(limiter: IdentifyRateLimiter): number | null {
  const { remaining } = limiter as { remaining?: unknown };
  return typeof remaining === "number" && Number.isFinite(remaining) ? remaining : null;
}

/** What is reported when the daily budget stops identifies. */
export interface IdentifyLimited {
  /** How many identifies are left. */
  remaining: number;
  /** How many of them are kept back. */
  reserve: number;
  /** How long until the budget is renewed, in milliseconds. */
  retryAfterMs: number;
}

/** Options of {@linkcode IdentifyQueue}. */
export interface IdentifyQueueOptions {
  /**
   * How many identifies of the day are never used, so that a human can still start the bot by hand.
   *
   * @default {0}
   */
  reserve?: number;
  /**
   * Called when somebody wants to identify and the time has passed after which the budget is renewed: is to ask
   * `GET /gateway/bot` and to call {@linkcode IdentifyQueue.update}. Everybody waits until it settles; where it fails, or
   * is not given, the whole budget is taken to be there for another day.
   */
  refresh?: () => Promise<unknown>;
  /** Called when shards have to wait for the budget to be renewed: once for each budget. If it fails, that is printed. */
  onLimited?: (limited: IdentifyLimited) => void;
}

const DAY_MS = 86_400_000;

/**
 * The identify limit of one bot: one identify in five seconds for each key `shard_id % max_concurrency`, lowest ids
 * first, and the budget of sessions that may be started in a day.
 *
 * @see {@link https://discord.com/developers/docs/events/gateway#sharding-max-concurrency}
 *
 * @example Two shards of one process, with a budget to watch
 * ```ts
 * import { IdentifyQueue } from "@gangway/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new IdentifyQueue({ reserve: 10 });
 * queue.update({ total: 1000, remaining: 900, reset_after: 3_600_000, max_concurrency: 2 });
 * for (const shardId of [0, 1]) {
 *   using permit = await queue.acquire({ shardId, shardCount: 2 });
 *   permit.sent();
 * }
 * assertEquals(queue.available, 888);
 * ```
 */
export class IdentifyQueue implements IdentifyRateLimiter {
  readonly #reserve: number;
  readonly #refresh: (() => Promise<unknown>) | undefined;
  readonly #onLimited: ((limited: IdentifyLimited) => void) | undefined;
  readonly #turns: IdentifyTurns;
  #maxConcurrency = 1;
  #total = Infinity;
  #remaining = Infinity;
  #resetAt = Infinity;
  /** The end of the budget of which it was told that it is used up. */
  #toldUntil = 0;
  #sent = 0;
  /** How many had been sent when it was asked for a new budget, while the answer is waited for. */
  #sentBefore: number | undefined;

  /**
   * Starts without a budget: {@linkcode update} brings it.
   *
   * @throws {TypeError} If an option has another type.
   * @throws {RangeError} If the reserve is negative.
   */
  constructor(options: IdentifyQueueOptions = {}) {
    checkObject("queue identifies: the options", options);
    const { reserve = 0, refresh, onLimited } = options;
    checkNumber("queue identifies: the reserve", reserve, 0, Number.MAX_SAFE_INTEGER, false);
    for (const callback of [refresh, onLimited]) {
      if (callback !== undefined) checkFunction("queue identifies: a callback", callback);
    }
    this.#reserve = reserve;
    this.#refresh = refresh;
    this.#onLimited = onLimited;
    this.#turns = new IdentifyTurns({
      limit: 1,
      windowMs: IDENTIFY_WINDOW_MS,
      keyOf: (shardId) => identifyKeyOf(shardId, this.#maxConcurrency),
      holdUp: () => this.#holdUp(),
      onSent: () => {
        this.#sent++;
        this.#remaining--;
      },
    });
  }

  /** How many shards may identify at the same time. */
  get maxConcurrency(): number {
    return this.#maxConcurrency;
  }

  /** How many identifies are left until the budget is renewed; infinite while that is not known. */
  get remaining(): number {
    return performance.now() < this.#resetAt ? this.#remaining : this.#total;
  }

  /** How many of the identifies left may be used: neither kept back nor promised to a shard. */
  get available(): number {
    this.#renew();
    return Math.max(0, this.#remaining - this.#reserve - this.#turns.unused);
  }

  /** How many identifies were sent in all. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Takes in what `GET /gateway/bot` said.
   *
   * @param sentBefore What {@linkcode sent} was when it was asked: the gateway may not have counted those after that, so
   * they are taken off. Left out, it is what that was at the call, or when `refresh` was called.
   * @throws {TypeError} If it has another shape.
   * @throws {RangeError} If a number is negative.
   */
  update(limits: SessionStartLimit, sentBefore: number = this.#sentBefore ?? this.#sent): void {
    checkNumber("queue identifies: sentBefore", sentBefore, 0);
    checkObject("queue identifies: the limits", limits);
    for (const name of ["max_concurrency", "total", "remaining", "reset_after"] as const) {
      checkNumber(`queue identifies: ${name}`, limits[name], 0);
    }
    this.#maxConcurrency = Math.max(1, limits.max_concurrency);
    this.#total = limits.total;
    this.#remaining = Math.max(0, limits.remaining - Math.max(0, this.#sent - sentBefore));
    // 0 is what a bot is told that has not identified for a day.
    this.#resetAt = performance.now() + (limits.reset_after || DAY_MS);
    this.#turns.serve();
  }

  /** Resolves with a permit once the shard may identify; rejects with the signal's reason. */
  acquire(request: IdentifyRequest): Promise<IdentifyPermit> {
    return this.#turns.acquire(request);
  }

  /** How long until there is a budget again, in milliseconds; `Infinity` until {@linkcode update} tells. */
  #holdUp(): number {
    if (this.#refresh !== undefined && performance.now() >= this.#resetAt) {
      void this.#askAgain(this.#refresh);
      return Infinity;
    }
    if (this.available >= 1) return 0;
    const retryAfterMs = Math.ceil(this.#resetAt - performance.now());
    if (this.#toldUntil !== this.#resetAt) {
      this.#toldUntil = this.#resetAt;
      const remaining = Math.max(0, this.#remaining - this.#turns.unused);
      const limited = { remaining, reserve: this.#reserve, retryAfterMs };
      // Nobody who waits for a turn has to do with it.
      // deno-lint-ignore no-console -- a failure that nobody listens for must not be lost, and it must not end the process
      attempt(async () => await this.#onLimited?.(limited)).catch(console.error);
    }
    return retryAfterMs;
  }

  /** Other processes identify with the same token, and the gateway's clock is not this one. */
  async #askAgain(refresh: () => Promise<unknown>): Promise<void> {
    if (this.#sentBefore !== undefined) return;
    this.#sentBefore = this.#sent;
    try {
      await refresh();
    } catch {
      // What is known has to do.
    }
    this.#sentBefore = undefined;
    this.#renew();
    this.#turns.serve();
  }

  #renew(): void {
    const now = performance.now();
    if (now < this.#resetAt) return;
    this.#remaining = this.#total;
    this.#resetAt = now + DAY_MS;
  }
}
