import { assertEquals } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import fc from "fast-check";
import { Backlog } from "../lib/cluster/backlog.ts";
import { Deadline } from "../lib/cluster/deadline.ts";
import { Rounds } from "../lib/cluster/rounds.ts";
import { Semaphore } from "../lib/cluster/semaphore.ts";
import { shrink, unshrink } from "../lib/cluster/shrink.ts";
import { test } from "./harness.ts";

test("Backlog is a line: first in, first out, however long it is", () => {
  const steps = fc.array(fc.oneof(fc.constant("shift"), fc.constant("delete"), fc.nat()), { maxLength: 2_000 });
  fc.assert(fc.property(steps, (steps) => {
    const backlog = new Backlog<{ value: number }>();
    let expected: { value: number }[] = [];
    for (const step of steps) {
      if (step === "shift") assertEquals(backlog.shift(), expected.shift());
      else if (step === "delete") {
        const victim = expected[Math.floor(expected.length / 2)];
        if (victim !== undefined) backlog.delete(victim);
        expected = expected.filter((item) => item !== victim);
      } else {
        const item = { value: step as number };
        backlog.push(item);
        expected.push(item);
      }
      assertEquals(backlog.length, expected.length);
      assertEquals(backlog.at(0), expected[0]);
      if (expected.length > 0) assertEquals(backlog.at(expected.length - 1), expected.at(-1));
    }
  }));
});

test("Deadline comes with whichever clock is ahead", () => {
  const clock = FakeTimers.install({ toFake: ["Date", "performance"] });
  try {
    const deadline = new Deadline(1_000);
    clock.tick(400);
    assertEquals(deadline.left, 600);
    // The machine slept, and the monotonic clock with it.
    clock.setSystemTime(Date.now() + 10_000);
    assertEquals(deadline.left <= 0, true);
  } finally {
    clock.uninstall();
  }
});

test("Semaphore lets as many through as it may, in order", async () => {
  const semaphore = new Semaphore(2);
  const order: number[] = [];
  const takes = [0, 1, 2, 3].map((index) => semaphore.take().then(() => order.push(index)));
  await Promise.all(takes.slice(0, 2));
  assertEquals(order, [0, 1]);
  semaphore.free();
  await takes[2];
  assertEquals(order, [0, 1, 2]);
  semaphore.free();
  await takes[3];
  assertEquals(order, [0, 1, 2, 3]);
});

test("Semaphore lets nobody through who has given up", async () => {
  const semaphore = new Semaphore(1);
  const giveUp = new AbortController();
  const takes = [semaphore.take(), semaphore.take(giveUp.signal), semaphore.take()];
  giveUp.abort();
  semaphore.free();
  assertEquals(await Promise.all(takes), [true, false, true]);
  assertEquals(await semaphore.take(giveUp.signal), false);
});

test("Semaphore lets the one who was alone admit others only as long as nobody else is alone", async () => {
  const semaphore = new Semaphore(2);
  const first = await semaphore.takeAlone(60_000);
  const second = semaphore.takeAlone(0);
  first?.();
  await second;
  let isBeside = false;
  const third = semaphore.take().then(() => isBeside = true);
  first?.();
  semaphore.free();
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  assertEquals(isBeside, false);
  (await second)?.();
  assertEquals(await third, true);
});

test("Rounds go one at a time, and one more follows whoever asks meanwhile", async () => {
  const errors: unknown[] = [];
  let running = 0;
  let most = 0;
  let count = 0;
  const second = Promise.withResolvers<void>();
  await using rounds = new Rounds({
    round: async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      if (++count === 1) {
        rounds.ask();
        rounds.ask();
      } else second.resolve();
      return Infinity;
    },
    onError: (error) => errors.push(error),
  });
  rounds.ask();
  rounds.ask();
  await second.promise;
  assertEquals([most, count, errors], [1, 2, []]);
});

test("Rounds go on after one that failed", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const errors: unknown[] = [];
    let count = 0;
    const rounds = new Rounds({
      round: () => ++count === 1 ? Promise.reject(new Error("no answer")) : Promise.resolve(Infinity),
      onError: (error) => errors.push(error),
    });
    rounds.ask();
    await clock.tickAsync(1_000);
    assertEquals([count, errors.length], [2, 1]);
    await rounds[Symbol.asyncDispose]();
  } finally {
    clock.uninstall();
  }
});

test("unshrink undoes shrink", async () => {
  const data = new TextEncoder().encode("all the same ".repeat(1_000));
  const small = await shrink(data);
  assertEquals(small.byteLength < data.byteLength / 10, true);
  assertEquals(await unshrink(small), data);
});
