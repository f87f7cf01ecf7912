import { assertEquals, assertLessOrEqual, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type IdentifyLimited, IdentifyQueue, type IdentifyQueueOptions } from "../lib/identify_queue.ts";
import type { SessionStartLimit } from "../lib/payload.ts";
import type { IdentifyPermit } from "../lib/times_per.ts";
import { test } from "./harness.ts";
import { captureErrors } from "./shard_manager_rig.ts";
import { fakeTime } from "./shard_rig.ts";

/** The window of five seconds with its margin. */
const WINDOW_MS = 5_250;

/** Asks for permits, and uses each as soon as it comes. */
class Bench {
  readonly queue: IdentifyQueue;
  /** Which shard identified when. */
  readonly log: [shardId: number, atMs: number][] = [];
  readonly limited: IdentifyLimited[] = [];
  readonly #start: number = performance.now();

  constructor(limits: Partial<SessionStartLimit> = {}, options: IdentifyQueueOptions = {}) {
    this.queue = new IdentifyQueue({ onLimited: (limited) => this.limited.push(limited), ...options });
    this.update(limits);
  }

  update(limits: Partial<SessionStartLimit>): void {
    this.queue.update({ total: 1_000, remaining: 1_000, reset_after: 60_000, max_concurrency: 1, ...limits });
  }

  acquire(shardId: number, signal?: AbortSignal): Promise<IdentifyPermit> {
    return this.queue.acquire({ shardId, shardCount: 100, signal });
  }

