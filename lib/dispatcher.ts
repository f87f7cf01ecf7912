import { onAbort } from "./abortable.ts";
import { checkFunction, checkObject, checkOptions, checkSignal, refuse } from "./check.ts";
import type {
  DataOf,
  DispatcherOptions,
  DispatcherWaitOptions,
  EventName,
  EventsOptions,
  Listener,
  ListenOptions,
} from "./dispatcher_options.ts";
import { EventIterator } from "./event_iterator.ts";
import { waitForEvent } from "./event_wait.ts";
import { enter, GatewayEvent, release } from "./gateway_event.ts";
import { guardReport, type OnListenerError, printListenerError } from "./listener_error.ts";
import { ListenerRegistry } from "./listener_registry.ts";

/**
 * An `EventTarget` that knows its events' types, whose listeners cannot harm one another, and whose events bubble to a
 * parent dispatcher.
 *
 * - `addEventListener`, `removeEventListener` and `dispatchEvent` keep the platform's rules. But a listener that throws,
 *   or whose promise rejects, is reported to `onListenerError` (else printed) and affects nothing else.
 * - An event is dispatched here, then at the parent, and so on, all within the one call and as the same object.
 *   `stopPropagation` and `stopImmediatePropagation` act on the listeners of one dispatcher only; `target` and
 *   `currentTarget` are the dispatcher at work.
 *
 * @example Events of one's own
 * ```ts
 * import { Dispatcher } from "@gangway/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * const dispatcher = new Dispatcher<{ greeting: string }>();
 * const heard: string[] = [];
 * const listener = dispatcher.listen("greeting", (text) => heard.push(text));
 * dispatcher.dispatch("greeting", "hello");
 * listener[Symbol.dispose]();
 * dispatcher.dispatch("greeting", "unheard");
 * assertEquals(heard, ["hello"]);
 * ```
 */
export class Dispatcher<Events = Record<string, unknown>> extends EventTarget {
  readonly #report: OnListenerError;
  readonly #listeners: ListenerRegistry;
  #parent: Dispatcher<Events> | null = null;
  #signal: AbortSignal | null = null;
  /** Gives up the events that nobody took when the owner ended. */
  #forgone: (() => void)[] = [];

  /** Makes a dispatcher. @throws {TypeError} If an option has another type. */
  constructor(options: DispatcherOptions<Events> = {}) {
    super();
    checkObject("dispatch: the options", options);
    const { parent = null, onListenerError, signal = null } = options;
    checkSignal("dispatch: signal", signal ?? undefined);
    if (onListenerError !== undefined) checkFunction("dispatch: onListenerError", onListenerError);
    this.#report = onListenerError === undefined ? printListenerError : guardReport(onListenerError);
    this.#listeners = new ListenerRegistry(this, this.#report);
    this.parent = parent;
    this.signal = signal;
  }

  /**
   * Gets every event after this dispatcher's own listeners had it. May be set at any time.
   *
   * @throws {TypeError} On setting what is none, or this dispatcher or one below: an event would go round for ever.
   */
  get parent(): Dispatcher<Events> | null {
    return this.#parent;
  }

  set parent(parent: Dispatcher<Events> | null) {
    if (parent !== null && !(parent instanceof Dispatcher)) refuse("set the parent: it", "a Dispatcher", parent);
    for (let ancestor = parent; ancestor !== null; ancestor = ancestor.#parent) {
      if (ancestor === this) throw new TypeError("Cannot set the parent: the dispatcher would be its own ancestor");
    }
    this.#parent = parent;
  }

  /**
   * The lifetime of the owner: when it aborts, what `waitFor` and `events` have under way rejects with its reason (an
   * AbortError after a plain `abort()`). An owner that starts again sets a new one; listeners stay.
   */
  get signal(): AbortSignal | null {
    return this.#signal;
  }

