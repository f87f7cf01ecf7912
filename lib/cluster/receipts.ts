import type { JsMsg } from "@nats-io/jetstream";
import { type NatsConnection, onConnectionChange } from "./nats.ts";

/**
 * Acknowledges messages, without a connection as soon as there is one again: the client drops what it is given meanwhile,
 * and an event that was handled would be handled again.
 */
export class Receipts {
  #kept = new Map<string, JsMsg>();
  /** What was acknowledged late, after the last time that there was no connection: the server may have sent it again before. */
  #late = new Map<string, JsMsg>();
  #isConnected = true;

  /** Begins with none; the signal ends it. */
  constructor(nats: NatsConnection, signal: AbortSignal) {
    onConnectionChange(nats, {
      onDisconnect: () => this.#isConnected = false,
      onReconnect: () => {
        this.#isConnected = true;
        for (const message of this.#kept.values()) message.ack();
        this.#late = this.#kept;
        this.#kept = new Map<string, JsMsg>();
      },
    }, signal);
  }

  /** Whether a message that comes again has been handled. */
  has(key: string): boolean {
    return this.#kept.has(key) || this.#late.has(key);
  }

  /** Acknowledges a message. */
  acknowledge(key: string, message: JsMsg): void {
    if (this.#isConnected) message.ack();
    else this.#kept.set(key, message);
  }
}
