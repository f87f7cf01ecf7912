/** Something the bot said, as people get to see it. */
export interface LocalReply {
  /**
   * How it was said: a `"message"` posted to a channel, an `"edit"` of one, the first answer to an `"interaction"`, or a
   * `"followup"` to that answer. An interaction that was deferred is answered by the edit of `@original`.
   */
  readonly kind: "message" | "edit" | "interaction" | "followup";
  /** The message, or `null` where the answer is none: a modal, or choices for an option. */
  readonly id: string | null;
  /** The channel. */
  readonly channelId: string;
  /** The text of the message; empty where there is none. */
  readonly content: string;
  /** The message it was a reply to, or `null`. */
  readonly repliesTo: string | null;
  /** The interaction it answers, or `null`. */
  readonly interactionId: string | null;
  /** For the first answer to an interaction, its type: 4 is a message, 7 an update of the message, 9 a modal. */
  readonly callbackType: number | null;
  /** Whether only the user who is answered sees it. */
  readonly ephemeral: boolean;
  /** The message as it was sent, embeds, components and all; for the answer to an interaction, its `data`. */
  readonly body: unknown;
}

/** Options of `gateway.replies()`. */
export interface RepliesOptions {
  /** Ends the wait; the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
  /**
   * How long to wait, in milliseconds; then the promise rejects with a TimeoutError that says what did come. It is less
   * than the time test runners give a test.
   *
   * @default {4000}
   */
  timeoutMs?: number | undefined;
}

/** The fields of a reply that have no default. */
type NewReply = Pick<LocalReply, "kind" | "id" | "channelId" | "content" | "body"> & Partial<LocalReply>;

interface Taker {
  count: number;
  take(replies: LocalReply[]): void;
  fail(reason: unknown): void;
}

const TIMEOUT_MS = 4000;

/** What the bot said, each handed out once, in order. */
export class Replies {
  readonly #untaken: LocalReply[] = [];
  readonly #takers: Taker[] = [];
  readonly #hint: () => string;

  /** The hint is what else to say when too few came. */
  constructor(hint: () => string) {
    this.#hint = hint;
  }

  /** Keeps a reply until somebody takes it. */
  add(reply: NewReply): void {
    const defaults = { repliesTo: null, interactionId: null, callbackType: null, ephemeral: false };
    this.#untaken.push({ ...defaults, ...reply });
    this.#serve();
  }

  /** The next so many, once they are there. Who asked first is served first. */
  take(count: number, { signal, timeoutMs = TIMEOUT_MS }: RepliesOptions): Promise<LocalReply[]> {
    const { promise, resolve, reject } = Promise.withResolvers<LocalReply[]>();
    // Nobody may be waiting any more when the gateway is disposed of.
    promise.catch(() => {});
    if (!Number.isInteger(count) || count < 1) {
      reject(new RangeError(`Cannot wait for replies: the count must be a whole number from 1, received ${count}`));
    } else if (signal?.aborted) reject(signal.reason);
    else {
      const settled = new AbortController();
      const end = (): void => {
        clearTimeout(timer);
        settled.abort();
        this.#takers.splice(this.#takers.indexOf(taker), 1);
      };
      const taker: Taker = {
        count,
        take: (replies) => {
          end();
          resolve(replies);
        },
        fail: (reason) => {
          end();
          reject(reason);
        },
      };
      const timer = setTimeout(() => taker.fail(this.#timeout(count, timeoutMs)), timeoutMs);
      this.#takers.push(taker);
      signal?.addEventListener("abort", () => taker.fail(signal.reason), { once: true, signal: settled.signal });
      this.#serve();
    }
    return promise;
  }

  /** Forgets what nobody took. */
  clear(): void {
    this.#untaken.length = 0;
  }

  /** Ends every wait. */
  end(reason: unknown): void {
    for (const taker of [...this.#takers]) taker.fail(reason);
  }

  #serve(): void {
    for (let first = this.#takers[0]; first !== undefined && this.#untaken.length >= first.count;) {
      first.take(this.#untaken.splice(0, first.count));
      first = this.#takers[0];
    }
  }

  #timeout(count: number, timeoutMs: number): DOMException {
    const came = this.#untaken.map(({ content, kind }) => content === "" ? `(${kind})` : JSON.stringify(content));
    const instead = came.length === 0 ? "none came" : `only ${came.join(", ")} came`;
    const wanted = count === 1 ? "a reply" : `${count} replies`;
    const message = `Cannot get ${wanted}: ${instead} within ${timeoutMs} ms${this.#hint()}`;
    return new DOMException(message, "TimeoutError");
  }
}
