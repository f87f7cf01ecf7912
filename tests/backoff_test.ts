import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { backoffMs, backoffWindowMs } from "../lib/backoff.ts";
import { test } from "./harness.ts";

test("backoffMs doubles with every attempt, up to 60 seconds", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempt) => backoffMs(attempt, 1));
  assertEquals(bounds, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("backoffMs spreads over the whole of its range: full jitter", () => {
  assertEquals([0, 0.25, 0.5].map((random) => backoffMs(3, random)), [0, 1_000, 2_000]);
  assertEquals(backoffMs(100, 0), 0);
});

test("backoffWindowMs is no shorter than what it is given, and never longer than 60 seconds", () => {
  assertEquals([1, 3, 4, 7].map((attempt) => backoffWindowMs(attempt, 5_000)), [5_000, 5_000, 8_000, 60_000]);
  assertEquals([1, 9].map((attempt) => backoffWindowMs(attempt, 90_000)), [60_000, 60_000]);
  assertEquals(backoffWindowMs(1, 5), 1_000);
});

test("backoffMs stays within 60 seconds, however many attempts there were", () => {
  const attempts = fc.oneof(fc.integer({ min: 1 }), fc.constantFrom(1_023, 1_024, 1_025, Number.MAX_SAFE_INTEGER));
  const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(attempts, randoms, (attempt, random) => {
    const delay = backoffMs(attempt, random);
    assert(delay >= 0 && delay < 60_000 && (attempt > 6 || delay < 1_000 * 2 ** (attempt - 1)));
  }));
});
