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
  #released: Promise<unknown> = Promise.resolve();

  /** How many there are. */
  get length(): number {
    return this.#events.length;
  }

  /** Keeps an event, which is not handled before it was published or dropped. */
  keep(event: GatewayEvent, publish: () => Promise<void>): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    event.waitUntil(promise);
    this.#events.push({ payload: event.payload, publish, end: resolve });
  }

  /** Drops what is a copy, and publishes the rest; resolves when all that was ever kept is done with. */
  release(copies: PublishedCopies): Promise<unknown> {
    const endings = this.#events.splice(0).map(({ payload, publish, end }) => {
      const ending = copies.take(payload) ? Promise.resolve() : publish();
      end(ending);
      return ending;
    });
    return this.#released = Promise.all([this.#released, ...endings]);
  }
}
