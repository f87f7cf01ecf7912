import { checkObject, invalidState } from "./check.ts";
import { type OnListenerError, printListenerError } from "./listener_error.ts";
import type { GatewayPayload } from "./payload.ts";

/** What a {@linkcode GatewayEvent} is made of. */
export interface GatewayEventInit<T = unknown> {
  /** The shard that received it. */
  shardId?: number | null;
  /** The session it was received in. */
  sessionId?: string | null;
  /** Its sequence number. */
  sequence?: number | null;
  /** The message as received: one JSON envelope (`op`, `d`, `s`, `t`) as text or as UTF-8. */
  payload?: Uint8Array | string | null;
  /** The data; where it is left out, it is read from `payload` when somebody asks for it. */
  detail?: T;
}

const decoder = new TextDecoder();

function parseEnvelope(payload: Uint8Array | string): GatewayPayload {
  const envelope = JSON.parse(typeof payload === "string" ? payload : decoder.decode(payload));
  if (typeof envelope !== "object" || envelope === null) {
    throw new SyntaxError("Cannot read the payload: it is not a JSON object");
  }
  // "Non-dispatch frames may omit keys": the documented heartbeat ACK is {"op":11}.
  envelope.d ??= null;
  envelope.s ??= null;
  envelope.t ??= null;
  return envelope;
}

/** Marks an event as being handled and names who is told when a promise given to `waitUntil` rejects. */
export let enter: (event: Event, report: OnListenerError) => void;

/** Keeps an event unsettled until {@linkcode release}. */
export let hold: (event: Event) => void;

/** Undoes one {@linkcode enter} or {@linkcode hold}. */
export let release: (event: Event) => void;

/**
 * Resolves once everything that listens to an event is done with it; never rejects. `undefined`, at no cost, if that is
 * already so.
 */
export let settlement: (event: GatewayEvent) => Promise<void> | undefined;

/** Counts a promise as part of the handling of an event; its rejection is reported and settles it as well. */
export function track(event: Event, promise: unknown, report: OnListenerError): void {
  hold(event);
  Promise.resolve(promise).then(() => release(event), (error) => {
    report(error, event);
    release(event);
  });
}

/**
 * An event of a {@linkcode Dispatcher}: a message of the gateway, or one of the library's own.
 *
 * The message is not parsed before `detail` is read for the first time.
 *
 * @example A received dispatch
 * ```ts
 * import { GatewayEvent } from "@gangway/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * const event = new GatewayEvent<{ content: string }>("MESSAGE_CREATE", {
 *   shardId: 0,
 *   sequence: 7,
 *   payload: '{"op":0,"s":7,"t":"MESSAGE_CREATE","d":{"content":"ping"}}',
 * });
 * assertEquals(event.detail.content, "ping");
 * ```
 */
export class GatewayEvent<T = unknown> extends Event {
  /** Replaced where something is read for the first time; few fields, because an event is made for every message. */
  #init: GatewayEventInit<T>;
  /** How many are not done with it: dispatchers that call their listeners, promises, iterators. */
  #pending = 0;
  #report: OnListenerError = printListenerError;
  #settled: PromiseWithResolvers<void> | undefined;

  static {
    enter = (event, report) => {
      if (!(#pending in event)) return;
      event.#report = report;
      event.#pending++;
    };
    hold = (event) => {
      if (#pending in event) event.#pending++;
    };
    release = (event) => {
      if (!(#pending in event) || --event.#pending > 0) return;
      event.#settled?.resolve();
      event.#settled = undefined;
    };
    settlement = (event) => {
      if (event.#pending === 0) return undefined;
      return (event.#settled ??= Promise.withResolvers()).promise;
    };
  }

  /**
   * Makes an event. A message with an event name carries its `d` as `detail`; one that is named by an opcode, such as
   * `"10"`, carries the whole envelope.
   */
  constructor(type: string, init: GatewayEventInit<T> = {}) {
    super(type);
    checkObject("make an event: its init", init);
    this.#init = init;
  }

  /** The shard that received it, or `null` for what no shard received. */
  get shardId(): number | null {
    return this.#init.shardId ?? null;
  }

  /** The session it was received in, or `null`. */
  get sessionId(): string | null {
    return this.#init.sessionId ?? null;
  }

  /** The sequence number of a dispatch, else `null`. */
  get sequence(): number | null {
    return this.#init.sequence ?? null;
  }

  /**
   * The message's JSON as received, the whole envelope in UTF-8. Listeners share the bytes: copy before
   * changing them.
   *
   * @throws {DOMException} "InvalidStateError" if the event was made from data and not from a message.
   */
  get payload(): Uint8Array {
    const { payload } = this.#init;
    if (payload instanceof Uint8Array) return payload;
    if (typeof payload !== "string") {
      throw invalidState(`read the payload of "${this.type}": it was not received from the gateway`);
    }
    const bytes = new TextEncoder().encode(payload);
    this.#init = { ...this.#init, payload: bytes };
    return bytes;
  }

  /**
   * The data: parsed at the first read, and the same object for every listener.
   *
   * @throws {SyntaxError} If the message is not valid JSON.
   */
  get detail(): T {
    const { detail, payload } = this.#init;
    // JSON knows no undefined: it can only mean that nobody has read the message yet.
    if (detail !== undefined || payload == null) return detail as T;
    const envelope = parseEnvelope(payload);
    const read = (isOpcode(this.type) ? envelope : envelope.d) as T;
    this.#init = { ...this.#init, detail: read };
    return read;
  }

  /**
   * Resolves when the handling of this event has ended: every listener has returned, and every promise of theirs has
   * settled. It never rejects; at once where nobody handles it. To be asked after it was dispatched.
   */
  get settled(): Promise<void> {
    return settlement(this) ?? Promise.resolve();
  }

  /**
   * Counts a promise as part of the handling of this event, like `ExtendableEvent.waitUntil`: its sequence number is
   * not taken for handled (and stored for a restart) before it has settled. A promise that a listener returns
   * counts by itself. A rejection is reported like that of a listener, by the dispatcher that had the event last.
   *
   * @throws {DOMException} "InvalidStateError" if the event is not being dispatched and no earlier promise is pending.
   *
   * @example
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const dispatcher = new Dispatcher<{ ready: string }>();
   * const saved: string[] = [];
   * dispatcher.listen("ready", (data, event) => {
   *   event.waitUntil(Promise.resolve().then(() => saved.push(data)));
   * });
   * dispatcher.dispatch("ready", "session");
   * await Promise.resolve();
   * assertEquals(saved, ["session"]);
   * ```
   */
  waitUntil(promise: PromiseLike<unknown>): void {
    if (this.#pending === 0 && this.eventPhase === Event.NONE) {
      throw invalidState(`wait for a promise: the handling of "${this.type}" has ended`);
    }
    track(this, promise, this.#report);
  }
}

/** Names of dispatches are letters; opcodes as text are digits. */
function isOpcode(type: string): boolean {
  const code = type.charCodeAt(0);
  return code >= 48 && code <= 57;
}
