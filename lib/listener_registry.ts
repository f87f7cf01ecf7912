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

/** One listener. */
interface Registration extends Disposable {
  /** What the platform sees of it: a function, which costs less to call than an object with a method. */
  readonly listener: (event: Event) => void;
  readonly callback: EventListenerOrEventListenerObject;
  readonly capture: boolean;
}

/**
 * The listeners of one dispatcher, by name, and the general ones of every name, which are added with the name `null`.
 *
 * What the platform gets to see is a stand-in for the user's callback (a {@linkcode Registration}), so that a failure
 * ends in a report: a throw in a bare listener ends the process on Deno and makes Bun exit with 1. `once` and `signal`
 * are performed here as well, so that the count per name, which decides whether a message is parsed, stays true.
 */
export class ListenerRegistry {
  readonly #target: EventTarget;
  readonly #report: OnListenerError;
  // Lists are replaced, never changed: who is added during a dispatch is not called in it, as on the platform.
  readonly #registrations = new Map<string, readonly Registration[]>();
  #general: readonly Registration[] = [];

  /** Keeps the listeners of a target; failures go to the report, which must not throw. */
  constructor(target: EventTarget, report: OnListenerError) {
    this.#target = target;
    this.#report = report;
  }

  /** Whether a listener for every name is registered. */
  get hasGeneral(): boolean {
    return this.#general.length > 0;
  }

  /** Whether a listener for just this name is registered. */
  has(name: string | number): boolean {
    return this.#registrations.size > 0 && this.#registrations.has(String(name));
  }

  /** Adds a listener without looking for duplicates. */
  add(
    name: string | null,
    callback: EventListenerOrEventListenerObject,
    options: RegistrationOptions,
  ): Disposable {
    checkObject("listen: the options", options);
    const { capture = false, once = false, passive = false, signal } = options;
    checkSignal("listen: the signal", signal);
    // What it leaves on its signal, which may live much longer, goes with it.
    const remove = () => {
      signal?.removeEventListener("abort", remove);
      this.#delete(name, registration);
    };
    const registration: Registration = {
      callback,
      capture,
      listener: (event) => {
        // The platform removes before it calls: a listener that dispatches the same name again is not called twice.
        if (once) remove();
        this.#call(callback, event);
      },
      [Symbol.dispose]: remove,
    };
    if (signal?.aborted) return registration;
    signal?.addEventListener("abort", remove, { once: true });
    this.#set(name, [...this.#get(name), registration]);
    if (name !== null) addEventListener.call(this.#target, name, registration.listener, { capture, passive });
    return registration;
  }

  /** Adds a listener unless it is there already, as `addEventListener` does. */
  addByIdentity(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options: boolean | AddEventListenerOptions | undefined,
  ): void {
    const name = String(type);
    const normalized = normalize(options);
    if (isCallback(callback, name) && !this.#find(name, callback, normalized)) this.add(name, callback, normalized);
  }

  /** Removes the listener that `addEventListener` was given with the same arguments. */
  deleteByIdentity(
    type: string,
    callback: EventListenerOrEventListenerObject | null,
    options: boolean | EventListenerOptions | undefined,
  ): void {
    const name = String(type);
    if (isCallback(callback, name)) this.#find(name, callback, normalize(options))?.[Symbol.dispose]();
  }

  /** Calls the listeners for every name. One that is removed meanwhile is not called any more, as on the platform. */
  callGeneral(event: Event): void {
    for (const registration of this.#general) {
      if (this.#general.includes(registration)) registration.listener(event);
    }
    if (event.cancelBubble) unstop(event);
  }

  #get(name: string | null): readonly Registration[] {
    return name === null ? this.#general : this.#registrations.get(name) ?? [];
  }

  #set(name: string | null, registrations: readonly Registration[]): void {
    if (name === null) this.#general = registrations;
    else if (registrations.length > 0) this.#registrations.set(name, registrations);
    else this.#registrations.delete(name);
  }

  #find(
    name: string,
    callback: EventListenerOrEventListenerObject,
    { capture = false }: EventListenerOptions,
  ): Registration | undefined {
    return this.#get(name).find((one) => one.callback === callback && one.capture === capture);
  }

  #delete(name: string | null, registration: Registration): void {
    this.#set(name, this.#get(name).filter((other) => other !== registration));
    const { listener, capture } = registration;
    if (name !== null) removeEventListener.call(this.#target, name, listener, { capture });
  }

  /** Calls a user's callback as the platform would, except that failures are reported and promises followed. */
  #call(callback: EventListenerOrEventListenerObject, event: Event): void {
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