  async identify(shardId: number, signal?: AbortSignal): Promise<void> {
    using permit = await this.acquire(shardId, signal);
    permit.sent();
    this.log.push([shardId, performance.now() - this.#start]);
  }

  all(count: number): Promise<void>[] {
    return Array.from({ length: count }, (_, id) => this.identify(id));
  }
}

for (const maxConcurrency of [1, 2, 16]) {
  test(`IdentifyQueue starts 32 shards in waves of ${maxConcurrency}, lowest ids first`, async () => {
    using time = fakeTime();
    const bench = new Bench({ max_concurrency: maxConcurrency });
    const all = bench.all(32).reverse();
    await time.pass(32 * WINDOW_MS);
    await Promise.all(all);
    assertEquals(
      bench.log,
      Array.from({ length: 32 }, (_, id) => [id, Math.floor(id / maxConcurrency) * WINDOW_MS]),
    );
  });
}

test("IdentifyQueue keeps the keys apart: one that is held stops only its own", async () => {
  using time = fakeTime();
  const bench = new Bench({ max_concurrency: 2 });
  const held = await bench.acquire(0);
  const all = [1, 2, 3].map((id) => bench.identify(id));
  await time.pass(WINDOW_MS);
  assertEquals(bench.log, [[1, 0], [3, WINDOW_MS]]);
  held[Symbol.dispose]();
  await Promise.all(all);
  assertEquals(bench.log.at(-1), [2, WINDOW_MS]);
});

test("IdentifyQueue is a limit of one before it was told another, and has no budget", async () => {
  using time = fakeTime();
  const queue = new IdentifyQueue();
  assertEquals([queue.maxConcurrency, queue.remaining, queue.available], [1, Infinity, Infinity]);
  const first = await queue.acquire({ shardId: 0, shardCount: 2 });
  const controller = new AbortController();
  const second = queue.acquire({ shardId: 1, shardCount: 2, signal: controller.signal });
  await time.pass(60_000);
  controller.abort();
  await assertRejects(() => second, DOMException);
  first[Symbol.dispose]();
});

test("IdentifyQueue lets nobody identify at 0 remaining before the budget is renewed, and says so once", async () => {
  using time = fakeTime();
  const bench = new Bench({ remaining: 2, total: 100, reset_after: 3_600_000, max_concurrency: 16 });
  const all = bench.all(5);
  await time.pass(3_599_999);
  assertEquals(bench.log, [[0, 0], [1, 0]]);
  assertEquals(bench.limited, [{ remaining: 0, reserve: 0, retryAfterMs: 3_600_000 }]);
  await time.pass(1);
  await Promise.all(all);
  assertEquals(bench.log.slice(2), [[2, 3_600_000], [3, 3_600_000], [4, 3_600_000]]);
  assertEquals([bench.queue.remaining, bench.queue.available], [97, 97]);
});

test("IdentifyQueue keeps the reserve back", async () => {
  using time = fakeTime();
  const bench = new Bench({ remaining: 11, total: 100, reset_after: 60_000, max_concurrency: 16 }, { reserve: 10 });
  assertEquals(bench.queue.available, 1);
  const all = bench.all(3);
  await time.pass(59_999);
  assertEquals(bench.log, [[0, 0]]);
  assertEquals(bench.limited, [{ remaining: 10, reserve: 10, retryAfterMs: 60_000 }]);
  await time.pass(1);
  await Promise.all(all);
});

test("IdentifyQueue counts what was sent, and nothing for a permit that was given back", async () => {
  using _ = fakeTime();
  const { queue, acquire } = bound(new Bench({ remaining: 5, max_concurrency: 16 }));
  const permit = await acquire(0);
  assertEquals([queue.remaining, queue.available], [5, 4]);
  permit[Symbol.dispose]();
  permit.sent();
  assertEquals([queue.remaining, queue.available], [5, 5]);
  const used = await acquire(1);
  used.sent();
  used.sent();
  assertEquals([queue.remaining, queue.available], [4, 4]);
  used[Symbol.dispose]();
  assertEquals([queue.remaining, queue.available], [4, 4]);
});

test("IdentifyQueue gives the turn of a permit that was given back to who waits for the budget", async () => {
  using _ = fakeTime();
  const { acquire, limited } = bound(new Bench({ remaining: 1, max_concurrency: 2 }));
  const first = await acquire(0);
  const waiting = acquire(1);
  await Promise.resolve();
  assertEquals(limited.length, 1);
  first[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test("IdentifyQueue does not take what was promised for a part of a new budget", async () => {
  using _ = fakeTime();
  const bench = new Bench({ remaining: 10, max_concurrency: 2 });
  const promised = await bench.acquire(0);
  bench.update({ remaining: 1, max_concurrency: 2 });
  assertEquals(bench.queue.available, 0);
  promised.sent();
  assertEquals([bench.queue.remaining, bench.queue.available], [0, 0]);
  promised[Symbol.dispose]();
});

test("IdentifyQueue wakes who waits for the budget when it is told of a new one", async () => {
  using time = fakeTime();
  const bench = new Bench({ remaining: 0, reset_after: 3_600_000 });
  const waiting = bench.identify(0);
  await time.pass(1_000);
  bench.update({ remaining: 0, reset_after: 1_000_000 });
  assertEquals(bench.limited.map(({ retryAfterMs }) => retryAfterMs), [3_600_000, 1_000_000]);
  await time.pass(1_000);
  bench.update({ remaining: 1 });
  await waiting;
  assertEquals(bench.log, [[0, 2_000]]);
});

test("IdentifyQueue renews the budget each day without being told", async () => {
  using time = fakeTime();
  const bench = new Bench({ total: 1, remaining: 1, reset_after: 1_000, max_concurrency: 16 });
  const all = bench.all(3);
  await time.pass(1_000 + 86_400_000);
  await Promise.all(all);
  assertEquals(bench.log, [[0, 0], [1, 1_000], [2, 86_401_000]]);
  assertEquals(bench.limited.length, 2);
});

test("IdentifyQueue serves the lowest id first when the budget is renewed, whoever came first", async () => {
  using time = fakeTime();
  const bench = new Bench({ total: 1, remaining: 0, reset_after: 1_000, max_concurrency: 16 });
  const controller = new AbortController();
  const late = bench.identify(5, controller.signal);
  await time.pass(500);
  const first = bench.identify(2);
  await time.pass(500);
  await first;
  controller.abort();
  await assertRejects(() => late, DOMException);
  assertEquals([bench.log, time.timers()], [[[2, 1_000]], 0]);
});

test("IdentifyQueue.acquire rejects with its signal's reason while it waits for the budget, and leaves nothing", async () => {
  using time = fakeTime();
  const bench = new Bench({ remaining: 0 });
  const controller = new AbortController();
  const reason = new Error("enough");
  const waiting = bench.acquire(0, controller.signal);
  await time.pass(1_000);
  controller.abort(reason);
  assertStrictEquals(await waiting.catch((error) => error), reason);
  assertEquals(time.timers(), 0);
  bench.update({ remaining: 1 });
  await bench.identify(1);
});

test("IdentifyQueue counts what was sent and what is held under the keys of a new max_concurrency", async () => {
  using time = fakeTime();
  const bench = new Bench({ max_concurrency: 4 });
  const [held] = await Promise.all([bench.acquire(0), bench.identify(1)]);
  bench.update({ max_concurrency: 1 });
  const next = bench.identify(2);
  await time.pass(WINDOW_MS);
  assertEquals(bench.log, [[1, 0]]);
  held.sent();
  held[Symbol.dispose]();
  await time.pass(WINDOW_MS - 1);
  assertEquals(bench.log, [[1, 0]]);
  await time.pass(1);
  await next;
  assertEquals(bench.log, [[1, 0], [2, 2 * WINDOW_MS]]);
});

test("IdentifyQueue lets who waits profit from a larger max_concurrency at once", async () => {
  using time = fakeTime();
  const bench = new Bench({ max_concurrency: 1 });
  const all = bench.all(4);
  await time.pass(100);
  assertEquals(bench.log, [[0, 0]]);
  bench.update({ max_concurrency: 16 });
  await Promise.all(all);
  assertEquals(bench.log, [[0, 0], [1, 100], [2, 100], [3, 100]]);
  await time.pass(0);
});

test("IdentifyQueue survives a max_concurrency that makes no sense", async () => {
  using _ = fakeTime();
  const bench = new Bench({ max_concurrency: 0 });
  assertEquals(bench.queue.maxConcurrency, 1);
  await bench.identify(3);
});

test("IdentifyQueue refuses a reserve that is negative", () => {
  for (const reserve of [-1, NaN]) assertThrows(() => new IdentifyQueue({ reserve }), RangeError, "reserve");
});

test("IdentifyQueue lets one through in a window for each key, whatever max_concurrency was in between", async () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 6_000 }),
    shardId: fc.integer({ min: 0, max: 20 }),
    sendAfterMs: fc.option(fc.integer({ min: 0, max: 2_000 })),
    holdMs: fc.integer({ min: 0, max: 6_000 }),
    maxConcurrency: fc.option(fc.constantFrom(1, 2, 3, 16), { freq: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      using time = fakeTime();
      const bench = new Bench({ max_concurrency: 2 });
      const sent: { shardId: number; at: number }[] = [];
      const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      /** From when on which max_concurrency holds. */
      const changes = [{ at: 0, maxConcurrency: 2 }];
      const all: Promise<void>[] = [];
      for (const { afterMs, shardId, sendAfterMs, holdMs, maxConcurrency } of steps) {
        await time.pass(afterMs);
        if (maxConcurrency !== null) {
          bench.update({ max_concurrency: maxConcurrency });
          changes.push({ at: performance.now(), maxConcurrency });
        }
        all.push((async () => {
          using permit = await bench.acquire(shardId);
          const granted = bench.queue.maxConcurrency;
          if (sendAfterMs === null) return;
          await pass(sendAfterMs);
          // What was granted under other keys is not held against the present ones.
          if (bench.queue.maxConcurrency === granted) sent.push({ shardId, at: performance.now() });
          permit.sent();
          await pass(holdMs);
        })());
      }
      await time.pass(20 * 15_000);
      await Promise.all(all);
      for (const [index, { at, maxConcurrency }] of changes.entries()) {
        const until = changes[index + 1]?.at ?? Infinity;
        const within = sent.filter((one) => one.at >= at && one.at < until);
        const last = new Map<number, number>();
        for (const one of within.sort((a, b) => a.at - b.at)) {
          const key = one.shardId % maxConcurrency;
          assertLessOrEqual((last.get(key) ?? -Infinity) + WINDOW_MS, one.at);
          last.set(key, one.at);
        }
      }
    }),
    { numRuns: 60 },
  );
});

/** The parts of a bench, to be taken apart. */
function bound(bench: Bench): { queue: IdentifyQueue; acquire: Bench["acquire"]; limited: IdentifyLimited[] } {
  return { queue: bench.queue, acquire: (shardId, signal) => bench.acquire(shardId, signal), limited: bench.limited };
}

/** A queue whose owner asks the gateway, which answers when it is told to. */
function asking(first: Partial<SessionStartLimit>): { bench: Bench; asked: PromiseWithResolvers<void>[] } {
  const asked: PromiseWithResolvers<void>[] = [];
  const bench = new Bench(first, {
    refresh: () => {
      const question = Promise.withResolvers<void>();
      asked.push(question);
      return question.promise;
    },
  });
  return { bench, asked };
}

test("IdentifyQueue asks again once the budget has to be renewed, and holds everybody until it is told", async () => {
  using time = fakeTime();
  const { bench, asked } = asking({ total: 100, remaining: 0, reset_after: 60_000, max_concurrency: 16 });
  const all = bench.all(3);
  await time.pass(59_999);
  assertEquals(asked.length, 0);
  await time.pass(100_000);
  // Somebody who comes meanwhile does not ask a second time.
  all.push(bench.identify(3));
  await time.pass(100_000);
  assertEquals([asked.length, bench.log], [1, []]);
  bench.update({ total: 100, remaining: 2, reset_after: 50_000, max_concurrency: 16 });
  asked[0]?.resolve();
  await time.pass(0);
  assertEquals(bench.log.map(([id]) => id), [0, 1]);
  await time.pass(50_000);
  assertEquals(asked.length, 2);
  bench.update({ total: 100, remaining: 100, reset_after: 86_400_000, max_concurrency: 16 });
  asked[1]?.resolve();
  await Promise.all(all);
  assertEquals([bench.log.length, asked.length], [4, 2]);
});

test("IdentifyQueue asks only when somebody wants to identify", async () => {
  using time = fakeTime();
  const { bench, asked } = asking({ remaining: 5, reset_after: 60_000 });
  await time.pass(10 * 86_400_000);
  assertEquals([asked.length, time.timers()], [0, 0]);
  const one = bench.identify(0);
  await time.pass(0);
  assertEquals(asked.length, 1);
  bench.update({ remaining: 1 });
  asked[0]?.resolve();
  await one;
});

for (const how of ["fails", "tells nothing"] as const) {
  test(`IdentifyQueue takes the budget for renewed where asking ${how}`, async () => {
    using time = fakeTime();
    const { bench, asked } = asking({ total: 7, remaining: 0, reset_after: 60_000 });
    const one = bench.identify(0);
    await time.pass(60_000);
    if (how === "fails") asked[0]?.reject(new Error("closed"));
    else asked[0]?.resolve();
    await one;
    assertEquals([bench.queue.remaining, asked.length], [6, 1]);
  });
}

test("IdentifyQueue does not ask again at once where nothing was used for a day", async () => {
  using time = fakeTime();
  const { bench, asked } = asking({ remaining: 1_000, reset_after: 0 });
  const one = bench.identify(0);
  await time.pass(0);
  await one;
  assertEquals(asked.length, 0);
});

test("IdentifyQueue refuses arguments of another type", () => {
  for (const options of [null, 5, { reserve: "1" }, { onLimited: 5 }, { refresh: {} }] as never[]) {
    assertThrows(() => new IdentifyQueue(options), TypeError);
  }
  for (const reserve of [-1, NaN, Infinity]) assertThrows(() => new IdentifyQueue({ reserve }), RangeError, "reserve");
  const { queue } = new Bench({ max_concurrency: 2 });
  for (const limits of [null, {}, { total: 1, remaining: 1, reset_after: 1, max_concurrency: "1" }] as never[]) {
    assertThrows(() => queue.update(limits), TypeError);
  }
  assertThrows(() => new Bench({ max_concurrency: NaN }), RangeError);
  assertEquals(queue.maxConcurrency, 2);
});

test("IdentifyQueue.acquire needs nobody who waits for it", async () => {
  using time = fakeTime();
  const { queue } = new Bench({ remaining: 0 });
  const controller = new AbortController();
  void queue.acquire({ shardId: 0, shardCount: 1, signal: controller.signal });
  void queue.acquire({ shardId: 0, shardCount: 1, signal: AbortSignal.abort() });
  void queue.acquire(null as never);
  controller.abort();
  await time.pass(1);
  assertEquals(time.timers(), 0);
});

test("IdentifyQueue takes off what was sent after the gateway was asked", async () => {
  using _ = fakeTime();
  const bench = new Bench({ remaining: 10, max_concurrency: 16 });
  await bench.identify(0);
  const { sent } = bench.queue;
  assertEquals(sent, 1);
  await bench.identify(1);
  await bench.identify(2);
  const limits = { total: 1_000, remaining: 9, reset_after: 60_000, max_concurrency: 16 };
  bench.queue.update(limits, sent);
  assertEquals(bench.queue.remaining, 7);
  bench.queue.update({ ...limits, remaining: 1 }, sent);
  assertEquals([bench.queue.remaining, bench.queue.available], [0, 0]);
  bench.queue.update(limits);
  assertEquals(bench.queue.remaining, 9);
  for (const count of [-1, NaN]) assertThrows(() => bench.queue.update(limits, count), RangeError, "sentBefore");
});

test("IdentifyQueue takes off what was sent while refresh was under way", async () => {
  using time = fakeTime();
  const answer = Promise.withResolvers<void>();
  const bench: Bench = new Bench({ remaining: 2, reset_after: 1_000, max_concurrency: 16 }, {
    refresh: async () => {
      await answer.promise;
      bench.update({ remaining: 5, max_concurrency: 16 });
    },
  });
  const held = await bench.acquire(0);
  await time.pass(1_000);
  const next = bench.identify(1);
  await time.pass(10);
  held.sent();
  held[Symbol.dispose]();
  answer.resolve();
  await next;
  // One was taken off when it was sent, before the answer, and the other one after it.
  assertEquals(bench.queue.remaining, 3);
  bench.update({ remaining: 5 });
  assertEquals(bench.queue.remaining, 5);
  await time.pass(0);
});

test("IdentifyQueue prints the failure of its onLimited, and goes on", async () => {
  const failures = {
    "At once": () => {
      throw new Error("At once");
    },
    "Later": () => Promise.reject(new Error("Later")),
  };
  for (const [message, onLimited] of Object.entries(failures)) {
    using time = fakeTime();
    using errors = captureErrors();
    const bench = new Bench({ remaining: 0, reset_after: 3_000 }, { onLimited });
    const identified = bench.identify(0);
    await time.pass(3_000);
    await identified;
    assertEquals(errors.printed.map((error) => (error as Error).message), [message]);
  }
});
