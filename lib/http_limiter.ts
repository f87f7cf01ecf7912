import { type AddressLimit, HTTPBucket, type RateLimitAnswer, type Route } from "./http_bucket.ts";
import { RateLimit } from "./rate_limit.ts";

/** "All bots can make up to 50 requests per second to our API". */
const GLOBAL_LIMIT = 50;
const GLOBAL_WINDOW_MS = 1_000;

/** How many lanes are kept before the idle ones are looked for, and how many bucket hashes are remembered. */
const LANES = 256;
const HASHES = 1_024;

const MAX_TIMER_MS = 2 ** 31 - 1;

/** The requests of one bucket, in order. */
interface Lane {
  key: string;
  readonly bucket: HTTPBucket;
  readonly waiting: Waiter[];
  timer: ReturnType<typeof setTimeout> | undefined;
}

interface Waiter {
  readonly route: Route;
  readonly order: number;
  lane: Lane;
  admit(): void;
}

/** Ends a turn, with what its answer said of rate limits or, where there was none, with `null`. */
export type EndTurn = (answer: RateLimitAnswer | null) => void;

/** Makes the requests of one bot wait for their turn. */
export class HTTPLimiter {
  readonly #address: AddressLimit;
  readonly #global = new RateLimit(GLOBAL_LIMIT, GLOBAL_WINDOW_MS);
  #pausedUntil = -Infinity;
  readonly #lanes = new Map<string, Lane>();
  readonly #hashes = new Map<string, string>();
  #sweepAt = LANES;

  /** Makes a limiter that also keeps to what holds for its address. */
  constructor(address: AddressLimit) {
    this.#address = address;
  }

  /**
   * Waits for the turn of a request; lower `order` first within a bucket, so that a request that is tried again keeps
   * its place. The returned function has to be called when the request has ended.
   */
  acquire(route: Route, order: number, signal: AbortSignal): Promise<EndTurn> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        const { waiting } = waiter.lane;
        waiting.splice(waiting.indexOf(waiter), 1);
        this.#pump(waiter.lane);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        route,
        order,
        lane: this.#laneOf(route),
        admit: () => {
          signal.removeEventListener("abort", leave);
          const { lane } = waiter;
          resolve((answer) => this.#end(lane, route, answer));
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      enqueue(waiter);
      this.#pump(waiter.lane);
    });
  }

  /** Admits those at the front of a lane who may go, and comes back when the next one may. */
  #pump(lane: Lane): void {
    clearTimeout(lane.timer);
    for (let head = lane.waiting[0]; head !== undefined; head = lane.waiting[0]) {
      const now = performance.now();
      const wait = this.#waitMs(lane, head.route, now);
      if (wait > 0) {
        // With no end in sight the next answer comes back here.
        if (wait < Infinity) lane.timer = setTimeout(() => this.#pump(lane), Math.min(Math.ceil(wait), MAX_TIMER_MS));
        return;
      }
      lane.waiting.shift();
      lane.bucket.take(now);
      head.admit();
    }
  }

  #waitMs(lane: Lane, route: Route, now: number): number {
    const wait = Math.max(lane.bucket.waitMs(now), this.#address.waitMs(now));
    // "Interaction endpoints are not bound to the bot's Global Rate Limit": neither is what needs no bot.
    if (route.secret !== null || wait > 0) return wait;
    // Asked last, because it takes when it does not have to wait.
    return now < this.#pausedUntil ? this.#pausedUntil - now : this.#global.take(now);
  }

  #end(lane: Lane, route: Route, answer: RateLimitAnswer | null): void {
    const now = performance.now();
    lane.bucket.release();
    if (answer !== null) {
      const home = answer.bucket === null ? lane : this.#move(lane, route, answer.bucket);
      home.bucket.learn(answer, now);
      this.#address.learn(answer, now);
      if (answer.blocked?.what === "bot") {
        this.#pausedUntil = Math.max(this.#pausedUntil, now + answer.blocked.retryAfterMs);
      }
      if (home !== lane) this.#pump(home);
    }
    this.#pump(lane);
  }

  #laneOf(route: Route): Lane {
    const key = `${this.#hashes.get(route.key) ?? route.key} ${route.major}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      if (this.#lanes.size >= this.#sweepAt) this.#sweep();
      lane = { key, bucket: new HTTPBucket(), waiting: [], timer: undefined };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** Puts a route under the bucket's hash, now that it is known, together with all who wait there for the same route. */
  #move(lane: Lane, route: Route, hash: string): Lane {
    this.#hashes.delete(route.key);
    this.#hashes.set(route.key, hash);
    if (this.#hashes.size > HASHES) this.#hashes.delete(this.#hashes.keys().next().value as string);
    const key = `${hash} ${route.major}`;
    if (lane.key === key) return lane;
    const home = this.#lanes.get(key);
    if (home === undefined) {
      this.#lanes.delete(lane.key);
      lane.key = key;
      this.#lanes.set(key, lane);
      return lane;
    }
    for (const waiter of lane.waiting.filter((waiter) => waiter.route.key === route.key)) {
      lane.waiting.splice(lane.waiting.indexOf(waiter), 1);
      waiter.lane = home;
      enqueue(waiter);
    }
    return home;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, { bucket, waiting }] of this.#lanes) {
      if (waiting.length === 0 && bucket.isIdle(now)) this.#lanes.delete(key);
    }
    // A sweep that found little must not be repeated for every new lane.
    this.#sweepAt = Math.max(LANES, this.#lanes.size * 2);
  }
}

function enqueue(waiter: Waiter): void {
  const { waiting } = waiter.lane;
  const index = waiting.findLastIndex(({ order }) => order < waiter.order);
  waiting.splice(index + 1, 0, waiter);
}
