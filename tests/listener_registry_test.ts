import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Dispatcher } from "../lib/dispatcher.ts";
import { test } from "./harness.ts";

/** A signal that tells how many abort listeners it has. */
function countedSignal(): { controller: AbortController; count: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  signal.addEventListener = (...args: unknown[]) => {
    listeners.add(args[1]);
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners.delete(args[1]);
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, count: () => listeners.size };
}

test("addEventListener ignores null and refuses what is no listener", () => {
  const dispatcher = new Dispatcher();
  dispatcher.addEventListener("x", null);
  dispatcher.removeEventListener("x", null);
  assertEquals(dispatcher.hasListeners("x"), false);
  for (const wrong of [1, "listener", true]) {
    assertThrows(() => dispatcher.addEventListener("x", wrong as unknown as null), TypeError);
    assertThrows(() => dispatcher.removeEventListener("x", wrong as unknown as null), TypeError);
  }
  assertThrows(() => dispatcher.addEventListener("x", () => {}, { signal: {} as AbortSignal }), TypeError);
});

test("addEventListener calls functions with this as the dispatcher and objects with this as the object", () => {
  const dispatcher = new Dispatcher();
  const seen: unknown[] = [];
  dispatcher.addEventListener("x", function (this: unknown, event) {
    seen.push(this, event.target, event.currentTarget);
  });
  const object = {
    handleEvent(this: unknown) {
      seen.push(this);
    },
  };
  dispatcher.addEventListener("x", object);
  dispatcher.dispatchEvent(new Event("x"));
  assertEquals(seen.length, 4);
  for (const target of seen.slice(0, 3)) assertStrictEquals(target, dispatcher);
  assertStrictEquals(seen[3], object);
});

test("addEventListener looks handleEvent up at the call", () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error) => failures.push(error) });
  const calls: string[] = [];
  const object: EventListenerObject = { handleEvent: () => void calls.push("old") };
  dispatcher.addEventListener("x", object);
  object.handleEvent = () => void calls.push("new");
  dispatcher.dispatchEvent(new Event("x"));
  assertEquals(calls, ["new"]);
  object.handleEvent = 1 as unknown as () => void;
  dispatcher.dispatchEvent(new Event("x"));
  assertEquals(failures.map((error) => error instanceof TypeError), [true]);
});

test("addEventListener with a signal that has aborted does nothing", () => {
  const dispatcher = new Dispatcher();
  dispatcher.addEventListener("x", () => {}, { signal: AbortSignal.abort() });
  dispatcher.listen("x", () => {}, { signal: AbortSignal.abort() });
  dispatcher.listenAll(() => {}, { signal: AbortSignal.abort() });
  assertEquals(dispatcher.hasListeners("x"), false);
});

test("a passive listener cannot prevent the default", () => {
  const dispatcher = new Dispatcher();
  dispatcher.addEventListener("x", (event) => event.preventDefault(), { passive: true });
  assertEquals(dispatcher.dispatchEvent(new Event("x", { cancelable: true })), true);
});

test("a listener leaves nothing on its signal, however it goes", () => {
  const { controller, count } = countedSignal();
  const { signal } = controller;
  const dispatcher = new Dispatcher();
  const listener = () => {};
  dispatcher.addEventListener("x", listener, { signal });
  dispatcher.addEventListener("x", listener, { signal });
  assertEquals(count(), 1);
  dispatcher.removeEventListener("x", listener);
  assertEquals(count(), 0);
  dispatcher.addEventListener("x", listener, { signal, once: true });
  dispatcher.dispatchEvent(new Event("x"));
  assertEquals(count(), 0);
  dispatcher.listen("x", listener, { signal })[Symbol.dispose]();
  dispatcher.listenAll(listener, { signal })[Symbol.dispose]();
  assertEquals(count(), 0);
  assertEquals(dispatcher.hasListeners("x"), false);
});

test("a signal that aborts removes every kind of listener", () => {
  const { signal, abort } = withAbort();
  const dispatcher = new Dispatcher();
  let calls = 0;
  dispatcher.addEventListener("x", () => calls++, { signal });
  dispatcher.listen("x", () => calls++, { signal });
  dispatcher.listenAll(() => calls++, { signal });
  dispatcher.dispatch("x", null);
  abort();
  assertEquals([dispatcher.hasListeners("x"), dispatcher.hasNamedListeners("x")], [false, false]);
  dispatcher.dispatchEvent(new Event("x"));
  assertEquals(calls, 3);
});

