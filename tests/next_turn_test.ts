import { assertEquals } from "@std/assert";
import { nextTurn } from "../lib/next_turn.ts";
import { test } from "./harness.ts";
import { fakeTime } from "./shard_rig.ts";

test("nextTurn calls back later, not within the turn", async () => {
  const log: string[] = [];
  const called = new Promise<void>((resolve) => {
    nextTurn(() => {
      log.push("called");
      resolve();
    });
  });
  await Promise.resolve();
  log.push("after");
  await called;
  assertEquals(log, ["after", "called"]);
});

test("nextTurn does not need the clock of a test", async () => {
  using _ = fakeTime();
  await new Promise<void>((resolve) => nextTurn(resolve));
});

test("nextTurn does not call back what was called off, also where the clock stands", async () => {
  using _ = fakeTime();
  let isCalled = false;
  nextTurn(() => isCalled = true)();
  // Behind it, in order.
  await new Promise<void>((resolve) => nextTurn(resolve));
  assertEquals(isCalled, false);
});
