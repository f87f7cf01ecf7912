import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { Dispatcher } from "../lib/dispatcher.ts";
import { GatewayEvent } from "../lib/gateway_event.ts";
import { test } from "./harness.ts";

test("Dispatcher.listen is called with the data and the event until it is disposed", () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const seen: [number, GatewayEvent<number>][] = [];
  const listener = dispatcher.listen("x", (data, event) => seen.push([data, event]));
  dispatcher.dispatch("x", 1);
  listener[Symbol.dispose]();
  listener[Symbol.dispose]();
  dispatcher.dispatch("x", 2);
  assertEquals(seen.map(([data]) => data), [1]);
  assert(seen[0]![1] instanceof GatewayEvent);
  assertEquals([seen[0]![1].type, seen[0]![1].detail], ["x", 1]);
});

test("Dispatcher.listen adds a listener of its own with each call", () => {
  const dispatcher = new Dispatcher();
  let calls = 0;
  const listener = () => calls++;
  const first = dispatcher.listen("x", listener);
  dispatcher.listen("x", listener);
  dispatcher.dispatch("x", null);
  assertEquals(calls, 2);
  first[Symbol.dispose]();
  dispatcher.removeEventListener("x", listener);
  dispatcher.dispatch("x", null);
  assertEquals(calls, 3);
});

test("Dispatcher.listen with once is called once, also when it dispatches the same name", () => {
  const dispatcher = new Dispatcher();
  let calls = 0;
  dispatcher.listen("x", () => {
    calls++;
    dispatcher.dispatch("x", null);
  }, { once: true });
  dispatcher.dispatch("x", null);
  assertEquals(calls, 1);
  assertEquals(dispatcher.hasListeners("x"), false);
});

test("Dispatcher.listen and listenAll refuse what is no function", () => {
  const dispatcher = new Dispatcher();
  const wrong = {} as () => void;
  assertThrows(() => dispatcher.listen("x", wrong), TypeError, "the listener must be a function, received an object");
  assertThrows(() => dispatcher.listenAll(wrong), TypeError);
});

test("Dispatcher.listen gets the detail of any event that has one", () => {
  const dispatcher = new Dispatcher();
  const seen: unknown[] = [];
  dispatcher.listen("x", (data) => seen.push(data));
  dispatcher.dispatchEvent(new CustomEvent("x", { detail: 1 }));
  dispatcher.dispatchEvent(new Event("x"));
  assertEquals(seen, [1, undefined]);
});

test("Dispatcher.listenAll sees every event without parsing it", () => {
  const dispatcher = new Dispatcher();
  const seen: unknown[] = [];
  dispatcher.listenAll((event) => seen.push(event.type, event.sequence, event.payload.length));
  dispatcher.emit(new GatewayEvent("READY", { sequence: 1, payload: "no JSON" }));
  dispatcher.dispatchEvent(new GatewayEvent("RESUMED", { sequence: 2, payload: "" }));
  assertEquals(seen, ["READY", 1, 7, "RESUMED", 2, 0]);
});

test("Dispatcher.listenAll comes after the name's listeners, whatever they stop", () => {
  const dispatcher = new Dispatcher();
  const calls: string[] = [];
  dispatcher.listenAll(() => calls.push("all"));
  dispatcher.listen("x", (_data, event) => {
    calls.push("named");
    event.stopImmediatePropagation();
  });
  dispatcher.listen("x", () => calls.push("stopped"));
  dispatcher.dispatch("x", null);
  assertEquals(calls, ["named", "all"]);
});

test("Dispatcher.listenAll follows the platform when listeners come and go during a dispatch", () => {
  const dispatcher = new Dispatcher();
  const calls: string[] = [];
  dispatcher.listenAll(() => {
    calls.push("first");
    second[Symbol.dispose]();
    dispatcher.listenAll(() => calls.push("late"));
  });
  const second = dispatcher.listenAll(() => calls.push("second"));
  dispatcher.listenAll(() => calls.push("third"));
  dispatcher.dispatch("x", null);
  assertEquals(calls, ["first", "third"]);
});

