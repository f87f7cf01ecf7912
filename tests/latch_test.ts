import { assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Latch } from "../lib/latch.ts";
import { test } from "./harness.ts";

test("Latch.promise resolves with the first value and is the same until it is reset", async () => {
  const latch = new Latch<number>();
  const { promise } = latch;
  latch.fulfil(1);
  latch.fulfil(2);
  assertEquals(await promise, 1);
  assertStrictEquals(latch.promise, promise);
});

test("Latch.reset renews a promise that was fulfilled, and keeps one that is still awaited", async () => {
  const latch = new Latch<number>();
  const { promise } = latch;
  latch.reset();
  assertStrictEquals(latch.promise, promise);
  latch.fulfil(1);
  latch.reset();
  assertNotEquals(latch.promise, promise);
  const second = latch.promise;
  latch.fulfil(2);
  assertEquals([await promise, await second], [1, 2]);
});

test("Latch.reject rejects who waits, and after a fulfilment who asks from then on", async () => {
  const waiting = new Latch();
  waiting.reject(new RangeError("first"));
  waiting.reject(new TypeError("second"));
  await assertRejects(() => waiting.promise, RangeError, "first");
  const latch = new Latch();
  latch.fulfil();
  const before = latch.promise;
  latch.reject(new RangeError("end"));
  await before;
  await assertRejects(() => latch.promise, RangeError, "end");
});

test("Latch stays rejected through reset and fulfil, until it is restarted", async () => {
  const latch = new Latch();
  latch.reject(new RangeError("end"));
  latch.reset();
  latch.fulfil();
  await assertRejects(() => latch.promise, RangeError);
  latch.restart();
  latch.fulfil();
  await latch.promise;
});

test("Latch.restart keeps a promise that is still awaited and renews one that was fulfilled", () => {
  const latch = new Latch();
  const { promise } = latch;
  latch.restart();
  assertStrictEquals(latch.promise, promise);
  latch.fulfil();
  latch.restart();
  assertNotEquals(latch.promise, promise);
});

test("Latch's rejections need nobody who waits for them", async () => {
  const latch = new Latch();
  latch.reject(new Error("nobody listens"));
  latch.restart();
  latch.reject(new Error("nobody listens"));
  // A runtime reports unhandled rejections at the end of a turn.
  await new Promise((resolve) => setTimeout(resolve));
});
