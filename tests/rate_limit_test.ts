import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { beatReserve, commandReserve, RateLimit, SEND_LIMIT, SEND_WINDOW_MS } from "../lib/rate_limit.ts";
import { test } from "./harness.ts";

/** Takes as much as there is, and says how much that was. */
function takeAll(limit: RateLimit, now: number, reserve?: number): number {
  let taken = 0;
  while (limit.take(now, reserve) === 0) taken++;
  return taken;
}

test("SEND_LIMIT is 120 within 60 seconds, as the gateway's is", () => {
  assertEquals([SEND_LIMIT, SEND_WINDOW_MS], [120, 60_000]);
  assertEquals(takeAll(new RateLimit(), 0), 120);
});

test("RateLimit.take lets as many through as the limit at once, and says how long the next one waits", () => {
  const limit = new RateLimit(3, 1_000);
  assertEquals(takeAll(limit, 500), 3);
  assertEquals(limit.take(600), 901);
  assertEquals(limit.take(1_499.5), 1);
  assertEquals(limit.take(1_500), 1);
  assertEquals(takeAll(limit, 1_501), 3);
});

test("RateLimit.take slides: every send is free again a window later, and not all at once", () => {
  const limit = new RateLimit(3, 1_000);
  for (const now of [0, 400, 800]) assertEquals(limit.take(now), 0);
  assertEquals(limit.take(900), 101);
  assertEquals(limit.take(1_001), 0);
  assertEquals(limit.take(1_002), 399);
  assertEquals(limit.take(1_401), 0);
  assertEquals(limit.take(1_402), 399);
});

test("RateLimit.take leaves the reserve for those who ask for less", () => {
  const limit = new RateLimit(5, 1_000);
  assertEquals(takeAll(limit, 0, 2), 3);
  assertEquals(takeAll(limit, 0, 1), 1);
  assertEquals(takeAll(limit, 0), 1);
  assertEquals(limit.take(10, 2), 991);
});

test("RateLimit.take says how long to wait until as much as the reserve is left over", () => {
  const limit = new RateLimit(5, 1_000);
  for (const now of [0, 100, 200, 300, 400]) limit.take(now);
  assertEquals([0, 1, 2, 3, 4].map((reserve) => limit.take(500, reserve)), [501, 601, 701, 801, 901]);
});

test("RateLimit.take is the same for a clock that does not begin at zero", () => {
  const limit = new RateLimit(2, 1_000);
  assertEquals(takeAll(limit, -5_000), 2);
  assertEquals(limit.take(-4_500), 501);
});

/** Times that add up without rounding. */
const quarters = fc.nat({ max: 1_600 }).map((count) => count / 4);

test("RateLimit.take never lets more through than the limit in any window, and keeps every reserve", () => {
  const asks = fc.array(fc.tuple(quarters, fc.nat({ max: 5 })), { maxLength: 200 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), asks, (size, asks) => {
    const limit = new RateLimit(size, 1_000);
    const sent: number[] = [];
    let now = 0;
    for (const [pause, ask] of asks) {
      now += pause;
      const reserve = Math.min(ask, size - 1);
      const inWindow = sent.filter((at) => at >= now - 1_000).length;
      const wait = limit.take(now, reserve);
      assertEquals(wait === 0, inWindow < size - reserve, `${inWindow} of ${size} at ${now}, ${reserve} reserved`);
      if (wait === 0) sent.push(now);
      assert(wait >= 0 && wait <= 1_001);
    }
  }));
});

test("RateLimit.take takes after the wait that it asked for", () => {
  const pauses = fc.array(quarters, { minLength: 1, maxLength: 50 });
  fc.assert(fc.property(pauses, fc.nat({ max: 3 }), (pauses, reserve) => {
    const limit = new RateLimit(4, 1_000);
    let now = 0;
    for (const pause of pauses) {
      now += pause;
      const wait = limit.take(now, reserve);
      if (wait > 0) assertEquals(limit.take(now += wait, reserve), 0);
    }
  }));
});

test("beatReserve keeps as many as there are heartbeats in a window, and one", () => {
  assertEquals([41_250, 45_000, 60_000, 30_000, 10_000, Infinity].map(beatReserve), [3, 3, 2, 3, 7, 1]);
});

test("beatReserve leaves half of the limit to others, however fast the heart beats", () => {
  assertEquals([1_000, 100, 1, 0.001].map(beatReserve), [60, 60, 60, 60]);
});

test("commandReserve keeps four more, for heartbeats that the gateway asks for", () => {
  assertEquals([41_250, 60_000, 10_000, 1, Infinity].map(commandReserve), [7, 6, 11, 64, 5]);
});

test("commandReserve leaves heartbeats and their answers room where commands take all they can", () => {
  const limit = new RateLimit();
  const interval = 41_250;
  assertEquals(takeAll(limit, 0, commandReserve(interval)), 113);
  assertEquals(takeAll(limit, 0, beatReserve(interval)), 4);
  assertEquals(takeAll(limit, 0), 3);
});
