import { checkNumber, checkObject } from "./check.ts";
import { IdentifyTurns } from "./identify_turns.ts";

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
  /**
   * Says that the IDENTIFY has just been sent: the limit counts from here. As with disposing, a promise that it gives is
   * not waited for, and its rejection is passed over.
   */
  sent(): void;
}

/**
 * Decides when a shard may identify. Implement it to share one limit between processes.
 *
 * A shard asks again after a while where `acquire` rejects. Where what it gives is no permit, or the permit throws, the
 * shard ends with a critical error: nobody would know any more whether it may identify.
 */
export interface IdentifyRateLimiter {
  /** Resolves with a permit once the shard may identify; rejects with the signal's reason. */
  acquire(request: IdentifyRequest): Promise<IdentifyPermit>;
  /**
   * Takes in what `GET /gateway/bot` said. It may be async: no shard starts before. Where it fails, the manager tells of
   * it with `reconnecting`, and calls it again after a while.
   */
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
  readonly #turns: IdentifyTurns;

  /**
   * Allows `limit` times in any `perSeconds` seconds.
   *
   * @throws {TypeError} If something is not a number.
   * @throws {RangeError} If one is out of range.
   */
  constructor(limit: number, perSeconds: number, options: TimesPerOptions = {}) {
    checkObject("limit: the options", options);
    const { marginMs = 250 } = options;
    checkNumber("limit: limit", limit, 1);
    // What is to happen once in an endless time would happen never again.
    checkNumber("limit: perSeconds", perSeconds, 1e-6, Number.MAX_SAFE_INTEGER, false);
    checkNumber("limit: marginMs", marginMs, 0, Number.MAX_SAFE_INTEGER, false);
    this.#turns = new IdentifyTurns({ limit, windowMs: perSeconds * 1000 + marginMs, keyOf: () => 0 });
  }

  /** Resolves with a permit once there is a free slot; rejects with the signal's reason. */
  acquire(request: IdentifyRequest): Promise<IdentifyPermit> {
    return this.#turns.acquire(request);
  }
}
