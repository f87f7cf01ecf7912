import { assert, assertEquals, assertLessOrEqual, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import fc from "fast-check";
import { type IdentifyPermit, TimesPer } from "../lib/times_per.ts";
import { test } from "./harness.ts";

type Clock = ReturnType<typeof FakeTimers.install>;

/** The window of five seconds with its margin. */
const WINDOW_MS = 5_250;

async function withClock(body: (clock: Clock) => void | Promise<void>): Promise<void> {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    await body(clock);
    assertEquals(clock.countTimers(), 0);
  } finally {
    clock.uninstall();
  }
}

/** Asks for a permit, uses it as soon as it comes, and notes when. */
async function identify(limiter: TimesPer, shardId: number, log: [shardId: number, atMs: number][]): Promise<void> {
  using permit = await limiter.acquire({ shardId, shardCount: 100 });
  permit.sent();
  log.push([shardId, performance.now()]);
}

test("TimesPer lets one through in a window and its margin, lowest ids first", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(1, 5);
    const log: [number, number][] = [];
    const all = [3, 1, 2, 0].map((id) => identify(limiter, id, log));
    await clock.tickAsync(3 * WINDOW_MS);
    await Promise.all(all);
    assertEquals(log, [[0, 0], [1, WINDOW_MS], [2, 2 * WINDOW_MS], [3, 3 * WINDOW_MS]]);
    await clock.tickAsync(WINDOW_MS);
  }));

test("TimesPer lets as many through at once as its limit says, and takes its margin from the options", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(3, 0.5, { marginMs: 0 });
    const log: [number, number][] = [];
    const all = [0, 1, 2, 3, 4].map((id) => identify(limiter, id, log));
    await clock.tickAsync(500);
    await Promise.all(all);
    assertEquals(log.map(([, atMs]) => atMs), [0, 0, 0, 500, 500]);
  }));

test("TimesPer puts a priority before the shard's id, and those of one priority in order of arrival", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(1, 1, { marginMs: 0 });
    const order: number[] = [];
    const all = [[7, 0], [8, undefined], [1, 9], [2, 9]].map(async ([shardId, priority]) => {
      using permit = await limiter.acquire({ shardId: shardId as number, shardCount: 9, priority });
      permit.sent();
      order.push(shardId as number);
    });
    await clock.tickAsync(3_000);
    await Promise.all(all);
    assertEquals(order, [7, 8, 1, 2]);
  }));

test("TimesPer counts the window from when something was sent, not from when the permit was given or disposed of", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(1, 5);
    const permit = await limiter.acquire({ shardId: 0, shardCount: 2 });
    await clock.tickAsync(10_000);
    permit.sent();
    const log: [number, number][] = [];
    const next = identify(limiter, 1, log);
    await clock.tickAsync(1_000);
    permit.sent();
    permit[Symbol.dispose]();
    await clock.tickAsync(WINDOW_MS);
    await next;
    assertEquals(log, [[1, 10_000 + WINDOW_MS]]);
  }));

test("TimesPer holds a slot as long as its permit is held, however long ago something was sent", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(1, 5);
    const permit = await limiter.acquire({ shardId: 0, shardCount: 2 });
    permit.sent();
    const log: [number, number][] = [];
    const next = identify(limiter, 1, log);
    await clock.tickAsync(60_000);
    assertEquals(log, []);
    permit[Symbol.dispose]();
    await next;
    assertEquals(log, [[1, 60_000]]);
    await clock.tickAsync(WINDOW_MS);
  }));

test("TimesPer frees the slot of a permit that was not used at once, and of one that is disposed of twice once", () =>
  withClock(async () => {
    const limiter = new TimesPer(1, 5);
    const first = await limiter.acquire({ shardId: 0, shardCount: 3 });
    const granted: number[] = [];
    const waiting = [1, 2].map(async (shardId) => {
      const permit = await limiter.acquire({ shardId, shardCount: 3 });
      granted.push(shardId);
      return permit;
    });
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const second = await waiting[0] as IdentifyPermit;
    assertEquals(granted, [1]);
    second[Symbol.dispose]();
    (await waiting[1] as IdentifyPermit)[Symbol.dispose]();
    assertEquals(granted, [1, 2]);
  }));

test("TimesPer.acquire rejects with the reason of its signal, before and while it waits, and leaves nothing behind", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(1, 5);
    const reason = new Error("enough");
    const aborted = AbortSignal.abort(reason);
    assertStrictEquals(await limiter.acquire({ shardId: 0, shardCount: 1, signal: aborted }).catch((e) => e), reason);
    const log: [number, number][] = [];
    await identify(limiter, 0, log);
    const controller = new AbortController();
    const waiting = limiter.acquire({ shardId: 1, shardCount: 2, signal: controller.signal });
    await clock.tickAsync(1);
    assertEquals(clock.countTimers(), 1);
    controller.abort(reason);
    assertStrictEquals(await waiting.catch((error) => error), reason);
    assertEquals(clock.countTimers(), 0);
    const next = identify(limiter, 2, log);
    await clock.tickAsync(WINDOW_MS);
    await next;
    assertEquals(log, [[0, 0], [2, WINDOW_MS]]);
    await clock.tickAsync(WINDOW_MS);
  }));

