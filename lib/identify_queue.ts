import { identifyKeyOf } from "./sharding.ts";
import type { SessionStartLimit } from "./payload.ts";
import { type IdentifyPermit, type IdentifyRateLimiter, type IdentifyRequest, TimesPer } from "./times_per.ts";

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
  /** Called when a shard has to wait for the budget to be renewed. */
  onLimited?: (limited: IdentifyLimited) => void;
}

/** "Apps can identify once every 5 seconds" for each key. */
const WINDOW_SECONDS = 5;

const DAY_MS = 86_400_000;

/**
 * The identify limit of one bot: one identify in five seconds for each key `shard_id % max_concurrency`, lowest ids
 * first, and the budget of sessions that may be started in a day.
 *
 * @see {@link https://discord.com/developers/docs/events/gateway#sharding-max-concurrency}
 */
export class IdentifyQueue implements IdentifyRateLimiter {
  readonly #reserve: number;
  readonly #onLimited: ((limited: IdentifyLimited) => void) | undefined;
  readonly #limiters = new Map<number, TimesPer>();
  #maxConcurrency = 1;
  #total = Infinity;
  #remaining = Infinity;
  #resetAt = Infinity;
  /** Wakes those who wait for the budget to be renewed. */
  readonly #sleepers = new Set<() => void>();

  /**
   * Starts without a budget: {@linkcode update} brings it.
   *
   * @throws {RangeError} If the reserve is negative.
   */
  constructor(options: IdentifyQueueOptions = {}) {
    const { reserve = 0, onLimited } = options;
    if (!(reserve >= 0)) {
      throw new RangeError(`Cannot queue identifies: the reserve must not be negative, received ${reserve}`);
    }
    this.#reserve = reserve;
    this.#onLimited = onLimited;
  }

  /** How many shards may identify at the same time. */
  get maxConcurrency(): number {
    return this.#maxConcurrency;
  }

  /** How many identifies are left until the budget is renewed; infinite while that is not known. */
  get remaining(): number {
    return this.#remaining;
  }

  /** How many of the identifies left may be used. */
  get available(): number {
    this.#renew();
    return Math.max(0, this.#remaining - this.#reserve);
  }

  /** Takes in what `GET /gateway/bot` said. */
  update(limits: SessionStartLimit): void {
    const maxConcurrency = Math.max(1, limits.max_concurrency);
    if (maxConcurrency !== this.#maxConcurrency) {
      // The keys mean other shards now, and what was sent under the old ones still counts.
      const used = this.#limiters.size > 0;
      this.#limiters.clear();
      this.#maxConcurrency = maxConcurrency;
      if (used) { for (let key = 0; key < maxConcurrency; key++) this.#limiterOf(key).rest(); }
    }
    this.#total = limits.total;
    this.#remaining = limits.remaining;
    this.#resetAt = performance.now() + limits.reset_after;
    for (const wake of this.#sleepers) wake();
  }

  /** Resolves with a permit once the shard may identify; rejects with the signal's reason. */
  async acquire(request: IdentifyRequest): Promise<IdentifyPermit> {
    const limiter = this.#limiterOf(identifyKeyOf(request.shardId, this.#maxConcurrency));
    const permit = await limiter.acquire(request);
    try {
      while (this.available < 1) await this.#sleep(request.signal);
    } catch (error) {
      permit[Symbol.dispose]();
      throw error;
    }
    this.#remaining--;
    return this.#counted(permit);
  }

  /** A permit that gives its share of the budget back when nothing was sent. */
  #counted(permit: IdentifyPermit): IdentifyPermit {
    let unused = true;
    return {
      sent: () => {
        unused = false;
        permit.sent();
      },
      [Symbol.dispose]: () => {
        if (unused) this.#remaining++;
        unused = false;
        permit[Symbol.dispose]();
      },
    };
  }

  #limiterOf(key: number): TimesPer {
    let limiter = this.#limiters.get(key);
    if (limiter === undefined) {
      limiter = new TimesPer(1, WINDOW_SECONDS);
      this.#limiters.set(key, limiter);
    }
    return limiter;
  }

  #renew(): void {
    const now = performance.now();
    if (now < this.#resetAt) return;
    this.#remaining = this.#total;
    this.#resetAt = now + DAY_MS;
  }

  /** Until the budget is renewed, or {@linkcode update} brings another one. */
  async #sleep(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const retryAfterMs = Math.max(0, Math.ceil(this.#resetAt - performance.now()));
    this.#onLimited?.({ remaining: this.#remaining, reserve: this.#reserve, retryAfterMs });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, retryAfterMs);
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    this.#sleepers.add(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#sleepers.delete(resolve);
    }
  }
}
