import { checkNumber } from "./check.ts";
import { type GatewayEvent, hold, release } from "./gateway_event.ts";

/** What an {@linkcode EventIterator} is made with. */
export interface EventIteratorOptions {
  /** How many events may wait to be taken. */
  highWaterMark: number;
  /** Unsubscribes; called once, when nothing more is to come. */
  unsubscribe: () => void;
}

/**
 * The queue between a dispatcher, which pushes, and a `for await` loop, which takes.
 *
 * An event it has handed out counts as handled when the loop comes back for the next one: the session is not stored as
 * being past an event whose loop body is still at work.
 */
export class EventIterator<T> implements AsyncIterableIterator<T> {
  readonly #highWaterMark: number;
  #unsubscribe: (() => void) | undefined;
  #queue: GatewayEvent<T>[] = [];
  readonly #takers: PromiseWithResolvers<IteratorResult<T>>[] = [];
  #taken: GatewayEvent<T> | undefined;
  #failure: { readonly reason: unknown } | undefined;

  /** Makes an iterator that is subscribed already, or is about to be. */
  constructor({ highWaterMark, unsubscribe }: EventIteratorOptions) {
    if (highWaterMark !== Infinity) checkNumber("iterate: highWaterMark", highWaterMark, 1);
    this.#highWaterMark = highWaterMark;
    this.#unsubscribe = unsubscribe;
  }

  /** Hands an event to who waits for one, or queues it. */
  push(event: GatewayEvent<T>): void {
    if (this.#unsubscribe === undefined) return;
    if (this.#takers.length === 0 && this.#queue.length === this.#highWaterMark) {
      this.fail(
        new RangeError(`Cannot keep more events: ${this.#highWaterMark} of "${event.type}" wait (highWaterMark)`),
      );
      return;
    }
    hold(event);
    const taker = this.#takers.shift();
    if (taker === undefined) this.#queue.push(event);
    else taker.resolve(this.#take(event));
  }

  /** Ends the iteration with an error, after what is queued. */
  fail(reason: unknown): void {
    if (this.#unsubscribe === undefined) return;
    this.#end();
    if (this.#takers.length === 0) this.#failure = { reason };
    for (const taker of this.#takers.splice(0)) taker.reject(reason);
  }

  /**
   * Ends the iteration with an error at once. What is queued is given up: nobody has seen it.
   *
   * @param giveUp Decides when that counts as handled, and calls what it is given then.
   */
  abort(reason: unknown, giveUp: (release: () => void) => void): void {
    const queue = this.#queue.splice(0);
    this.fail(reason);
    // What ends together with it ends first.
    if (queue.length > 0) queueMicrotask(() => giveUp(() => queue.forEach(release)));
  }

  /** Whether nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Gives up what is queued, unless the body of a loop is at work: that one will come for it. */
  abandon(): void {
    if (this.#taken === undefined) this.#queue.splice(0).forEach(release);
  }

  /** Takes the next event's data. */
  next(): Promise<IteratorResult<T>> {
    this.#releaseTaken();
    const event = this.#queue.shift();
    if (event !== undefined) return Promise.resolve(this.#take(event));
    const taker = Promise.withResolvers<IteratorResult<T>>();
    // A loop that was left without taking this promise must not end the process when the signal aborts.
    taker.promise.catch(() => {});
    if (this.#failure !== undefined) {
      taker.reject(this.#failure.reason);
      this.#failure = undefined;
    } else if (this.#unsubscribe === undefined) {
      taker.resolve({ done: true, value: undefined });
    } else {
      this.#takers.push(taker);
    }
    return taker.promise;
  }

  /** Ends the iteration: unsubscribes and gives up what is queued. */
  return(value?: unknown): Promise<IteratorResult<T>> {
    this.#releaseTaken();
    for (const event of this.#queue.splice(0)) release(event);
    this.#failure = undefined;
    this.#end();
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined });
    return Promise.resolve({ done: true, value });
  }

  /** An iterator is its own iterable. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(event: GatewayEvent<T>): IteratorResult<T> {
    this.#releaseTaken();
    this.#taken = event;
    return { done: false, value: event.detail };
  }

  #releaseTaken(): void {
    if (this.#taken !== undefined) release(this.#taken);
    this.#taken = undefined;
  }

  #end(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}
