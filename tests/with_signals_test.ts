import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { withSignals } from "../lib/with_signals.ts";
import { test } from "./harness.ts";

test("withSignals gives what the body gives", async () => {
  assertEquals(await withSignals([undefined, new AbortController().signal], () => Promise.resolve(1)), 1);
});

test("withSignals aborts with the reason of the first signal", async () => {
  const one = new AbortController();
  const two = new AbortController();
  const reason = new RangeError("Not needed any more");
  const signal = await withSignals([one.signal, two.signal], (controller) => {
    two.abort(reason);
    one.abort();
    return Promise.resolve(controller.signal);
  });
  assertStrictEquals(signal.reason, reason);
});

test("withSignals listens no longer than the body lasts", async () => {
  const one = new AbortController();
  const signal = await withSignals([one.signal], (controller) => Promise.resolve(controller.signal));
  one.abort();
  assert(!signal.aborted);
});

test("withSignals does not begin where a signal has aborted already", async () => {
  const reason = new RangeError("Not needed any more");
  let begun = false;
  await assertRejects(
    () => withSignals([AbortSignal.abort(reason)], () => Promise.resolve(begun = true)),
    RangeError,
  );
  assert(!begun);
});
