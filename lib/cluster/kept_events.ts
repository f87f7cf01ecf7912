import type { GatewayEvent } from "../gateway_event.ts";
import type { PublishedCopies } from "./takeover.ts";

interface KeptEvent {
  readonly payload: Uint8Array;
  readonly publish: () => Promise<void>;
  /** Ends the handling of the event, with a promise. */
  readonly end: (ending: Promise<void>) => void;
}

/** Events that were received and are neither published nor dropped yet, in order. */
export class KeptEvents {
  readonly #events: KeptEvent[] = [];
  /** What copies are told apart by, once that is known. */
  #copies: PublishedCopies | null = null;
  #done: Promise<void> = Promise.resolve();

  /** How many there are. */
  get length(): number {
    return this.#events.length;
  }

  /** Keeps an event, which is not handled before it was published or dropped. */
  keep(event: GatewayEvent, publish: () => Promise<void>): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    event.waitUntil(promise);
    this.#events.push({ payload: event.payload, publish, end: resolve });
    if (this.#copies !== null) this.#release(this.#copies);
  }

  /** Drops what is a copy, and publishes the rest, also of what is kept from now on. */
  release(copies: PublishedCopies): void {
    // Each of them can be taken once, so those that are read again are no others.
    this.#release(this.#copies ??= copies);
  }

  /** Resolves when all that was ever kept is done with. */
  get done(): Promise<void> {
    return this.#done;
  }

  #release(copies: PublishedCopies): void {
    const endings = this.#events.splice(0).map(({ payload, publish, end }) => {
      const ending = copies.take(payload) ? Promise.resolve() : publish();
      end(ending);
      return ending;
    });
    this.#done = Promise.all([this.#done, ...endings]).then(() => {});
  }
}
