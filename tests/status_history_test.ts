import { assertEquals } from "@std/assert";
import { History, LENGTH } from "../lib/status/history.ts";
import { test } from "./harness.ts";

test("History keeps the last points, the oldest first, and says where nothing was measured", () => {
  const history = new History();
  assertEquals(history.toJSON(), { stepMs: 5_000, rate: [], latency: [] });
  history.push(1.26, null);
  history.push(0, 41.04);
  assertEquals(history.toJSON(), { stepMs: 5_000, rate: [1.3, 0], latency: [null, 41] });
  for (let point = 0; point < LENGTH + 7; point++) history.push(point, point);
  const { rate, latency } = history.toJSON();
  assertEquals(rate, Array.from({ length: LENGTH }, (_, index) => index + 7));
  assertEquals(latency, rate);
});
