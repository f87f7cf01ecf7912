import { checkObject, checkSignal } from "./check.ts";
import { track } from "./gateway_event.ts";
import type { OnListenerError } from "./listener_error.ts";

/** How a listener is registered. */
export interface RegistrationOptions {
  /** Part of a listener's identity on the platform; without a tree of targets it has no other effect. */
  capture?: boolean | undefined;
  /** Removed before its first call. */
  once?: boolean | undefined;
  /** Cannot prevent the default. */
  passive?: boolean | undefined;
  /** Removed when it aborts. */
  signal?: AbortSignal | undefined;
}

// The dispatcher overrides these: the registry needs the platform's own.
const { addEventListener, removeEventListener } = EventTarget.prototype;

/**
 * The listeners of one dispatcher, by name, and those of every name.
 *
 * What the platform gets to see is a stand-in for the user's callback (a {@linkcode Registration}), so that a failure
 * ends in a report: a throw in a bare listener ends the process on Deno and makes Bun exit with 1. `once` and `signal`
 * are performed here as well, so that the count per name, which decides whether a message is parsed, stays true.
 */
export class ListenerRegistry {
  readonly #target: EventTarget;
  readonly #report: OnListenerError;
  readonly #named = new Map<string, Set<Registration>>();
  // Replaced, never changed: who is added during a dispatch is not called in it, as on the platform.
  #general: readonly Registration[] = [];

  /** Keeps the listeners of a target; failures go to the report, which must not throw. */
  constructor(target: EventTarget, report: OnListenerError) {
    this.#target = target;
    this.#report = report;
  }

  /** Whether a listener for just this name is registered. */
  hasNamed(name: string): boolean {
    return this.#named.has(name);
  }

  /** Whether a listener for every name is registered. */
  get hasGeneral(): boolean {
    return this.#general.length > 0;
  }

  /** Adds a listener for one name without looking for duplicates. */
  add(name: string, callback: EventListenerOrEventListenerObject, options: RegistrationOptions): Registration {
    checkObject("listen: the options", options);
    const registration = new Registration(this, name, callback, options);
    if (options.signal?.aborted) return registration;
    const registrations = this.#named.get(name);
    if (registrations === undefined) this.#named.set(name, new Set([registration]));
    else registrations.add(registration);
    const { capture = false, passive = false } = options;
    addEventListener.call(this.#target, name, registration, { capture, passive });
    return registration;
  }

  /** Adds a listener for every name. */
  addGeneral(callback: EventListenerOrEventListenerObject, options: RegistrationOptions): Registration {
    checkObject("listen: the options", options);
    const registration = new Registration(this, null, callback, options);
    if (!options.signal?.aborted) this.#general = [...this.#general, registration];
    return registration;
  }

  /** Adds a listener unless it is there already, as `addEventListener` does. */
  addByIdentity(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options: boolean | AddEventListenerOptions | undefined,
  ): void {
    const name = String(type);
    const { capture = false, once = false, passive = false, signal } = normalize(options);
    if (!isCallback(callback, name) || this.#find(name, callback, capture) !== undefined) return;
    this.add(name, callback, { capture, once, passive, signal });
  }

  /** Removes the listener that `addEventListener` was given with the same arguments. */
  deleteByIdentity(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options: boolean | EventListenerOptions | undefined,
  ): void {
    const name = String(type);
    const { capture = false } = normalize(options);
    if (isCallback(callback, name)) this.#find(name, callback, capture)?.[Symbol.dispose]();
  }

  /** Takes a listener out; one that is not there is left alone. */
  delete(registration: Registration): void {
    const { name, capture } = registration;
    if (name === null) {
      this.#general = this.#general.filter((other) => other !== registration);
      return;
    }
    const registrations = this.#named.get(name);
    if (!registrations?.delete(registration)) return;
    if (registrations.size === 0) this.#named.delete(name);
    removeEventListener.call(this.#target, name, registration, { capture });
  }

  #find(name: string, callback: EventListenerOrEventListenerObject, capture: boolean): Registration | undefined {
    for (const registration of this.#named.get(name) ?? []) {
      if (registration.callback === callback && registration.capture === capture) return registration;
    }
    return undefined;
  }

  /** Calls the listeners for every name. One that is removed meanwhile is not called any more, as on the platform. */
  callGeneral(event: Event): void {
    const registrations = this.#general;
    for (const registration of registrations) {
      if (registrations === this.#general || this.#general.includes(registration)) registration.handleEvent(event);
    }
    if (event.cancelBubble) unstop(event);
  }

  /** Calls a user's callback as the platform would, except that failures are reported and promises followed. */
  call(callback: EventListenerOrEventListenerObject, event: Event): void {
    try {
      const result: unknown = typeof callback === "function"
        ? callback.call(this.#target, event)
        : callback.handleEvent(event);
      if (isPromiseLike(result)) track(event, result, this.#report);
    } catch (error) {
      this.#report(error, event);
    }
  }
}

/** One listener as the platform sees it. */
export class Registration implements EventListenerObject, Disposable {
  readonly #registry: ListenerRegistry;
  /** The event's name, or `null` for all. */
  readonly name: string | null;
  /** The user's callback. */
  readonly callback: EventListenerOrEventListenerObject;
  /** Whether it was added for the capture phase. */
  readonly capture: boolean;
  readonly #once: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  /** Makes a registration and has the signal end it. */
  constructor(
    registry: ListenerRegistry,
    name: string | null,
    callback: EventListenerOrEventListenerObject,
    { capture = false, once = false, signal }: RegistrationOptions,
  ) {
    this.#registry = registry;
    this.name = name;
    this.callback = callback;
    this.capture = capture;
    this.#once = once;
    checkSignal("listen: the signal", signal);
    if (signal === undefined || signal.aborted) return;
    this.#signal = signal;
    this.#onAbort = () => this[Symbol.dispose]();
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Calls the user's callback. */
  handleEvent(event: Event): void {
    // The platform removes before it calls: a listener that dispatches the same name again is not called twice.
    if (this.#once) this[Symbol.dispose]();
    this.#registry.call(this.callback, event);
  }

  /** Removes the listener, and what it left on its signal, which may live much longer. */
  [Symbol.dispose](): void {
    this.#registry.delete(this);
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

/**
 * Takes off the mark that `stopPropagation` leaves when it is called outside of the platform's dispatch: nobody at the
 * parent would be called. The end of a dispatch takes it off, on Deno only where somebody listened.
 */
function unstop(event: Event): void {
  const target = new EventTarget();
  target.addEventListener(event.type, () => {});
  target.dispatchEvent(event);
}

/** A boolean in the place of the options is `capture`. */
function normalize(options: boolean | AddEventListenerOptions | null | undefined): AddEventListenerOptions {
  return typeof options === "object" && options !== null ? options : { capture: Boolean(options) };
}

/** `null` is ignored by the platform; what is no object at all is refused. */
function isCallback(callback: unknown, name: string): callback is EventListenerOrEventListenerObject {
  if (callback === null || callback === undefined) return false;
  if (typeof callback === "function" || typeof callback === "object") return true;
  throw new TypeError(`Cannot take ${typeof callback} for a listener of "${name}"`);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return value !== null && (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}
