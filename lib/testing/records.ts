import { checkFunction, checkOptions, checkWord } from "../check.ts";
import type { Via } from "./link.ts";

/** A connection a client opened. */
export interface ConnectionRecord {
  /** Counts from 1. */
  readonly id: number;
  /** The path and query the client asked for. */
  readonly url: string;
  /** The query: `v`, `encoding` and, where given, `compress`. */
  readonly query: Readonly<Record<string, string>>;
  /** Whether it came through the address of `/gateway/bot` or through the one for resuming. */
  readonly via: Via;
  /** When, in milliseconds since 1970. */
  readonly atMs: number;
}

/** A payload a client sent. */
export interface ReceivedRecord {
  /** The connection it came through. */
  readonly connectionId: number;
  /** The shard the connection belongs to, or `null` before IDENTIFY or RESUME. */
  readonly shardId: number | null;
  /** The opcode. */
  readonly op: number;
  /** The data. Tokens read `"ok"` or `"wrong"`. */
  readonly d: unknown;
  /** When, in milliseconds since 1970. */
  readonly atMs: number;
  /** Its length in UTF-8 bytes. */
  readonly bytes: number;
  /** The newest sequence number the gateway had sent on this connection, or `null`. */
  readonly lastSequence: number | null;
}

/** An IDENTIFY. */
export interface IdentifyRecord extends ReceivedRecord {
  /** The shard asked for; `[0, 1]` where none was. */
  readonly shard: readonly [shardId: number, shardCount: number];
  /** The bits of the intents. */
  readonly intents: number;
  /** Which address it came through. */
  readonly via: Via;
  /** What became of it: `"ready"`, `"invalid session"`, or the close code. */
  readonly outcome: "ready" | "invalid session" | number;
  /**
   * How many sessions of just this shard were connected already. That is allowed, "you can also establish multiple
   * sessions with the same [shard_id, num_shards]", and each receives everything; a client that did not mean it has let a
   * connection live on.
   */
  readonly twins: number;
}

/** A RESUME. */
export interface ResumeRecord extends ReceivedRecord {
  /** The session asked for. */
  readonly sessionId: string;
  /** The sequence number from which on dispatches are wanted. */
  readonly seq: number;
  /** Which address it came through. */
  readonly via: Via;
  /** What became of it: `"resumed"`, `"invalid session"`, `"dropped"`, or the close code. */
  readonly outcome: "resumed" | "invalid session" | "dropped" | number;
}

/** The end of a connection. */
export interface CloseRecord {
  /** The connection. */
  readonly connectionId: number;
  /** Its shard, or `null`. */
  readonly shardId: number | null;
  /** The close code; 1006 or 0 without a closing handshake. */
  readonly code: number;
  /** The reason in the close frame. */
  readonly reason: string;
  /** Who ended it. */
  readonly initiator: "client" | "server" | "network";
  /** When, in milliseconds since 1970. */
  readonly atMs: number;
}

/** An HTTP request. */
export interface HttpRequestRecord {
  /** The method. */
  readonly method: string;
  /** The path after `/api/v10`. */
  readonly path: string;
  /** The headers, without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the `Authorization` header was worth. */
  readonly authorization: "ok" | "missing" | "wrong";
  /** The status it was answered with; 0 where the connection was dropped. */
  readonly status: number;
  /** When, in milliseconds since 1970. */
  readonly atMs: number;
}

/** A message posted over HTTP. */
export interface PostedMessageRecord {
  /** The message's id. */
  readonly id: string;
  /** The channel. */
  readonly channelId: string;
  /** The text. */
  readonly content: string;
  /** The body as it was sent. */
  readonly body: unknown;
}

/** A change of a message over HTTP. */
export interface MessageEditRecord {
  /** The message's id. */
  readonly id: string;
  /** The channel. */
  readonly channelId: string;
  /** The text as it reads now. */
  readonly content: string;
  /** The body as it was sent. */
  readonly body: unknown;
}

/** A message deleted over HTTP. */
export interface MessageDeletionRecord {
  /** The message's id. */
  readonly id: string;
  /** The channel. */
  readonly channelId: string;
}

/** A reaction of the bot's over HTTP. */
export interface ReactionRecord {
  /** The message's id. */
  readonly id: string;
  /** The channel. */
  readonly channelId: string;
  /** The emoji itself, or `name:id` for a custom one. */
  readonly emoji: string;
  /** Whether the bot took it back. */
  readonly removed: boolean;
}

