import { invalidState } from "./check.ts";
import { printUnheard } from "./critical.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { GatewayError } from "./errors.ts";
import { DOCTOR } from "./fatal_error.ts";
import { Latch } from "./latch.ts";
import type { ShardEvents } from "./shard_events.ts";

/** What a {@linkcode ShardManagerLifetime} gets from its owner. */
export interface ShardManagerLifetimeOptions {
  /** Aborting it is the end, with the sessions kept. */
  signal: AbortSignal | undefined;
  /** Where a critical error is told. */
  dispatcher: Dispatcher<ShardEvents>;
  /** Takes in the signal of the life that is to come, or has begun: it ends what waits for events. */
  onLife: (signal: AbortSignal) => void;
  /** Closes the shards, with the signal's reason if it was that; resolves when nothing is left running. */
  close: (cleanup: boolean, reason: unknown) => Promise<unknown>;
}

/** A manager's beginnings and ends: `connect()`, `close()`, the signal of its options, and critical errors. */
export class ShardManagerLifetime {
  readonly #options: ShardManagerLifetimeOptions;
  readonly #closed = new Latch();
  /** Of the life that is to come, goes on or is over, as a shard has it. */
  #life: AbortController;
  /** The same from `connect()` to the end. */
  #controller: AbortController | null = null;
  /** Why it ends, where that is a critical error. */
  #failure: Error | null = null;
  #isObserved = false;

  constructor(options: ShardManagerLifetimeOptions) {
    this.#options = options;
    this.#life = this.#renew();
    if (options.signal?.aborted) this.#onAbort();
    else options.signal?.addEventListener("abort", this.#onAbort);
  }

  /** From `connect()` to the end, both included; `null` while there is nothing to end. */
  get signal(): AbortSignal | null {
    return this.#controller?.signal ?? null;
  }

  /** Resolves at the end, and rejects with the critical error. */
  get closed(): Promise<void> {
    this.#isObserved = true;
    return this.#closed.promise;
  }

  /**
   * Begins.
   *
   * @throws {DOMException} InvalidStateError, if it has begun and has not ended; the reason of the options' signal.
   */
  begin(): AbortSignal {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    if (this.#controller !== null) {
      const state = this.#controller.signal.aborted ? "being closed" : "connected, or about to be";
      throw invalidState(`connect: the manager is ${state}`);
    }
    if (this.#life.signal.aborted) this.#life = this.#renew();
    this.#controller = this.#life;
    this.#closed.restart();
    this.#failure = null;
    signal?.addEventListener("abort", this.#onAbort);
    return this.#controller.signal;
  }

  /** Ends; see {@linkcode ShardManager.close}. */
  async end(cleanup: boolean, reason?: unknown): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    const life = this.#life;
    life.abort(this.#failure ?? reason ?? new DOMException("The manager was closed", "AbortError"));
    await this.#options.close(cleanup, reason);
    // Another end of the same life was quicker, and the next one has begun.
    if (this.#life !== life) return;
    this.#controller = null;
    if (this.#failure === null) this.#closed.fulfil();
    else this.#closed.reject(this.#failure);
  }

  /** Ends with a critical error, and tells of it: of this one where it names the doctor, else of one that does. */
  fail(cause: unknown): Error {
    const { dispatcher } = this.#options;
    // A client of the owner's may throw anything.
    const message = cause instanceof Error ? cause.message : "Cannot connect";
    const error = message.includes(DOCTOR) ? cause as Error : new GatewayError(message + DOCTOR, { cause });
    if (this.#take(error, dispatcher)) {
      dispatcher.dispatch("critical", error);
      void this.end(false);
    }
    return error;
  }

  /** Ends with a critical error of which a shard is about to tell; `false` where it has to end already. */
  failWith(error: Error, dispatcher: Dispatcher<ShardEvents>): boolean {
    if (!this.#take(error, dispatcher)) return false;
    queueMicrotask(() => void this.end(false));
    return true;
  }

  #renew(): AbortController {
    const controller = new AbortController();
    this.#options.onLife(controller.signal);
    return controller;
  }

  #take(error: Error, dispatcher: Dispatcher<ShardEvents>): boolean {
    if (this.#failure !== null) return false;
    this.#failure = error;
    printUnheard(error, dispatcher, this.#isObserved);
    return true;
  }

  readonly #onAbort = (): void => {
    void this.end(false, this.#options.signal?.reason);
  };
}