test("Dispatcher.listenAll can wait for a promise", async () => {
  const dispatcher = new Dispatcher();
  let waited = false;
  dispatcher.listenAll((event) => {
    event.waitUntil(Promise.resolve().then(() => waited = true));
  });
  dispatcher.dispatch("x", null);
  await Promise.resolve();
  assertEquals(waited, true);
});

test("Dispatcher hands an event to its listeners, then to its parents, as one object", () => {
  const grandparent = new Dispatcher();
  const parent = new Dispatcher({ parent: grandparent });
  const child = new Dispatcher({ parent });
  const line = { grandparent, parent, child };
  const calls: string[] = [];
  const events = new Set<Event>();
  for (const [name, dispatcher] of Object.entries(line)) {
    dispatcher.addEventListener("x", (event) => {
      calls.push(name);
      events.add(event);
      assertStrictEquals(event.target, dispatcher);
      assertStrictEquals(event.currentTarget, dispatcher);
    });
    dispatcher.listenAll((event) => {
      calls.push(`${name}, all`);
      events.add(event);
    });
  }
  const order = ["child", "child, all", "parent", "parent, all", "grandparent", "grandparent, all"];
  child.dispatch("x", null);
  assertEquals(calls.splice(0), order);
  assertEquals(events.size, 1);
  child.emit(new GatewayEvent("x"));
  assertEquals(calls.splice(0), order);
  child.dispatchEvent(new Event("x"));
  assertEquals(calls.splice(0), order);
  parent.dispatch("x", null);
  assertEquals(calls, order.slice(2));
});

test("Dispatcher gives the parent what a child's listener stopped", () => {
  for (const stop of ["stopPropagation", "stopImmediatePropagation"] as const) {
    for (const method of ["listen", "listenAll"] as const) {
      for (const event of [new GatewayEvent("x"), new Event("x")]) {
        const parent = new Dispatcher();
        const child = new Dispatcher({ parent });
        if (method === "listen") child.listen("x", (_data, event) => event[stop]());
        else child.listenAll((event) => event[stop]());
        const calls: string[] = [];
        child.listen("x", () => calls.push("child"));
        parent.listen("x", () => calls.push("parent"));
        child.dispatchEvent(event);
        const stopped = method === "listen" && stop === "stopImmediatePropagation";
        assertEquals(calls, stopped ? ["parent"] : ["child", "parent"]);
      }
    }
  }
});

test("Dispatcher reaches a listener at the parent although nobody listens below", () => {
  const parent = new Dispatcher<{ x: number }>();
  const child = new Dispatcher({ parent: new Dispatcher({ parent }) });
  const seen: number[] = [];
  parent.listen("x", (data) => seen.push(data));
  child.dispatch("x", 1);
  child.emit(new GatewayEvent("x", { detail: 2 }));
  child.dispatchEvent(new GatewayEvent("x", { detail: 3 }));
  assertEquals(seen, [1, 2, 3]);
});

test("Dispatcher.parent can be attached and detached at any time, also by a listener", () => {
  const [old, next] = [new Dispatcher(), new Dispatcher()];
  const child = new Dispatcher();
  const calls: string[] = [];
  old.listen("x", () => calls.push("old"));
  next.listen("x", () => calls.push("next"));
  child.dispatch("x", null);
  child.parent = old;
  assertStrictEquals(child.parent, old);
  child.dispatch("x", null);
  child.listen("x", () => child.parent = next, { once: true });
  child.dispatch("x", null);
  child.parent = null;
  child.dispatch("x", null);
  assertEquals(calls, ["old", "next"]);
});

test("Dispatcher.parent refuses a line that comes round", () => {
  const grandparent = new Dispatcher();
  const parent = new Dispatcher({ parent: grandparent });
  assertThrows(() => parent.parent = parent, TypeError);
  const child = new Dispatcher({ parent });
  assertThrows(() => grandparent.parent = child, TypeError, "its own ancestor");
  assertStrictEquals(grandparent.parent, null);
});

