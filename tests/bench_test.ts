import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess, assertNotEquals } from "@std/assert";
import { estimate, median, pairedRatios } from "../scripts/bench/statistics.ts";
import { markdownTable, textTable } from "../scripts/bench/table.ts";
import { EVENT_KINDS, MARK, traffic } from "../scripts/bench/traffic.ts";
import { test } from "./harness.ts";

test("median is the middle, or between the two in the middle", () => {
  assertEquals(median([3]), 3);
  assertEquals(median([9, 1, 5]), 5);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  assertEquals(median([]), NaN);
});

test("estimate takes the least and the greatest of few values, and less of many", () => {
  assertEquals(estimate([2, 1]), { median: 1.5, low: 1, high: 2 });
  assertEquals(estimate([5, 1, 4, 2, 3]), { median: 3, low: 1, high: 5 });
  // Of ten, the second and the ninth: 97.9 % sure, and the third and the eighth would be 89.1 %.
  assertEquals(estimate([10, 1, 9, 2, 8, 3, 7, 4, 6, 5]), { median: 5.5, low: 2, high: 9 });
});

test("estimate holds the true median in nine intervals of ten", () => {
  let state = 1;
  // Numbers from 0 to 1, of which the median is known.
  const random = () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
  for (const size of [5, 8, 15]) {
    let held = 0;
    for (let round = 0; round < 2_000; round++) {
      const { low, high } = estimate(Array.from({ length: size }, random));
      if (low <= 0.5 && high >= 0.5) held++;
    }
    assertGreater(held, 1_800);
  }
});

test("pairedRatios leaves out the rounds in which a side failed", () => {
  assertEquals(pairedRatios([2, undefined, 6, 8], [1, 5, 2, undefined]), [2, 3]);
});

test("textTable and markdownTable set the same cells", () => {
  const rows = [["what", "runtime", "ratio"], ["a|b", "deno", "1.10"]];
  assertEquals(textTable(rows), "what  runtime  ratio\n----  -------  -----\na|b   deno      1.10");
  assertEquals(markdownTable(rows), "| what | runtime | ratio |\n| --- | --- | ---: |\n| a\\|b | deno | 1.10 |");
});

test("traffic is the same for a seed, and another for another", () => {
  const first = [...traffic({ count: 50 })];
  assertEquals([...traffic({ count: 50, seed: 42 })], first);
  assertNotEquals([...traffic({ count: 50, seed: 43 })], first);
});

test("traffic has the mixture and the sizes that the targets are stated for", () => {
  const count = 4_000;
  const texts = [...traffic({ count })];
  const sizes = new Map(EVENT_KINDS.map((kind) => [kind as string, [] as number[]]));
  for (const text of texts) sizes.get(JSON.parse(text).t)?.push(text.length);
  const share = (kind: string) => (sizes.get(kind)?.length ?? 0) / count;
  const middle = (kind: string) => median(sizes.get(kind) ?? []);
  assertAlmostEquals(share("PRESENCE_UPDATE"), 0.45, 0.03);
  assertAlmostEquals(share("MESSAGE_CREATE"), 0.4, 0.03);
  assertAlmostEquals(share("TYPING_START"), 0.15, 0.03);
  assertEquals(share("GUILD_CREATE"), 1 / 1_000);
  for (
    const [kind, bytes] of [
      ["PRESENCE_UPDATE", 500],
      ["MESSAGE_CREATE", 1_500],
      ["TYPING_START", 800],
      ["GUILD_CREATE", 260_000],
    ] as const
  ) {
    assertGreater(middle(kind), bytes * 0.7);
    assertLess(middle(kind), bytes * 1.3);
  }
});

test("traffic numbers its events without a gap, marks included", () => {
  const events = [...traffic({ count: 10, marks: [3, 10] })].map((text) => JSON.parse(text));
  assertEquals(events.map(({ s }) => s), events.map((_, at) => at + 2));
  assertEquals(events.map(({ t }) => t === MARK).flatMap((isMark, at) => isMark ? [at] : []), [3, 11]);
  assert(events.every(({ op }) => op === 0));
});