/** An answer to an interaction. */
export interface InteractionResponseRecord {
  /** The interaction. */
  readonly interactionId: string;
  /** The type of the answer: 4 is a message. */
  readonly type: number;
  /** The data of the answer. */
  readonly data: unknown;
}

/** What `gateway.next(kind)` waits for. */
export interface LocalGatewayRecords {
  /** A client opened a connection. */
  connection: ConnectionRecord;
  /** A client sent a payload, whatever it was. */
  payload: ReceivedRecord;
  /** A client sent op 1. */
  heartbeat: ReceivedRecord;
  /** An IDENTIFY was decided. */
  identify: IdentifyRecord;
  /** A RESUME was decided. */
  resume: ResumeRecord;
  /** A connection ended. */
  close: CloseRecord;
  /** A request was answered. */
  request: HttpRequestRecord;
  /** A message was posted over HTTP. */
  message: PostedMessageRecord;
  /** A message was changed over HTTP. */
  edit: MessageEditRecord;
  /** A message was deleted over HTTP. */
  deletion: MessageDeletionRecord;
  /** The bot reacted to a message, or took a reaction back. */
  reaction: ReactionRecord;
  /** An interaction was answered. */
  interaction: InteractionResponseRecord;
  /** A client broke a rule. */
  violation: string;
}

/** Options of `gateway.next()`. */
export interface NextOptions {
  /** Ends the wait; the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
  /**
   * Whether a record that is there already counts.
   *
   * @default {false}
   */
  past?: boolean | undefined;
}

type Kind = keyof LocalGatewayRecords;

interface Waiter {
  kind: Kind;
  offer(record: unknown): boolean;
  fail(reason: unknown): void;
}

/** Keeps what happened, and wakes who waits for it. */
export class Records {
  readonly #kept: { [K in Kind]: LocalGatewayRecords[K][] } = {
    connection: [],
    payload: [],
    heartbeat: [],
    identify: [],
    resume: [],
    close: [],
    request: [],
    message: [],
    edit: [],
    deletion: [],
    reaction: [],
    interaction: [],
    violation: [],
  };
  readonly #waiters = new Set<Waiter>();

  /** All records of a kind, oldest first. */
  all<K extends Kind>(kind: K): readonly LocalGatewayRecords[K][] {
    return this.#kept[kind];
  }

  /** Keeps a record and hands it to who waits for it. */
  add<K extends Kind>(kind: K, record: LocalGatewayRecords[K]): void {
    this.#kept[kind].push(record);
    for (const waiter of [...this.#waiters]) {
      if (waiter.kind === kind && waiter.offer(record)) this.#waiters.delete(waiter);
    }
  }

  /** The next record of a kind that passes the check. */
  next<K extends Kind>(
    kind: K,
    check: (record: LocalGatewayRecords[K]) => boolean,
    options: NextOptions,
  ): Promise<LocalGatewayRecords[K]> {
    const { promise, resolve, reject } = Promise.withResolvers<LocalGatewayRecords[K]>();
    // Nobody may be waiting any more when the gateway is disposed of.
    promise.catch(() => {});
    try {
      checkWord("wait for a record: the kind", kind, Object.keys(this.#kept));
      checkFunction("wait for a record: the check", check);
      checkOptions("wait for a record", options);
    } catch (error) {
      reject(error);
      return promise;
    }
    const { signal, past = false } = options;
    const found = past ? this.#kept[kind].find(check) : undefined;
    if (signal?.aborted) reject(signal.reason);
    else if (found !== undefined) resolve(found);
    else {
      const settled = new AbortController();
      const waiter: Waiter = {
        kind,
        offer: (record) => {
          if (!check(record as LocalGatewayRecords[K])) return false;
          settled.abort();
          resolve(record as LocalGatewayRecords[K]);
          return true;
        },
        fail: (reason) => {
          settled.abort();
          this.#waiters.delete(waiter);
          reject(reason);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", () => waiter.fail(signal.reason), { once: true, signal: settled.signal });
    }
    return promise;
  }

  /** Ends every wait. */
  end(reason: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.fail(reason);
  }

  /** Forgets everything that was kept. */
  clear(): void {
    for (const records of Object.values(this.#kept)) records.length = 0;
  }
}
