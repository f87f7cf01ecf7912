import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { delay } from "../lib/delay.ts";
import { test } from "./harness.ts";

const MAX_TIMER_MS = 2 ** 31 - 1;

test("delay resolves after the time and not before", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    let over = false;
    delay(1_000).then(() => over = true);
    await clock.tickAsync(999);
    assert(!over);
    await clock.tickAsync(1);
    assert(over);
    assertEquals(clock.countTimers(), 0);
  } finally {
    clock.uninstall();
  }
});

test("delay of zero or less waits for one turn of the event loop", async () => {
  await delay(0);
  await delay(-5);
});

test("delay waits longer than the longest timer", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    let over = false;
    delay(MAX_TIMER_MS * 2 + 10).then(() => over = true);
    await clock.tickAsync(MAX_TIMER_MS * 2 + 9);
    assert(!over);
    await clock.tickAsync(1);
    assert(over);
  } finally {
    clock.uninstall();
  }
});

test("delay rejects with the signal's own reason and leaves no timer", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const controller = new AbortController();
    const reason = new RangeError("Not needed any more");
    const waiting = delay(Infinity, { signal: controller.signal });
    await clock.tickAsync(MAX_TIMER_MS + 1);
    controller.abort(reason);
    assertStrictEquals(await waiting.catch((error) => error), reason);
    assertEquals(clock.countTimers(), 0);
  } finally {
    clock.uninstall();
  }
});

test("delay rejects at once where the signal has aborted already", async () => {
  const reason = new RangeError("Not needed any more");
  const waiting = delay(60_000, { signal: AbortSignal.abort(reason) });
  assertStrictEquals(await waiting.catch((error) => error), reason);
});

test("delay removes its listener from the signal", async () => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  signal.addEventListener = (_type: string, listener: unknown) => listeners.add(listener);
  signal.removeEventListener = (_type: string, listener: unknown) => listeners.delete(listener);
  const waiting = delay(1, { signal });
  assertEquals(listeners.size, 1);
  await waiting;
  assertEquals(listeners.size, 0);
});

test("delay that nobody looks at may be aborted", async () => {
  const controller = new AbortController();
  delay(60_000, { signal: controller.signal });
  controller.abort();
  await delay(0);
});

test("delay rejects what is not a number", async () => {
  await assertRejects(() => delay(NaN), RangeError, "Cannot wait: the time must be a number, received NaN");
});
