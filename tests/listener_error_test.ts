import { assertEquals, assertStrictEquals } from "@std/assert";
import { delay } from "@std/async";
import { Dispatcher } from "../lib/dispatcher.ts";
import { type ListenerErrorData, listenerErrorTo } from "../lib/listener_error.ts";
import { test } from "./harness.ts";

type LifecycleEvents = { listener_error: ListenerErrorData; ready: null };

/** Collects what is printed while the body runs. */
async function printed(body: () => unknown): Promise<unknown[]> {
  const lines: unknown[] = [];
  const error = Reflect.get(console, "error");
  Reflect.set(console, "error", (...args: unknown[]) => lines.push(args.at(-1)));
  try {
    await body();
    await delay(0);
  } finally {
    Reflect.set(console, "error", error);
  }
  return lines;
}

test("Dispatcher reports what listeners throw and reject with, and calls all the others", async () => {
  const failures: [unknown, string][] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error, event) => failures.push([error, event.type]) });
  const calls: number[] = [];
  dispatcher.listen("x", () => {
    throw 1;
  });
  dispatcher.listen("x", () => calls.push(1));
  dispatcher.listen("x", () => Promise.reject(2));
  dispatcher.addEventListener("x", () => Promise.reject(3));
  dispatcher.addEventListener("x", {
    handleEvent() {
      throw 4;
    },
  });
  dispatcher.listenAll(() => {
    throw 5;
  });
  dispatcher.listenAll(() => Promise.reject(6));
  dispatcher.listenAll(() => calls.push(2));
  dispatcher.dispatch("x", null);
  assertEquals(calls, [1, 2]);
  await delay(0);
  assertEquals(failures, [[1, "x"], [4, "x"], [5, "x"], [2, "x"], [3, "x"], [6, "x"]]);
});

test("Dispatcher reports the rejections of listeners to plain events as well", async () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error) => failures.push(error) });
  dispatcher.addEventListener("x", () => Promise.reject(1));
  dispatcher.dispatchEvent(new Event("x"));
  await delay(0);
  assertEquals(failures, [1]);
});

test("Dispatcher reports a thenable whose then throws", () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error) => failures.push(error) });
  dispatcher.listen("x", () => ({
    get then() {
      throw 1;
    },
  }));
  dispatcher.dispatch("x", null);
  assertEquals(failures, [1]);
});

test("a parent reports the failures of its own listeners, a child those of its own", () => {
  const failures: string[] = [];
  const parent = new Dispatcher({ onListenerError: (error) => failures.push(`parent: ${error}`) });
  const child = new Dispatcher({ parent, onListenerError: (error) => failures.push(`child: ${error}`) });
  child.listen("x", () => {
    throw 1;
  });
  parent.listen("x", () => {
    throw 2;
  });
  child.dispatch("x", null);
  assertEquals(failures, ["child: 1", "parent: 2"]);
});

test("Dispatcher without onListenerError prints failures", async () => {
  const dispatcher = new Dispatcher();
  dispatcher.listen("x", () => {
    throw 1;
  });
  dispatcher.listen("x", () => Promise.reject(2));
  assertEquals(await printed(() => dispatcher.dispatch("x", null)), [1, 2]);
});

test("Dispatcher prints the failure of onListenerError together with what it was told", async () => {
  const throwing = new Dispatcher({
    onListenerError: () => {
      throw 2;
    },
  });
  const rejecting = new Dispatcher({ onListenerError: () => Promise.reject(2) as unknown as void });
  for (const dispatcher of [throwing, rejecting]) {
    dispatcher.listen("x", () => {
      throw 1;
    });
    assertEquals(await printed(() => dispatcher.dispatch("x", null)), [1, 2]);
  }
});

test("listenerErrorTo turns failures into listener_error", async () => {
  const parent = new Dispatcher<LifecycleEvents>();
  const lifecycle = new Dispatcher<LifecycleEvents>({ parent });
  const events = new Dispatcher({ onListenerError: listenerErrorTo(lifecycle) });
  const reports: ListenerErrorData[] = [];
  parent.listen("listener_error", (data) => reports.push(data));
  let failed: Event | undefined;
  events.listen("x", (_data, event) => {
    failed = event;
    throw 1;
  });
  assertEquals(await printed(() => events.dispatch("x", null)), []);
  assertEquals(reports.map(({ error }) => error), [1]);
  assertStrictEquals(reports[0]?.event, failed);
});

test("listenerErrorTo prints where nobody listens by that name", async () => {
  const lifecycle = new Dispatcher<LifecycleEvents>();
  const events = new Dispatcher({ onListenerError: listenerErrorTo(lifecycle) });
  events.listen("x", () => {
    throw 1;
  });
  assertEquals(await printed(() => events.dispatch("x", null)), [1]);
  const seen: string[] = [];
  lifecycle.listenAll((event) => seen.push(event.type));
  assertEquals(await printed(() => events.dispatch("x", null)), [1]);
  assertEquals(seen, []);
});

test("listenerErrorTo prints a failing listener_error listener and does not call it again", async () => {
  let calls = 0;
  const lifecycle: Dispatcher<LifecycleEvents> = new Dispatcher({
    onListenerError: (error, event) => listenerErrorTo(lifecycle)(error, event),
  });
  lifecycle.listen("listener_error", () => {
    calls++;
    throw 2;
  });
  lifecycle.listen("listener_error", () => Promise.reject(3));
  lifecycle.listen("ready", () => {
    throw 1;
  });
  assertEquals(await printed(() => lifecycle.dispatch("ready", null)), [2, 3]);
  assertEquals(calls, 1);
});
