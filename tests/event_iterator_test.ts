import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { Dispatcher } from "../lib/dispatcher.ts";
import { GatewayEvent, settlement } from "../lib/gateway_event.ts";
import { test } from "./harness.ts";

test("Dispatcher.events subscribes at the call and unsubscribes when the loop is left", async () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const events = dispatcher.events("x");
  for (const data of [1, 2, 3]) dispatcher.dispatch("x", data);
  const seen: number[] = [];
  for await (const data of events) {
    seen.push(data);
    if (data === 2) break;
  }
  assertEquals(seen, [1, 2]);
  assertEquals(dispatcher.hasListeners("x"), false);
  assertEquals(await events.next(), { done: true, value: undefined });
});

test("Dispatcher.events hands events to who waits already, in order", async () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const events = dispatcher.events("x");
  const results = [events.next(), events.next()];
  for (const data of [1, 2, 3]) dispatcher.dispatch("x", data);
  results.push(events.next(), events.next());
  await events.return?.();
  assertEquals(await Promise.all(results), [
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: false, value: 3 },
    { done: true, value: undefined },
  ]);
});

test("Dispatcher.events ends with the reason of its signal at once", async () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const controller = new AbortController();
  const events = dispatcher.events("x", { signal: controller.signal });
  dispatcher.dispatch("x", 1);
  controller.abort(new RangeError("enough"));
  assertEquals(dispatcher.hasListeners("x"), false);
  await assertRejects(() => events.next(), RangeError, "enough");
  assertEquals((await events.next()).done, true);
  await assertRejects(() => dispatcher.events("x", { signal: controller.signal }).next(), RangeError, "enough");
});

test("Dispatcher.events ends with the reason of its signal for who waits", async () => {
  const controller = new AbortController();
  const events = new Dispatcher().events("x", { signal: controller.signal });
  const waiting = [events.next(), events.next()];
  controller.abort(new RangeError("enough"));
  for (const promise of waiting) await assertRejects(() => promise, RangeError, "enough");
  assertEquals((await events.next()).done, true);
});

test("Dispatcher.events yields what is queued before it ends with its owner", async () => {
  const owner = new AbortController();
  const dispatcher = new Dispatcher<{ x: number }>({ signal: owner.signal });
  const events = dispatcher.events("x");
  dispatcher.dispatch("x", 1);
  owner.abort();
  dispatcher.dispatch("x", 2);
  assertEquals(await events.next(), { done: false, value: 1 });
  const error = await assertRejects(() => events.next(), DOMException);
  assertEquals(error.name, "AbortError");
});

test("Dispatcher.events that was left does not fail any more", async () => {
  const controller = new AbortController();
  const events = new Dispatcher().events("x", { signal: controller.signal });
  controller.abort();
  assertEquals(await events.return?.(1), { done: true, value: 1 });
  assertEquals(await events.next(), { done: true, value: undefined });
});

test("Dispatcher.events that is abandoned does not end the process when its owner ends", async () => {
  const owner = new AbortController();
  const dispatcher = new Dispatcher({ signal: owner.signal });
  dispatcher.events("x");
  dispatcher.events("x").next();
  owner.abort();
  await delay(0);
  assertEquals(dispatcher.hasListeners("x"), false);
});

test("Dispatcher.events fails once more wait than highWaterMark, after what waits", async () => {
  const dispatcher = new Dispatcher<{ x: number }>();
  const events = dispatcher.events("x", { highWaterMark: 2 });
  for (const data of [1, 2, 3, 4]) dispatcher.dispatch("x", data);
  assertEquals(dispatcher.hasListeners("x"), false);
  assertEquals(await events.next(), { done: false, value: 1 });
  assertEquals(await events.next(), { done: false, value: 2 });
  const error = await assertRejects(() => events.next(), RangeError);
  assertEquals(
    (error as Error).message,
    'Cannot keep more events: 2 of "x" wait (highWaterMark)',
  );
});

