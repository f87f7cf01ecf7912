import * as std from "@std/assert";
import * as stdAsync from "@std/async";
import * as standIn from "./offline/assert.ts";
import * as standInAsync from "./offline/async.ts";
import { test } from "./harness.ts";

// Where JSR answers, `@std/*` is the real thing and the two are compared; elsewhere the stand-ins are run by themselves.

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const circle: unknown[] = [];
circle.push(circle);

/** What is asserted, and whether it holds. */
const CASES: [name: string, holds: boolean, check: (assert: typeof standIn) => unknown][] = [
  ["assert of 1", true, ({ assert }) => assert(1)],
  ["assert of an empty text", false, ({ assert }) => assert("")],
  ["fail", false, ({ fail }) => fail("no")],
  ["equal objects", true, ({ assertEquals }) => assertEquals({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })],
  ["unequal objects", false, ({ assertEquals }) => assertEquals<unknown>({ a: 1 }, { a: 1, b: 2 })],
  ["equal bytes", true, ({ assertEquals }) => assertEquals(bytes(1, 2), bytes(1, 2))],
  ["unequal bytes", false, ({ assertEquals }) => assertEquals(bytes(1, 2), bytes(1, 3))],
  ["bytes and an array", false, ({ assertEquals }) => assertEquals<unknown>(bytes(1), [1])],
  ["equal maps", true, ({ assertEquals }) => assertEquals(new Map([[1, "a"]]), new Map([[1, "a"]]))],
  ["unequal sets", false, ({ assertEquals }) => assertEquals(new Set([1]), new Set([2]))],
  ["NaN and NaN", true, ({ assertEquals }) => assertEquals(NaN, NaN)],
  ["1 and a text", false, ({ assertEquals }) => assertEquals<unknown>(1, "1")],
  ["null and undefined", false, ({ assertEquals }) => assertEquals<unknown>(null, undefined)],
  ["circles", true, ({ assertEquals }) => assertEquals(circle, circle)],
  ["unequal, not to be", true, ({ assertNotEquals }) => assertNotEquals({ a: 1 }, { a: 2 })],
  ["equal, not to be", false, ({ assertNotEquals }) => assertNotEquals({ a: 1 }, { a: 1 })],
  ["the same", true, ({ assertStrictEquals }) => assertStrictEquals(circle, circle)],
  ["equal but not the same", false, ({ assertStrictEquals }) => assertStrictEquals<unknown>({}, {})],
  ["0 exists", true, ({ assertExists }) => assertExists(0)],
  ["null exists", false, ({ assertExists }) => assertExists(null)],
  ["almost equal", true, ({ assertAlmostEquals }) => assertAlmostEquals(0.1 + 0.2, 0.3)],
  ["almost equal within a tolerance", true, ({ assertAlmostEquals }) => assertAlmostEquals(1, 1.4, 0.5)],
  ["not almost equal", false, ({ assertAlmostEquals }) => assertAlmostEquals(1, 1.01)],
  ["greater", true, ({ assertGreater }) => assertGreater(2, 1)],
  ["not greater", false, ({ assertGreater }) => assertGreater(1, 1)],
  ["greater or equal", true, ({ assertGreaterOrEqual }) => assertGreaterOrEqual(1, 1)],
  ["less", true, ({ assertLess }) => assertLess(1, 2)],
  ["not less", false, ({ assertLess }) => assertLess(NaN, 1)],
  ["less or equal", true, ({ assertLessOrEqual }) => assertLessOrEqual(1, 1)],
  ["a match", true, ({ assertMatch }) => assertMatch("gateway", /way$/)],
  ["no match", false, ({ assertMatch }) => assertMatch("gateway", /^way/)],
  ["no match wanted", true, ({ assertNotMatch }) => assertNotMatch("gateway", /^way/)],
  ["included", true, ({ assertStringIncludes }) => assertStringIncludes("gateway", "tew")],
  ["not included", false, ({ assertStringIncludes }) => assertStringIncludes("gateway", "x")],
  ["an instance", true, ({ assertInstanceOf }) => assertInstanceOf(new TypeError(), Error)],
  ["no instance", false, ({ assertInstanceOf }) => assertInstanceOf({}, Error)],
  ["an error", true, ({ assertIsError }) => assertIsError(new TypeError("it is so"), TypeError, "is so")],
  ["an error with another text", false, ({ assertIsError }) => assertIsError(new Error("a"), Error, "b")],
  ["a throw", true, ({ assertThrows }) => assertThrows(raise)],
  ["a throw of the class", true, ({ assertThrows }) => assertThrows(raise, RangeError, "far")],
  ["a throw of another class", false, ({ assertThrows }) => assertThrows(raise, TypeError)],
  ["a throw with another text", false, ({ assertThrows }) => assertThrows(raise, RangeError, "near")],
  ["no throw", false, ({ assertThrows }) => assertThrows(() => {})],
  ["a throw of no error", true, ({ assertThrows }) => assertThrows(() => raise("text"))],
  ["a rejection", true, ({ assertRejects }) => assertRejects(reject)],
  ["a rejection of the class", true, ({ assertRejects }) => assertRejects(reject, RangeError, "far")],
  ["a rejection of another class", false, ({ assertRejects }) => assertRejects(reject, TypeError)],
  ["no rejection", false, ({ assertRejects }) => assertRejects(() => Promise.resolve())],
  ["a throw instead of a rejection", false, ({ assertRejects }) => assertRejects(raise as () => Promise<void>)],
];

function raise(reason: unknown = new RangeError("too far")): void {
  throw reason;
}

// deno-lint-ignore require-await
async function reject(): Promise<void> {
  raise();
}

async function holds(check: () => unknown): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (error) {
    if ((error as Error).name === "AssertionError") return false;
    throw error;
  }
}

for (
  const [source, module] of [["@std/assert", std as unknown as typeof standIn], ["the stand-in", standIn]] as const
) {
  test(`${source} tells what holds`, async () => {
    const wrong: string[] = [];
    for (const [name, expected, check] of CASES) if (await holds(() => check(module)) !== expected) wrong.push(name);
    if (wrong.length > 0) throw new Error(`Wrong about: ${wrong.join(", ")}`);
  });

  test(`${source} returns the error and states the message`, async () => {
    std.assertInstanceOf(module.assertThrows(raise, RangeError), RangeError);
    std.assertInstanceOf(await module.assertRejects(reject, RangeError), RangeError);
    const error = module.assertThrows(() => module.assertEquals<unknown>(1, 2, "what it is about"), Error);
    std.assertStringIncludes(error.message, "what it is about");
  });
}

for (const [source, { deadline, delay }] of [["@std/async", stdAsync], ["the stand-in", standInAsync]] as const) {
  test(`${source} delays until its time or its signal`, async () => {
    await delay(1);
    const controller = new AbortController();
    const reason = new Error("enough");
    const delayed = delay(60_000, { signal: controller.signal });
    controller.abort(reason);
    std.assertStrictEquals(await std.assertRejects(() => delayed), reason);
    std.assertStrictEquals(await std.assertRejects(() => delay(60_000, { signal: controller.signal })), reason);
  });

  test(`${source} sets a deadline`, async () => {
    std.assertEquals(await deadline(Promise.resolve(1), 60_000), 1);
    std.assertInstanceOf(await std.assertRejects(() => deadline(Promise.reject(new RangeError()), 60_000)), RangeError);
    const error = await std.assertRejects(() => deadline(new Promise(() => {}), 1), DOMException);
    std.assertEquals(error.name, "TimeoutError");
  });
}
