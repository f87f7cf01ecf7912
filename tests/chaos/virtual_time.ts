/**
 * Time that passes as fast as the machine can: timers, `Date` and `performance.now()` are faked, one timer fires at a
 * time, and everything that it set in motion comes to rest before the next one fires.
 *
 * @module
 */
import FakeTimers from "@sinonjs/fake-timers";
import { setImmediate } from "node:timers";
import { Random } from "../../lib/testing/random.ts";
import { restartSampleIds } from "../../lib/testing/sample_id.ts";

/** Taken before they can be faked. */
const realNow = performance.now.bind(performance);
const realSetTimeout = setTimeout;

/** More than any request was seen to take, on either runtime. */
const LINGER_TURNS = 20;

const START_MS = Date.UTC(2026, 0, 1);

/** A clock of its own for one run; everything random follows the seed as well, so that a run can be played again. */
export class VirtualTime implements Disposable {
  readonly #clock: ReturnType<typeof FakeTimers.install>;
  readonly #random = Math.random;
  #pending = 0;
  #turns = 0;
  /** How many bytes came that have not been inflated. */
  #owed = 0;
  #block: { ms: number; then: () => void } | null = null;
  #isBlocked = false;

  /** Takes time and chance over from the runtime. */
  constructor(seed: number) {
    const random = new Random(seed ^ 0x5eed);
    Math.random = () => random.next();
    const randomUUID = () => [8, 4, 4, 4, 12].map((digits) => random.hex(digits)).join("-");
    Object.defineProperty(crypto, "randomUUID", { value: randomUUID, configurable: true });
    restartSampleIds();
    this.#clock = FakeTimers.install({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
      now: START_MS,
    });
  }

  /** Gives them back. */
  [Symbol.dispose](): void {
    this.#clock.uninstall();
    Math.random = this.#random;
    // The one of the prototype shows again.
    delete (crypto as Partial<Crypto>).randomUUID;
  }

  /** How long it has been running by its own clock, in milliseconds. */
  get elapsedMs(): number {
    return Date.now() - START_MS;
  }

  /** How many timers there are. */
  get timers(): number {
    return this.#clock.countTimers();
  }

  /** Whether timers fire that came due while the event loop was blocked. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Real time, in milliseconds. */
  static now(): number {
    return realNow();
  }

  /** Grants some turns of the event loop to what takes a few and no timer: reading the body of a request. */
  linger(): void {
    this.#turns = LINGER_TURNS;
  }

  /** Waits for something that takes turns of the event loop and no timer: a part of a stream. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work;
    } finally {
      this.#pending--;
    }
  }

  /** Counts bytes that came, or (less than nothing) that are being inflated: in between they may wait for a real timer. */
  owe(bytes: number): void {
    this.#owed = Math.max(0, this.#owed + bytes);
  }

  /** Blocks the event loop, as a long computation or a sleeping laptop does, and calls `then` first thing after it. */
  block(ms: number, then: () => void): void {
    this.#block = { ms, then };
  }

  /** Lets everything that needs no timer come to rest. */
  async settle(): Promise<void> {
    do {
      await nextTurn();
      if (this.#owed > 0 && this.#pending === 0) await this.#passRealTimers();
    } while (this.#pending > 0 || --this.#turns > 0 || this.#owed > 0);
  }

  /** Lets those timers fire that were set for the next turn of the event loop, whatever the clock says. */
  async #passRealTimers(): Promise<void> {
    const before = this.#owed;
    // Timers of the same length fire in the order in which they were set.
    await new Promise<void>((resolve) => void realSetTimeout(resolve, 0));
    // What nobody inflates came on a connection that had been given up.
    if (this.#owed === before) this.#owed = 0;
  }

  /** Runs until that much time has passed in all, or until `done` says so. */
  async runTo(elapsedMs: number, done: () => boolean = () => false): Promise<void> {
    await this.settle();
    const mark = setTimeout(() => {}, Math.max(0, elapsedMs - this.elapsedMs));
    while (this.elapsedMs < elapsedMs && !done()) await this.#step();
    clearTimeout(mark);
  }

  /** Runs for that long. */
  async run(ms: number, done?: () => boolean): Promise<void> {
    await this.runTo(this.elapsedMs + ms, done);
  }

  /** Runs until a promise settles, at most for a day. */
  async complete<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => settled = true);
    watched.catch(() => {});
    await this.run(86_400_000, () => settled);
    if (!settled) throw new Error("A promise did not settle within a day of virtual time");
    return await watched;
  }

  async #step(): Promise<void> {
    const block = this.#block;
    this.#block = null;
    if (block === null) this.#clock.next();
    else {
      // Timers that are overdue fire one after the other before anything else is looked at.
      this.#isBlocked = true;
      this.#clock.jump(block.ms);
      this.#isBlocked = false;
      block.then();
    }
    await this.settle();
  }
}

/** What runs between two turns of the event loop is all microtasks. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
