/** What an identify is asked for with. */
export interface IdentifyRequest {
  /** The shard that wants to identify. */
  shardId: number;
  /** How many shards there are in its set. */
  shardCount: number;
  /**
   * Who goes first among those who wait: the lowest.
   *
   * @default the shard's id
   */
  priority?: number | undefined;
  /** Takes the request back. */
  signal?: AbortSignal | undefined;
}

/** The right to send one IDENTIFY. Disposing of it frees the slot: at once where nothing was sent. */
export interface IdentifyPermit extends Disposable {
  /** Says that the IDENTIFY has just been sent: the limit counts from here. */
  sent(): void;
}

/** Decides when a shard may identify. Implement it to share one limit between processes. */
export interface IdentifyRateLimiter {
  /** Resolves with a permit once the shard may identify; rejects with the signal's reason. */
  acquire(request: IdentifyRequest): Promise<IdentifyPermit>;
  /** Takes in what `GET /gateway/bot` said. */
  update?(limits: { total: number; remaining: number; reset_after: number; max_concurrency: number }): void;
}

/** Options of {@linkcode TimesPer}. */
export interface TimesPerOptions {
  /**
   * What is added to the window, in milliseconds: the gateway counts from when the IDENTIFY arrives.
   *
   * @default {250}
   */
  marginMs?: number;
}

interface Waiter {
  priority: number;
  grant(): void;
}

/**
 * Lets something happen a number of times in any window of so many seconds.
 *
 * A permit occupies a slot until it is disposed of and, where something was sent, until the window after that has
 * passed. Those who wait are served by priority, lowest first, and then in order of arrival.
 *
 * @example One identify in five seconds
 * ```ts
 * import { TimesPer } from "@gangway/gateway";
 *
 * const limiter = new TimesPer(1, 5);
 * using permit = await limiter.acquire({ shardId: 0, shardCount: 1 });
 * // … send the IDENTIFY …
 * permit.sent();
 * ```
 */
export class TimesPer implements IdentifyRateLimiter {
  readonly #limit: number;
  readonly #windowMs: number;
  #held = 0;
  /** When the slots of permits that were used and disposed of become free, oldest first. */
  #cooling: number[] = [];
  #waiters: Waiter[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Allows `limit` times in any `perSeconds` seconds.
   *
   * @throws {RangeError} If one of them is not positive.
   */
  constructor(limit: number, perSeconds: number, options: TimesPerOptions = {}) {
    const { marginMs = 250 } = options;
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(`Cannot limit: limit must be a positive whole number, received ${limit}`);
    }
    if (!(perSeconds > 0)) {
      throw new RangeError(`Cannot limit: perSeconds must be a positive number, received ${perSeconds}`);
    }
    this.#limit = limit;
    this.#windowMs = perSeconds * 1000 + marginMs;
  }

  /** Resolves with a permit once there is a free slot; rejects with the signal's reason. */
  acquire(request: IdentifyRequest): Promise<IdentifyPermit> {
    const { signal, priority = request.shardId } = request;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const waiter: Waiter = {
        priority,
        grant: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve(this.#permit());
        },
      };
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        if (this.#waiters.length === 0) this.#stopTimer();
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const after = this.#waiters.findIndex((other) => other.priority > priority);
      this.#waiters.splice(after < 0 ? this.#waiters.length : after, 0, waiter);
      // Those who ask in the same turn are sorted before the first of them is served.
      queueMicrotask(() => this.#serve());
    });
  }

  /** Occupies every slot for one window, for when it is not known what was sent before. */
  rest(): void {
    const until = performance.now() + this.#windowMs;
    this.#cooling = new Array(this.#limit - this.#held).fill(until);
  }

  #permit(): IdentifyPermit {
    this.#held++;
    let sentAt: number | null = null;
    let disposed = false;
    return {
      sent: () => {
        sentAt ??= performance.now();
      },
      [Symbol.dispose]: () => {
        if (disposed) return;
        disposed = true;
        this.#held--;
        if (sentAt !== null) this.#cool(sentAt + this.#windowMs);
        this.#serve();
      },
    };
  }

  #cool(until: number): void {
    this.#cooling.push(until);
    this.#cooling.sort((a, b) => a - b);
  }

  #serve(): void {
    this.#stopTimer();
    const now = performance.now();
    while (this.#cooling.length > 0 && (this.#cooling[0] as number) <= now) this.#cooling.shift();
    while (this.#waiters.length > 0 && this.#held + this.#cooling.length < this.#limit) {
      this.#waiters.shift()?.grant();
    }
    const [next] = this.#cooling;
    if (this.#waiters.length > 0 && next !== undefined) {
      this.#timer = setTimeout(() => this.#serve(), Math.ceil(next - now));
    }
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
