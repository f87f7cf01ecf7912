import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { delay } from "@std/async";
import { Dispatcher } from "../lib/dispatcher.ts";
import { test } from "./harness.ts";

test("Dispatcher.waitFor resolves with the first data, and stops listening at once", async () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const first = dispatcher.waitFor("x");
  dispatcher.dispatch("x", 1);
  assertEquals(dispatcher.hasListeners("x"), false);
  dispatcher.dispatch("x", 2);
  assertEquals(await first, 1);
});

test("Dispatcher.waitFor resolves with the first data that passes the check", async () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const types: string[] = [];
  const even = dispatcher.waitFor("x", (data, event) => {
    types.push(event.type);
    return data % 2 === 0;
  });
  for (const data of [1, 3, 4, 6]) dispatcher.dispatch("x", data);
  assertEquals(await even, 4);
  assertEquals(types, ["x", "x", "x"]);
});

test("Dispatcher.waitFor rejects with what the check throws, which is no listener failure", async () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error) => failures.push(error) });
  const waiting = dispatcher.waitFor("x", () => {
    throw new RangeError("check");
  });
  dispatcher.dispatch("x", null);
  await assertRejects(() => waiting, RangeError, "check");
  assertEquals(failures, []);
  assertEquals(dispatcher.hasListeners("x"), false);
});

test("Dispatcher.waitFor rejects with the reason of its signal", async () => {
  const dispatcher = new Dispatcher();
  const controller = new AbortController();
  const waiting = dispatcher.waitFor("x", undefined, { signal: controller.signal });
  controller.abort(new RangeError("enough"));
  assertEquals(dispatcher.hasListeners("x"), false);
  await assertRejects(() => waiting, RangeError, "enough");
  await assertRejects(() => dispatcher.waitFor("x", undefined, { signal: controller.signal }), RangeError, "enough");
});

test("Dispatcher.waitFor rejects with AbortError when its owner ends, and waits again under a new lifetime", async () => {
  const owner = new AbortController();
  const dispatcher = new Dispatcher<{ x: number }>({ signal: owner.signal });
  const waiting = dispatcher.waitFor("x");
  owner.abort();
  const error = await assertRejects(() => waiting, DOMException);
  assertEquals(error.name, "AbortError");
  await assertRejects(() => dispatcher.waitFor("x"), DOMException);
  assertEquals(dispatcher.hasListeners("x"), false);
  dispatcher.signal = new AbortController().signal;
  const again = dispatcher.waitFor("x");
  dispatcher.dispatch("x", 1);
  assertEquals(await again, 1);
});

test("Dispatcher.waitFor that nobody awaits does not end the process", async () => {
  const owner = new AbortController();
  new Dispatcher({ signal: owner.signal }).waitFor("x");
  owner.abort();
  await delay(0);
});

test("Dispatcher.waitFor gets an event that its own dispatch is caused by only once it listens", async () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const waits: Promise<number>[] = [];
  dispatcher.listen("x", () => waits.push(dispatcher.waitFor("x")), { once: true });
  dispatcher.dispatch("x", 1);
  dispatcher.dispatch("x", 2);
  assertEquals(await Promise.all(waits), [2]);
});

test("Dispatcher.waitFor on a parent sees the events of its children", async () => {
  const parent = new Dispatcher();
  const data = {};
  const waiting = parent.waitFor("x");
  new Dispatcher({ parent }).dispatch("x", data);
  assertStrictEquals(await waiting, data);
});
