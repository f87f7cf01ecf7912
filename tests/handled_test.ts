import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Handled } from "../lib/handled.ts";
import { test } from "./harness.ts";

test("Handled follows what was received while listeners are done at once", () => {
  const seen: number[] = [];
  const handled: Handled = new Handled(4, () => seen.push(handled.sequence));
  assertEquals(handled.sequence, 4);
  handled.add(5, undefined);
  handled.add(6, undefined);
  assertEquals(seen, [5, 6]);
});

test("Handled stays before the oldest dispatch whose listeners are at work", async () => {
  const seen: number[] = [];
  const handled: Handled = new Handled(0, () => seen.push(handled.sequence));
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  handled.add(1, undefined);
  handled.add(2, first.promise);
  handled.add(3, undefined);
  handled.add(4, second.promise);
  assertEquals([handled.sequence, seen], [1, [1]]);
  second.resolve();
  await second.promise;
  assertEquals(handled.sequence, 1);
  first.resolve();
  await first.promise;
  assertEquals([handled.sequence, seen.at(-1)], [4, 4]);
});

test("Handled goes on after a gap in the sequence", async () => {
  const handled = new Handled(1, () => {});
  const work = Promise.withResolvers<void>();
  handled.add(10, work.promise);
  assertEquals(handled.sequence, 9);
  work.resolve();
  await work.promise;
  assertEquals(handled.sequence, 10);
});

test("Handled is never ahead of anything unsettled and reaches the end, in whatever order listeners settle", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.nat()), { maxLength: 30 }), async (kinds) => {
      let last = 0;
      const handled: Handled = new Handled(0, () => {
        assert(handled.sequence >= last);
        last = handled.sequence;
      });
      const unsettled = new Map<number, PromiseWithResolvers<void> & { rank: number }>();
      for (const [index, rank] of kinds.entries()) {
        const work = rank === null ? undefined : Promise.withResolvers<void>();
        if (work !== undefined) unsettled.set(index + 1, { ...work, rank: rank as number });
        handled.add(index + 1, work?.promise);
        assert(handled.sequence <= index + 1);
      }
      const order = [...unsettled].sort(([, a], [, b]) => a.rank - b.rank);
      for (const [sequence, { promise, resolve }] of order) {
        assertEquals(handled.sequence, Math.min(...unsettled.keys()) - 1);
        unsettled.delete(sequence);
        resolve();
        await promise;
      }
      assertEquals(handled.sequence, kinds.length);
    }),
    { numRuns: 100 },
  );
});

test("Handled is not ahead of a dispatch at work whose number a RESUMED repeats, and never goes back", async () => {
  const handled = new Handled(0, () => {});
  const [work, resumed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  handled.add(7, work.promise);
  handled.add(7, resumed.promise);
  handled.add(7, undefined);
  resumed.resolve();
  await resumed.promise;
  assertEquals(handled.sequence, 6);
  work.resolve();
  await work.promise;
  assertEquals(handled.sequence, 7);
  handled.add(3, undefined);
  assertEquals(handled.sequence, 7);
});