  set signal(signal: AbortSignal | null) {
    this.#signal = signal;
    for (const giveUp of this.#forgone.splice(0)) giveUp();
  }

  /**
   * Calls a listener with the data of each event of a name. Each call adds a listener of its own, also for a function
   * that listens already.
   *
   * @param name The event's name, or an opcode.
   * @param listener Is called with the data and the event. It may be async.
   * @param options A signal that removes it, and whether it is called only once.
   * @returns What removes the listener when disposed.
   * @throws {TypeError} If the listener is not a function, the name none, or an option has another type.
   *
   * @example
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const dispatcher = new Dispatcher<{ MESSAGE_CREATE: { content: string } }>();
   * const contents: string[] = [];
   * const listener = dispatcher.listen("MESSAGE_CREATE", (message) => contents.push(message.content));
   * dispatcher.dispatch("MESSAGE_CREATE", { content: "ping" });
   * listener[Symbol.dispose]();
   * dispatcher.dispatch("MESSAGE_CREATE", { content: "pong" });
   * assertEquals(contents, ["ping"]);
   * ```
   */
  listen<Name extends EventName<Events>>(
    name: Name,
    listener: Listener<DataOf<Events, Name>>,
    options: ListenOptions = {},
  ): Disposable {
    checkFunction("listen: the listener", listener);
    return this.#listeners.add(nameOf(name), (event) => {
      const gatewayEvent = event as GatewayEvent<DataOf<Events, Name>>;
      return listener(gatewayEvent.detail, gatewayEvent) as void;
    }, options);
  }

  /**
   * Calls a listener with every event, after the listeners of the event's own name and whatever these stop. Nothing is
   * parsed for it: `type`, `shardId`, `sequence` and `payload` are at hand, `detail` parses.
   *
   * It is no part of the platform's dispatch: `event.currentTarget` is `null` meanwhile.
   *
   * @param listener Is called with the event. It may be async.
   * @param options A signal that removes it.
   * @returns What removes the listener when disposed.
   * @throws {TypeError} If the listener is not a function, or the signal none.
   *
   * @example
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const dispatcher = new Dispatcher();
   * const names: string[] = [];
   * dispatcher.listenAll((event) => names.push(event.type));
   * dispatcher.dispatch("READY", {});
   * dispatcher.dispatch("GUILD_CREATE", {});
   * assertEquals(names, ["READY", "GUILD_CREATE"]);
   * ```
   */
  listenAll(listener: (event: GatewayEvent) => unknown, options: DispatcherWaitOptions = {}): Disposable {
    checkFunction("listen: the listener", listener);
    return this.#listeners.add(null, (event) => listener(event as GatewayEvent) as void, options);
  }

  /**
   * Waits for an event of a name.
   *
   * @param name The event's name, or an opcode.
   * @param check Tells whether this is the one, at once; without it the first is. If it throws, the promise rejects with
   * the error.
   * @param options A signal that ends the wait.
   * @returns The data of the first event that passes. It rejects with the reason of the signal, or of the owner's.
   * @throws {TypeError} Rejects if something has another type, or the check is async.
   *
   * @example
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const dispatcher = new Dispatcher<{ disconnect: number }>();
   * const code = dispatcher.waitFor("disconnect", (code) => code >= 4000);
   * dispatcher.dispatch("disconnect", 1001);
   * dispatcher.dispatch("disconnect", 4009);
   * assertEquals(await code, 4009);
   * ```
   */
  waitFor<Name extends EventName<Events>>(
    name: Name,
    check?: (data: DataOf<Events, Name>, event: GatewayEvent<DataOf<Events, Name>>) => boolean,
    options: DispatcherWaitOptions = {},
  ): Promise<DataOf<Events, Name>> {
    return waitForEvent({
      subscribe: (listener, options) => this.listen(name, listener, options),
      check,
      options,
      owner: this.signal,
    });
  }

  /**
   * Iterates over the data of the events of a name, from this call on (not from the first `next()`).
   *
   * Leaving the loop unsubscribes. An event counts as handled when the loop comes back for the next one. The signal ends
   * the iteration with its reason, at once; the owner's end does so after what is queued. What is queued then does not
   * count as handled, so that another process has it delivered again; where the owner starts again itself, what no loop
   * is taking out is given up.
   *
   * @param name The event's name, or an opcode.
   * @param options A signal that ends it, and how many events may wait.
   * @returns The iterator.
   * @throws {TypeError} If something has another type.
   * @throws {RangeError} If `highWaterMark` is not a positive integer (or `Infinity`).
   *
   * @example
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const dispatcher = new Dispatcher<{ count: number }>();
   * const counts = dispatcher.events("count");
   * for (const count of [1, 2, 3]) dispatcher.dispatch("count", count);
   * let sum = 0;
   * for await (const count of counts) {
   *   sum += count;
   *   if (count === 3) break;
   * }
   * assertEquals(sum, 6);
   * ```
   */
  events<Name extends EventName<Events>>(
    name: Name,
    options: EventsOptions = {},
  ): AsyncIterableIterator<DataOf<Events, Name>> {
    checkOptions("iterate", options);
    const { highWaterMark = 10_000, signal } = options;
    const iterating = new AbortController();
    const iterator = new EventIterator<DataOf<Events, Name>>({ highWaterMark, unsubscribe: () => iterating.abort() });
    onAbort(signal, (reason) => iterator.abort(reason, (giveUp) => this.#giveUp(giveUp)), iterating.signal);
    onAbort(this.signal, (reason) => {
      iterator.fail(reason);
      if (!iterator.isEmpty) this.#forgone.push(() => iterator.abandon());
    }, iterating.signal);
    this.listen(name, (_data, event) => iterator.push(event), { signal: iterating.signal });
    return iterator;
  }

  /**
   * Dispatches data under a name, here and at the parents: it is made into a {@linkcode GatewayEvent} without a payload.
   *
   * @param name The event's name, or an opcode.
   * @param data The data.
   * @throws {TypeError} If the name is none.
   *
   * @example
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const parent = new Dispatcher<{ greeting: string }>();
   * const dispatcher = new Dispatcher({ parent });
   * const heard: string[] = [];
   * parent.listen("greeting", (data) => heard.push(data));
   * dispatcher.dispatch("greeting", "hello");
   * assertEquals(heard, ["hello"]);
   * ```
   */
  dispatch<Name extends EventName<Events>>(name: Name, data: DataOf<Events, Name>): void {
    const type = nameOf(name);
    if (this.hasListeners(type)) this.emit(new GatewayEvent<unknown>(type, { detail: data }));
  }

  /**
   * Dispatches an event here and at the parents, passing by every dispatcher where nobody listens for it. Unlike
   * {@linkcode Dispatcher.dispatchEvent} it does not set the event's `target` there.
   *
   * @throws {DOMException} "InvalidStateError" if the event is being dispatched already.
   *
   * @example One event object at every level
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const dispatcher = new Dispatcher<{ greeting: string }>();
   * let heard = "";
   * dispatcher.addEventListener("greeting", ({ type }) => heard = type);
   * dispatcher.emit(new Event("greeting"));
   * assertEquals(heard, "greeting");
   * ```
   */
  emit(event: Event): void {
    if (this.#listeners.hasGeneral || this.#listeners.has(event.type)) this.#dispatchHere(event);
    // Looked up only now: a listener may have changed it.
    this.#parent?.emit(event);
  }

  /**
   * Whether an event of a name would reach any listener: one for the name or for all events, of this dispatcher or of
   * one above. Where it would not, there is no need to make the event.
   *
   * @example Nothing to make where nobody listens
   * ```ts
   * import { Dispatcher } from "@gangway/gateway";
   * import { assertEquals } from "@std/assert";
   *
   * const parent = new Dispatcher<{ greeting: string }>();
   * const dispatcher = new Dispatcher({ parent });
   * assertEquals(dispatcher.hasListeners("greeting"), false);
   * parent.listenAll(() => {});
   * assertEquals([dispatcher.hasListeners("greeting"), dispatcher.hasNamedListeners("greeting")], [true, false]);
   * ```
   */
  hasListeners(name: string | number): boolean {
    return this.#listeners.hasGeneral || this.#listeners.has(name) ||
      (this.#parent?.hasListeners(name) ?? false);
  }

  /** Like {@linkcode Dispatcher.hasListeners}, but what listens to all events does not count. */
  hasNamedListeners(name: string | number): boolean {
    return this.#listeners.has(name) || (this.#parent?.hasNamedListeners(name) ?? false);
  }

  /** Adds a listener, by the platform's rules. */
  override addEventListener(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#listeners.addByIdentity(type, callback, options);
  }

  /** Removes a listener that `addEventListener` added, by the platform's rules. */
  override removeEventListener(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void {
    this.#listeners.deleteByIdentity(type, callback, options);
  }

  /**
   * Dispatches an event by the platform's rules, then at the parents.
   *
   * @returns Whether no listener prevented the default.
   */
  override dispatchEvent(event: Event): boolean {
    this.#dispatchHere(event);
    this.#parent?.emit(event);
    return !event.defaultPrevented;
  }

  /** Nobody has seen these events: after the owner's end they are to be delivered again, unless it starts again. */
  #giveUp(giveUp: () => void): void {
    if (this.signal?.aborted) this.#forgone.push(giveUp);
    else giveUp();
  }

  #dispatchHere(event: Event): void {
    enter(event, this.#report);
    try {
      super.dispatchEvent(event);
      if (this.#listeners.hasGeneral) this.#listeners.callGeneral(event);
    } finally {
      release(event);
    }
  }
}

function nameOf(name: unknown): string {
  if (typeof name !== "string" && typeof name !== "number") {
    refuse("use an event: its name", "a string or an opcode", name);
  }
  return String(name);
}