test("Dispatcher.events refuses a highWaterMark that is no positive integer", () => {
  const dispatcher = new Dispatcher();
  for (const highWaterMark of [0, -1, 1.5, NaN]) {
    assertThrows(() => dispatcher.events("x", { highWaterMark }), RangeError);
  }
  assertEquals(dispatcher.hasListeners("x"), false);
  dispatcher.events("x", { highWaterMark: Infinity }).return?.();
});

test("Dispatcher.events counts an event as handled when the loop comes back", async () => {
  const dispatcher = new Dispatcher();
  const events = dispatcher.events("x");
  const [first, second] = [new GatewayEvent("x", { detail: 1 }), new GatewayEvent("x", { detail: 2 })];
  dispatcher.emit(first);
  dispatcher.emit(second);
  await events.next();
  assert(settlement(first) !== undefined);
  await events.next();
  assertStrictEquals(settlement(first), undefined);
  assert(settlement(second) !== undefined);
  const waiting = events.next();
  assertStrictEquals(settlement(second), undefined);
  const third = new GatewayEvent("x", { detail: 3 });
  dispatcher.emit(third);
  await waiting;
  assert(settlement(third) !== undefined);
  await events.return?.();
  assertStrictEquals(settlement(third), undefined);
});

test("Dispatcher.events gives up what is queued on return and on its signal", async () => {
  const dispatcher = new Dispatcher();
  const controller = new AbortController();
  const returned = dispatcher.events("x");
  dispatcher.events("x", { signal: controller.signal });
  const event = new GatewayEvent("x");
  dispatcher.emit(event);
  const settled = settlement(event);
  await returned.return?.();
  assert(settlement(event) !== undefined);
  controller.abort();
  await settled;
  assertStrictEquals(settlement(event), undefined);
});

test("Dispatcher.events that is ended together with its owner leaves what is queued unhandled", async () => {
  for (const isFirst of [true, false]) {
    const [owner, controller] = [new AbortController(), new AbortController()];
    const dispatcher = new Dispatcher({ signal: owner.signal });
    const events = dispatcher.events("x", { signal: controller.signal });
    const event = new GatewayEvent("x");
    dispatcher.emit(event);
    for (const one of isFirst ? [controller, owner] : [owner, controller]) one.abort();
    await delay(0);
    assert(settlement(event) !== undefined);
    await events.return?.();
  }
});

test("Dispatcher.events leaves a message that cannot be parsed to onListenerError and goes on", async () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error) => failures.push(error) });
  const events = dispatcher.events("x");
  dispatcher.emit(new GatewayEvent("x", { payload: "no JSON" }));
  dispatcher.dispatch("x", 1);
  assertEquals(await events.next(), { done: false, value: 1 });
  assertEquals(failures.map((error) => error instanceof SyntaxError), [true]);
  await events.return?.();
});

test("Dispatcher.events gives up what nobody took once its owner starts again, and not what a loop works through", async () => {
  const owner = new AbortController();
  const dispatcher = new Dispatcher({ signal: owner.signal });
  const controller = new AbortController();
  dispatcher.events("x");
  dispatcher.events("x", { signal: controller.signal });
  const worked = dispatcher.events("y");
  const [untaken, ...taken] = ["x", "y", "y"].map((type) => new GatewayEvent(type));
  for (const event of [untaken, ...taken]) dispatcher.emit(event as GatewayEvent);
  await worked.next();
  controller.abort();
  owner.abort();
  await delay(0);
  assert(settlement(untaken as GatewayEvent) !== undefined);
  dispatcher.signal = new AbortController().signal;
  assertStrictEquals(settlement(untaken as GatewayEvent), undefined);
  for (const event of taken) {
    assert(settlement(event) !== undefined);
    await worked.next().catch(() => {});
    assertStrictEquals(settlement(event), undefined);
  }
});