function withAbort(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

// What follows drives a dispatcher and a plain EventTarget with the same random operations.

const NAMES = ["a", "b"] as const;
const CALLBACKS = ["log", "logObject", "remove", "add", "stop", "prevent", "nest", "abort"] as const;
const SIGNALS = 3;

type Name = typeof NAMES[number];
type CallbackName = typeof CALLBACKS[number];
type Operation =
  | {
    kind: "add";
    name: Name;
    callback: CallbackName;
    options: undefined | boolean | { capture: boolean; once: boolean; signal: number | null };
  }
  | { kind: "remove"; name: Name; callback: CallbackName; capture: boolean }
  | { kind: "abort"; signal: number }
  | { kind: "dispatch"; name: Name };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: addOperation() },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("remove" as const),
      name: fc.constantFrom(...NAMES),
      callback: fc.constantFrom(...CALLBACKS),
      capture: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("abort" as const), signal: fc.nat(SIGNALS - 1) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("dispatch" as const), name: fc.constantFrom(...NAMES) }) },
);

function addOperation(): fc.Arbitrary<Operation> {
  return fc.record({
    kind: fc.constant("add" as const),
    name: fc.constantFrom(...NAMES),
    callback: fc.constantFrom(...CALLBACKS),
    options: fc.oneof(
      fc.constant(undefined),
      fc.boolean(),
      fc.record({
        capture: fc.boolean(),
        once: fc.boolean(),
        signal: fc.option(fc.nat(SIGNALS - 1)),
      }),
    ),
  });
}

/** Performs operations on a target and records who was called and what dispatches returned. */
class Driver {
  readonly log: string[] = [];
  readonly #target: EventTarget;
  readonly #controllers = Array.from({ length: SIGNALS }, () => new AbortController());
  readonly #callbacks: Record<CallbackName, EventListenerOrEventListenerObject>;
  #depth = 0;

  constructor(target: EventTarget, afterCall: () => void = () => {}) {
    this.#target = target;
    const called = (name: CallbackName, event: Event, then: () => void = () => {}) => {
      this.log.push(`${name} gets ${event.type}`);
      assertStrictEquals(event.currentTarget, target);
      then();
      afterCall();
    };
    const log: EventListener = (event) => called("log", event);
    this.#callbacks = {
      log,
      logObject: { handleEvent: (event: Event) => called("logObject", event) },
      remove: (event) => called("remove", event, () => target.removeEventListener(event.type, log)),
      add: (event) => called("add", event, () => target.addEventListener(event.type, log)),
      stop: (event) => called("stop", event, () => event.stopImmediatePropagation()),
      prevent: (event) => called("prevent", event, () => event.preventDefault()),
      nest: (event) => called("nest", event, () => this.#depth < 3 && this.#dispatch(event.type === "a" ? "b" : "a")),
      abort: (event) => called("abort", event, () => this.#controllers[0]!.abort()),
    };
  }

  perform(operation: Operation): void {
    switch (operation.kind) {
      case "add": {
        const { name, callback, options } = operation;
        if (typeof options !== "object") return this.#target.addEventListener(name, this.#callbacks[callback], options);
        const { signal, ...rest } = options;
        const controller = signal === null ? undefined : this.#controllers[signal]!;
        return this.#target.addEventListener(
          name,
          this.#callbacks[callback],
          controller === undefined ? rest : { ...rest, signal: controller.signal },
        );
      }
      case "remove":
        return this.#target.removeEventListener(operation.name, this.#callbacks[operation.callback], operation.capture);
      case "abort":
        return this.#controllers[operation.signal]!.abort();
      case "dispatch":
        return this.#dispatch(operation.name);
    }
  }

  #dispatch(name: Name): void {
    this.#depth++;
    this.log.push(`${name} returned ${this.#target.dispatchEvent(new Event(name, { cancelable: true }))}`);
    this.#depth--;
  }
}

test("Dispatcher calls the same listeners as a plain EventTarget after any operations", () => {
  let calls = 0;
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40, size: "max" }), (operations) => {
      const plain = new Driver(new EventTarget());
      const dispatcher = new Dispatcher();
      const ours = new Driver(dispatcher);
      for (const operation of operations) {
        const before = ours.log.length;
        const heard = operation.kind === "dispatch" && dispatcher.hasListeners(operation.name);
        plain.perform(operation);
        ours.perform(operation);
        assertEquals(ours.log, plain.log);
        // The count of listeners is right, not only high enough.
        if (operation.kind === "dispatch") assertEquals(heard, ours.log.length > before + 1);
      }
      calls += plain.log.length;
    }),
    { numRuns: 2000 },
  );
  assert(calls > 10_000, `Too few calls to mean anything: ${calls}`);
});

test("Dispatcher calls the same listeners although every one of them throws", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40, size: "max" }), (operations) => {
      const plain = new Driver(new EventTarget());
      let failures = 0;
      const ours = new Driver(new Dispatcher({ onListenerError: () => void failures++ }), () => {
        throw new Error("listener");
      });
      for (const operation of operations) {
        plain.perform(operation);
        ours.perform(operation);
      }
      assertEquals(ours.log, plain.log);
      assertEquals(failures, plain.log.filter((line) => line.includes("gets")).length);
    }),
    { numRuns: 500 },
  );
});
