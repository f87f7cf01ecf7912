import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkArray,
  checkBoolean,
  checkFunction,
  checkNumber,
  checkObject,
  checkOptions,
  checkSignal,
  checkSnowflake,
  checkString,
  checkTimeout,
  checkWord,
  given,
  invalidState,
  refuse,
} from "../lib/check.ts";
import { CANARY } from "./canary.ts";
import { test } from "./harness.ts";

test("given says what a value is, and quotes no text that is as long as a token", () => {
  const shown = [5, NaN, -0, true, undefined, null, 5n, "zlib-stream", "", CANARY, Symbol(CANARY), () => {}, {}, [], [
    1,
  ]]
    .map(given);
  assertEquals(shown, [
    ...["5", "NaN", "0", "true", "undefined", "null", "5n", '"zlib-stream"', '""', "a string", "a symbol"],
    ...["a function", "an object", "an empty array", "an array"],
  ]);
});

test("refuse says what cannot be done, what is expected and what was given", () => {
  assertThrows(() => refuse("wait: it", "right", 5), TypeError, "Cannot wait: it must be right, received 5");
});

test("checkNumber tells a wrong type from a number that is out of range", () => {
  for (const right of [1, 5]) checkNumber("wait: it", right, 1, 5);
  checkNumber("wait: it", 1.5, 1, 5, false);
  for (const wrong of [0, 6, 1.5, NaN, Infinity, -Infinity]) {
    const message = `Cannot wait: it must be a whole number from 1 to 5, received ${wrong}`;
    assertThrows(() => checkNumber("wait: it", wrong, 1, 5), RangeError, message);
  }
  for (const wrong of ["1", 1n, null, undefined, [1], Symbol("1"), Object(1), CANARY]) {
    const error = assertThrows(() => checkNumber("wait: it", wrong, 1), TypeError, "must be a whole number from 1, ");
    assert(!error.message.includes("canary"));
  }
});

test("checkTimeout takes what a timer can run", () => {
  for (const right of [1, 0.5 + 1, 2 ** 31 - 1]) checkTimeout("wait: it", right);
  for (const wrong of [0, -1, 2 ** 31, Infinity, NaN]) assertThrows(() => checkTimeout("wait: it", wrong), RangeError);
  assertThrows(() => checkTimeout("wait: it", "5"), TypeError);
});

test("checkString, checkFunction, checkObject and checkSignal take what they name, and nothing else", () => {
  const values = [undefined, null, 5, 5n, "text", Symbol("x"), () => {}, {}, [], { a() {} }, AbortSignal.abort()];
  function taken(check: (value: unknown) => void): number[] {
    return values.flatMap((value, index) => {
      try {
        check(value);
        return [index];
      } catch (error) {
        assert(error instanceof TypeError, `${error}`);
        return [];
      }
    });
  }
  assertEquals(taken((value) => checkString("x: it", value)), [4]);
  assertEquals(taken((value) => checkFunction("x: it", value)), [6]);
  assertEquals(taken((value) => checkObject("x: it", value)), [7, 8, 9, 10]);
  assertEquals(taken((value) => checkObject("x: it", value, "a")), [9]);
  assertEquals(taken((value) => checkSignal("x: it", value)), [0, 10]);
  assertThrows(() => checkObject("x: it", {}, "a", "b"), TypeError, "must be an object with a, b, received an object");
});

test("checkSnowflake takes up to 20 digits", () => {
  for (const right of ["0", "197038439483310086", "1".repeat(20)]) checkSnowflake("ban: userId", right);
  for (const wrong of ["", "x", "1".repeat(21), 5, null]) {
    assertThrows(() => checkSnowflake("ban: userId", wrong), TypeError, "Cannot ban: userId must be a snowflake");
  }
});

test("checkArray and checkWord take what they name, and nothing else", () => {
  checkArray("wait: it", []);
  assertThrows(() => checkArray("wait: it", { length: 1 }), TypeError, "must be an array, received an object");
  checkWord("wait: it", "b", ["a", "b"]);
  assertThrows(() => checkWord("wait: it", "c", ["a", "b"]), TypeError, 'must be one of a, b, received "c"');
});

test("checkBoolean and checkOptions take what they name, and nothing else", () => {
  checkBoolean("wait: it", false);
  assertThrows(
    () => checkBoolean("wait: it", "false"),
    TypeError,
    'Cannot wait: it must be a boolean, received "false"',
  );
  for (const options of [{}, { signal: undefined }, { signal: new AbortController().signal }]) {
    checkOptions("wait", options);
  }
  for (const none of [null, undefined, 5, "x"]) {
    assertThrows(() => checkOptions("wait", none), TypeError, "Cannot wait: the options must be an object, received");
  }
  for (const signal of [null, {}, 5]) {
    assertThrows(() => checkOptions("wait", { signal }), TypeError, "Cannot wait: signal must be an AbortSignal");
  }
});

test("invalidState is the DOMException for what cannot be done now", () => {
  const { name, message } = invalidState("wait: it is over");
  assertEquals([name, message], ["InvalidStateError", "Cannot wait: it is over"]);
});