test("Dispatcher.hasListeners knows of the name and of all, here and above", () => {
  const grandparent = new Dispatcher();
  const child = new Dispatcher({ parent: new Dispatcher({ parent: grandparent }) });
  function state(): boolean[] {
    return [child.hasListeners("x"), child.hasListeners("y"), child.hasNamedListeners("x")];
  }
  assertEquals(state(), [false, false, false]);
  for (const dispatcher of [child, grandparent]) {
    const named = dispatcher.listen("x", () => {});
    assertEquals(state(), [true, false, true]);
    const all = dispatcher.listenAll(() => {});
    assertEquals(state(), [true, true, true]);
    named[Symbol.dispose]();
    assertEquals(state(), [true, true, false]);
    all[Symbol.dispose]();
    assertEquals(state(), [false, false, false]);
  }
});

test("Dispatcher.dispatchEvent answers as the platform does", () => {
  const dispatcher = new Dispatcher({ parent: new Dispatcher() });
  const event = new Event("x", { cancelable: true });
  assertEquals(dispatcher.dispatchEvent(event), true);
  assertStrictEquals(event.target, dispatcher);
  dispatcher.parent!.addEventListener("x", (event) => event.preventDefault());
  assertEquals(dispatcher.dispatchEvent(new Event("x", { cancelable: true })), false);
  assertEquals(dispatcher.dispatchEvent(new Event("x")), true);
  for (const wrong of [{}, null, 1]) assertThrows(() => dispatcher.dispatchEvent(wrong as Event), TypeError);
});

test("Dispatcher refuses an event that is being dispatched, and goes on with it", () => {
  const failures: unknown[] = [];
  const parent = new Dispatcher();
  const dispatcher = new Dispatcher({ parent, onListenerError: (error) => failures.push(error) });
  const calls: string[] = [];
  dispatcher.listen("x", (_data, event) => {
    calls.push("child");
    dispatcher.dispatchEvent(event);
  });
  parent.listen("x", () => calls.push("parent"));
  dispatcher.dispatch("x", null);
  assertEquals(calls, ["child", "parent"]);
  assertEquals(failures.length, 1);
});

test("Dispatcher refuses arguments of another type, and rejects where it returns a promise", async () => {
  const dispatcher = new Dispatcher();
  const listener = () => {};
  for (const name of [Symbol("x"), 5n, null, undefined, {}] as never[]) {
    assertThrows(() => dispatcher.listen(name, listener), TypeError, "its name must be a string or an opcode");
    assertThrows(() => dispatcher.events(name), TypeError, "its name");
    assertThrows(() => dispatcher.dispatch(name, null), TypeError, "its name");
    await assertRejects(() => dispatcher.waitFor(name), TypeError, "its name");
  }
  for (const options of [null, 5, "once", { signal: 5 }, { signal: null }, { signal: {} }] as never[]) {
    assertThrows(() => dispatcher.listen("x", listener, options), TypeError);
    assertThrows(() => dispatcher.listenAll(listener, options), TypeError);
    assertThrows(() => dispatcher.events("x", options), TypeError);
    await assertRejects(() => dispatcher.waitFor("x", undefined, options), TypeError);
  }
  await assertRejects(() => dispatcher.waitFor("x", 5 as never), TypeError, "the check must be a function");
  assertThrows(() => dispatcher.events("x", { highWaterMark: "5" as never }), TypeError, "highWaterMark");
  assertEquals([dispatcher.hasListeners("x"), dispatcher.hasListeners("null")], [false, false]);
});

test("Dispatcher refuses options of another type when it is made", () => {
  for (const options of [null, 5, { parent: 5 }, { parent: new EventTarget() }, { onListenerError: 5 }] as never[]) {
    assertThrows(() => new Dispatcher(options), TypeError);
  }
  assertThrows(() => new Dispatcher().parent = {} as never, TypeError, "a Dispatcher");
});
