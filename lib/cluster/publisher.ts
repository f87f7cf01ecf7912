import { createInbox, headers, type Msg, type Subscription } from "@nats-io/nats-core";
import { Backlog } from "./backlog.ts";
import type { NatsConnection } from "./nats.ts";
import { shrink } from "./shrink.ts";

/** Options of a {@linkcode Publisher}. */
export interface PublisherOptions {
  /** The connection. */
  nats: NatsConnection;
  /** Tells the sequence number of the stream's newest message. */
  lastSequence: () => Promise<number>;
  /** Whether publishing is allowed at this very moment. */
  mayPublish: () => boolean;
  /** How many events may be published and not acknowledged. */
  window: number;
  /** How long an acknowledgement may take, in milliseconds. */
  ackTimeoutMs: number;
  /** Called when publishing failed; it is tried again. */
  onError: (error: unknown) => void;
  /** Called for an event that is too large for the server, which is left out. */
  onTooLarge: (messageId: string, bytes: number, subject: string) => void;
  /** Called when nothing is left to be published. */
  onDrained: () => void;
}

interface Item {
  readonly subject: string;
  readonly messageId: string;
  data: Uint8Array | Promise<Uint8Array | null>;
  isShrunk: boolean;
  readonly acknowledge: () => void;
}

interface PubAck {
  readonly error?: { readonly description: string; readonly err_code?: number };
  readonly seq?: number;
  readonly duplicate?: boolean;
}

/** How long to wait before publishing is tried again, in milliseconds. */
const RETRY_MS = [50, 100, 250, 500, 1_000] as const;

/** What the headers of a message may take of what the server accepts in one. */
const HEADER_BYTES = 1_024;

const decoder = new TextDecoder();