test("TimesPer.acquire is not affected by a signal that aborts after the permit was given", () =>
  withClock(async () => {
    const limiter = new TimesPer(1, 5);
    const controller = new AbortController();
    const permit = await limiter.acquire({ shardId: 0, shardCount: 1, signal: controller.signal });
    controller.abort();
    permit[Symbol.dispose]();
    (await limiter.acquire({ shardId: 0, shardCount: 1 }))[Symbol.dispose]();
  }));

test("TimesPer refuses a limit and a time that are not positive", () => {
  for (const limit of [0, -1, 1.5, NaN, Infinity]) assertThrows(() => new TimesPer(limit, 5), RangeError, "limit");
  for (const seconds of [0, -1, NaN]) assertThrows(() => new TimesPer(1, seconds), RangeError, "perSeconds");
});

interface Call {
  delayMs: number;
  sendAfterMs: number | null;
  disposeAfterMs: number;
  abortAfterMs: number | null;
  priority: number;
}

const call: fc.Arbitrary<Call> = fc.record({
  delayMs: fc.integer({ min: 0, max: 4_000 }),
  sendAfterMs: fc.option(fc.integer({ min: 0, max: 500 })),
  disposeAfterMs: fc.integer({ min: 0, max: 3_000 }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 3_000 })),
  priority: fc.integer({ min: 0, max: 3 }),
});

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test("TimesPer never lets more than its limit into any window, whatever is sent, disposed of and aborted", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(call, { maxLength: 20 }),
      (limit, calls) =>
        withClock(async (clock) => {
          const limiter = new TimesPer(limit, 1, { marginMs: 0 });
          const sent: number[] = [];
          let settled = 0;
          const all = calls.map(async ({ delayMs, sendAfterMs, disposeAfterMs, abortAfterMs, priority }, shardId) => {
            await sleep(delayMs);
            const controller = new AbortController();
            const timer = abortAfterMs === null ? undefined : setTimeout(() => controller.abort(), abortAfterMs);
            try {
              using permit = await limiter.acquire({ shardId, shardCount: 20, priority, signal: controller.signal });
              if (sendAfterMs !== null) {
                await sleep(sendAfterMs);
                permit.sent();
                sent.push(performance.now());
              }
              await sleep(disposeAfterMs);
            } catch {
              assert(controller.signal.aborted);
            } finally {
              clearTimeout(timer);
              settled++;
            }
          });
          // Nobody waits longer than all others together can hold their permits.
          await clock.tickAsync(4_000 + calls.length * 4_500);
          assertEquals(settled, calls.length);
          await Promise.all(all);
          sent.sort((a, b) => a - b);
          for (const [index, atMs] of sent.entries()) {
            const first = sent[index - limit];
            if (first !== undefined) assertLessOrEqual(first + 1_000, atMs);
          }
        }),
    ),
    { numRuns: 60 },
  );
});

test("TimesPer.acquire rejects and goes on with the others where the first of the line is aborted", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(1, 5);
    const log: [number, number][] = [];
    await identify(limiter, 0, log);
    const controller = new AbortController();
    const first = limiter.acquire({ shardId: 1, shardCount: 3, signal: controller.signal });
    const second = identify(limiter, 2, log);
    await clock.tickAsync(100);
    controller.abort();
    await assertRejects(() => first, DOMException);
    await clock.tickAsync(WINDOW_MS);
    await second;
    assertEquals(log, [[0, 0], [2, WINDOW_MS]]);
  }));

test("TimesPer refuses what is no number, and times that are out of range", () => {
  for (const wrong of ["1", 1n, null, {}, Symbol("1")] as never[]) {
    assertThrows(() => new TimesPer(wrong, 5), TypeError, "limit");
    assertThrows(() => new TimesPer(1, wrong), TypeError, "perSeconds");
    assertThrows(() => new TimesPer(1, 5, { marginMs: wrong }), TypeError, "marginMs");
  }
  assertThrows(() => new TimesPer(1, Infinity), RangeError, "perSeconds");
  for (const marginMs of [-1, NaN, Infinity]) {
    assertThrows(() => new TimesPer(1, 5, { marginMs }), RangeError, "marginMs");
  }
  assertThrows(() => new TimesPer(1, 5, null as never), TypeError, "options");
});

test("TimesPer.acquire rejects arguments of another type, and needs nobody who waits for it", () =>
  withClock(async (clock) => {
    const limiter = new TimesPer(1, 5);
    const wrong = [null, 5, {}, { shardId: "0" }, { shardId: 0, priority: "1" }, { shardId: 0, signal: 5 }] as never[];
    for (const request of wrong) {
      void limiter.acquire(request);
      await assertRejects(() => limiter.acquire(request), TypeError);
    }
    await assertRejects(() => limiter.acquire({ shardId: 0, shardCount: 1, priority: NaN }), RangeError);
    void limiter.acquire({ shardId: 0, shardCount: 1, signal: AbortSignal.abort() });
    await clock.tickAsync(0);
  }));
