import {
  type AckPolicy,
  type ConsumerMessages,
  type DeliverPolicy,
  jetstream,
  type JetStreamManager,
  type JsMsg,
} from "@nats-io/jetstream";
import { delay } from "../delay.ts";
import { nanosOf, type NatsConnection } from "./nats.ts";

/** Options of a {@linkcode StreamConsumer}. */
export interface StreamConsumerOptions {
  /** The connection. */
  nats: NatsConnection;
  /** Makes the consumer. */
  manager: JetStreamManager;
  /** The stream. */
  stream: string;
  /** The group of workers that share the consumer. */
  group: string;
  /** How long a worker may be silent about a message before another one gets it, in milliseconds. */
  ackWaitMs: number;
  /** How many messages may be with workers at once, whichever. */
  maxAckPending: number;
  /** How many messages may wait in this process. */
  prefetch: number;
  /**
   * Takes a message; the next one comes when the promise has resolved. It does with `false` where the signal aborted
   * before the message was begun.
   */
  onMessage: (message: JsMsg, signal: AbortSignal) => Promise<boolean>;
  /** Called when something failed; it is tried again. */
  onError: (error: unknown) => void;
}

/** How long to wait before a consumer is tried again, in milliseconds. */
const RETRY_MS = 500;

/**
 * How long the server keeps a request for messages, in milliseconds. It says twice within that time that it still has it:
 * one that it has lost is made again after as long or half as long again.
 */
const PULL_MS = 5_000;

/** How long nothing has to come until a consumer that ends takes all that it had asked for as come, in milliseconds. */
const QUIET_MS = 50;

/** How long a consumer that ends waits for that at most, in milliseconds: a busy stream is never quiet. */
const CLOSE_MS = 1_000;

/** When a message that was not begun is given to another worker, in milliseconds: to this one it would come at once. */
const RETURN_MS = 1_000;

/** Takes the messages of one stream, as one of a group. */
export class StreamConsumer {
  readonly #options: StreamConsumerOptions;
  readonly #over = new AbortController();
  readonly #ended: Promise<void>;
  #messages: ConsumerMessages | null = null;
  /** When the last message came. */
  #cameAt = 0;

  /** Begins at once. */
  constructor(options: StreamConsumerOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  /** Ends; what was fetched and not begun goes back, so that others get it soon. */
  async close(): Promise<void> {
    this.#over.abort();
    const closedAt = performance.now();
    const look = () => {
      const now = performance.now();
      if (now - this.#cameAt >= QUIET_MS || now - closedAt >= CLOSE_MS) void this.#messages?.close();
      else timer = setTimeout(look, QUIET_MS);
    };
    this.#cameAt = closedAt;
    let timer = setTimeout(look, QUIET_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { onMessage, onError } = this.#options;
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        this.#messages = await this.#consume();
        // Not waited for: it ends as soon as the loop takes from it.
        if (signal.aborted) void this.#messages.close();
        for await (const message of this.#messages) {
          this.#cameAt = performance.now();
          if (signal.aborted || !await onMessage(message, signal)) message.nak(RETURN_MS);
        }
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
      }
      // The end shows in the loop's condition.
      await delay(RETRY_MS, { signal }).catch(() => {});
    }
  }

  async #consume(): Promise<ConsumerMessages> {
    const { nats, manager, stream, group, ackWaitMs, maxAckPending, prefetch } = this.#options;
    const info = await manager.consumers.add(stream, {
      durable_name: group,
      ack_policy: "explicit" as AckPolicy,
      deliver_policy: "all" as DeliverPolicy,
      ack_wait: nanosOf(ackWaitMs),
      // Who is at its last delivery is decided by the worker: it has to put the event aside.
      max_deliver: -1,
      max_ack_pending: maxAckPending,
    });
    const consumer = jetstream(nats).consumers.getConsumerFromInfo(info);
    // Not bound, the client asks after each reconnection whether the consumer is still there, and where that gets no
    // answer takes nothing for half a minute.
    const messages = await consumer.consume({ max_messages: prefetch, bind: true, expires: PULL_MS });
    void endWithoutServer(messages).catch(() => {});
    return messages;
  }
}

/** Ends what asks for messages as soon as it is told that nobody answers: the client would wait, and ask the same. */
async function endWithoutServer(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type === "no_responders" || type === "consumer_deleted") void messages.close();
  }
}