/**
 * Publishes to a stream in order, many at a time, each exactly once.
 *
 * Every message names the sequence number that the stream has to end with before it (`Nats-Expected-Last-Sequence`), so
 * that the server refuses all that follows a message that failed, and everything from a writer that was overtaken. After
 * a refusal, a missing acknowledgement or a lost connection it asks the stream how far it is, and sends again from the
 * first one that was not acknowledged; what had arrived all the same is recognised by its message id, which the server
 * looks at first.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #inbox = createInbox();
  readonly #replies: Subscription;
  /** What is not acknowledged, in order; the first `#sent` of it are under way. */
  readonly #items = new Backlog<Item>();
  #sent = 0;
  /** The stream's newest sequence number before the first item, or `null` where it has to be asked. */
  #base: number | null = null;
  /** Tells the acknowledgements of one attempt from those of the attempts before. */
  #attempt = 0;
  #failures = 0;
  /** After a failure they go one by one until one is new to the stream: duplicates do not move its end. */
  #isFeeling = true;
  #isSyncing = false;
  #isConnected = true;
  #isStopped = false;
  /** Runs while an acknowledgement is awaited. */
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  /** Runs from a failure until the next attempt. */
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** Makes a publisher that has nothing to publish. */
  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#replies = options.nats.subscribe(`${this.#inbox}.*.*`, {
      callback: (_, message) => this.#onReply(message),
    });
  }

  /** How many are not acknowledged. */
  get pending(): number {
    return this.#items.length;
  }

  /** Publishes; resolves when the stream has it. It never does after {@linkcode stop}. */
  publish(subject: string, messageId: string, data: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#items.push({ subject, messageId, data, isShrunk: false, acknowledge: resolve });
      this.pump();
    });
  }

  /** The connection is gone: what was sent may have arrived or not. */
  disconnected(): void {
    this.#isConnected = false;
    this.#goBack();
  }

  /** There is a connection again. */
  reconnected(): void {
    this.#isConnected = true;
    this.pump();
  }

  /** Ends at once; what is not acknowledged never will be. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#goBack();
    this.#replies.unsubscribe();
    this.#items.clear();
  }

  /** Sends what can be sent: to be called when publishing is allowed again. */
  pump(): void {
    const { window, mayPublish } = this.#options;
    if (this.#isStopped || this.#isSyncing || !this.#isConnected || this.#retryTimer !== undefined) return;
    if (this.pending === 0) return;
    if (this.#base === null) return void this.#sync();
    const most = this.#isFeeling ? 1 : window;
    while (this.#sent < most && this.#sent < this.pending && mayPublish()) {
      const item = this.#items.at(this.#sent) as Item;
      if (!this.#isReady(item)) return;
      if (this.#sent === 0) this.#expectAck();
      this.#send(item, item.data as Uint8Array, this.#base + this.#sent);
      this.#sent++;
    }
  }

  #send({ subject, messageId, isShrunk }: Item, data: Uint8Array, expected: number): void {
    const fields = headers();
    fields.set("Nats-Msg-Id", messageId);
    fields.set("Nats-Expected-Last-Sequence", String(expected));
    if (isShrunk) fields.set("Content-Encoding", "gzip");
    try {
      this.#options.nats.publish(subject, data, {
        headers: fields,
        reply: `${this.#inbox}.${this.#attempt}.${expected}`,
      });
    } catch (error) {
      // The connection is closed for good; whoever owns it has to know.
      this.#options.onError(error);
    }
  }

  /** Makes an event that is too large for the server smaller; one that stays too large is left out. */
  #isReady(item: Item): boolean {
    if (!(item.data instanceof Uint8Array)) return false;
    const most = (this.#options.nats.info?.max_payload ?? 1_048_576) - HEADER_BYTES;
    if (item.data.byteLength <= most) return true;
    const { byteLength } = item.data;
    if (item.isShrunk) {
      this.#options.onTooLarge(item.messageId, byteLength, item.subject);
      this.#drop(item);
      return false;
    }
    const shrinking = item.data = shrink(item.data);
    void shrinking.then((data) => {
      item.data = data;
      item.isShrunk = true;
      this.pump();
    });
    return false;
  }

  #drop(item: Item): void {
    this.#items.delete(item);
    item.acknowledge();
    if (this.pending === 0) this.#options.onDrained();
    queueMicrotask(() => this.pump());
  }

  #onReply({ subject, data, headers }: Msg): void {
    const [attempt, expected] = subject.slice(this.#inbox.length + 1).split(".").map(Number);
    if (attempt !== this.#attempt || this.#isStopped) return;
    // "No responders": there is no stream that takes it, or none that has a leader.
    if (headers?.code === 503) return this.#fail(new Error("Cannot publish: no stream takes it"));
    const ack = JSON.parse(decoder.decode(data)) as PubAck;
    if (ack.error !== undefined || ack.seq === undefined) {
      return this.#fail(new Error(`Cannot publish: ${ack.error?.description ?? "the answer cannot be read"}`));
    }
    // A message before it was answered with nothing: it may be missing from the stream.
    if (expected !== this.#base) return this.#fail(new Error("Cannot publish: an acknowledgement is missing"));
    const item = this.#items.shift() as Item;
    this.#sent--;
    this.#failures = 0;
    if (ack.duplicate) {
      // It was in the stream before: what was sent after it counts with one message too many.
      if (this.#sent > 0) this.#goBack();
      else this.#isFeeling = true;
    } else {
      this.#base = ack.seq;
      this.#isFeeling = false;
    }
    clearTimeout(this.#ackTimer);
    if (this.#sent > 0) this.#expectAck();
    item.acknowledge();
    if (this.pending === 0) this.#options.onDrained();
    this.pump();
  }

  #expectAck(): void {
    const { ackTimeoutMs } = this.#options;
    clearTimeout(this.#ackTimer);
    this.#ackTimer = setTimeout(
      () => this.#fail(new Error(`Cannot publish: no acknowledgement within ${ackTimeoutMs} ms`)),
      ackTimeoutMs,
    );
  }

  #fail(error: unknown): void {
    this.#goBack();
    this.#options.onError(error);
    if (this.#isStopped) return;
    const ms = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)] as number;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.pump();
    }, ms);
  }

  /** Nothing counts as sent any more. */
  #goBack(): void {
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#attempt++;
    this.#sent = 0;
    this.#base = null;
    this.#isFeeling = true;
  }

  async #sync(): Promise<void> {
    this.#isSyncing = true;
    const attempt = this.#attempt;
    try {
      const base = await this.#options.lastSequence();
      this.#isSyncing = false;
      if (attempt === this.#attempt) this.#base = base;
      this.pump();
    } catch (error) {
      this.#isSyncing = false;
      if (!this.#isStopped) this.#fail(error);
    }
  }
}
