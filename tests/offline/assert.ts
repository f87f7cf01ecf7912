/**
 * A stand-in for the part of `@std/assert` that the tests use, on `node:assert`, for where JSR does not answer.
 *
 * @module
 */

import nodeAssert from "node:assert";

export { AssertionError } from "node:assert";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error = Error> = abstract new (...args: any[]) => E;

function explain(what: string, message: string | undefined): string {
  return message === undefined ? what : `${what}: ${message}`;
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
  } catch {
    return String(value);
  }
}

/** Asserts that the value is truthy. */
export function assert(expr: unknown, message = ""): asserts expr {
  if (!expr) fail(message || undefined);
}

/** Throws. */
export function fail(message?: string): never {
  throw new nodeAssert.AssertionError({ message: explain("Failed assertion", message) });
}

/** Asserts that the two are equal, deeply: content, prototypes and all, `NaN` to itself and `0` to `-0`. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  try {
    nodeAssert.deepStrictEqual(normal(actual), normal(expected));
  } catch (error) {
    throw message === undefined ? error : new nodeAssert.AssertionError({
      message: `${(error as Error).message}: ${message}`,
      actual,
      expected,
      operator: "deepStrictEqual",
    });
  }
}

// @std/assert calls 0 and -0 equal; `node:assert` does not.
function normal(value: unknown): unknown {
  return value === 0 ? 0 : value;
}

/** Asserts that the two are not equal, deeply. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepStrictEqual(normal(actual), normal(expected), message);
}

/** Asserts that the two are the same value, as `Object.is` says. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, message);
}

/** Asserts that the value is neither `null` nor `undefined`. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    fail(explain(`Expected a value, got ${actual}`, message));
  }
}

/** Asserts that the number is near the expected one; the default tolerance is a ten-millionth of it. */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, message?: string): void {
  const within = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (Object.is(actual, expected) || Math.abs(actual - expected) <= within) return;
  fail(explain(`Expected ${actual} to be within ${within} of ${expected}`, message));
}

/** Asserts that `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  if (!(actual > expected)) fail(explain(`Expected ${show(actual)} > ${show(expected)}`, message));
}

/** Asserts that `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual >= expected)) fail(explain(`Expected ${show(actual)} >= ${show(expected)}`, message));
}

/** Asserts that `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  if (!(actual < expected)) fail(explain(`Expected ${show(actual)} < ${show(expected)}`, message));
}

/** Asserts that `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual <= expected)) fail(explain(`Expected ${show(actual)} <= ${show(expected)}`, message));
}

/** Asserts that the text matches the expression. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (!expected.test(actual)) fail(explain(`Expected ${show(actual)} to match ${expected}`, message));
}

/** Asserts that the text does not match the expression. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void {
  if (expected.test(actual)) fail(explain(`Expected ${show(actual)} not to match ${expected}`, message));
}

/** Asserts that the text holds the other. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    fail(explain(`Expected ${show(actual)} to contain ${show(expected)}`, message));
  }
}

/** Asserts that the value is an instance of the class. */
export function assertInstanceOf<
  // deno-lint-ignore no-explicit-any
  T extends abstract new (...args: any[]) => any,
>(actual: unknown, expectedType: T, message = ""): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  fail(explain(`Expected ${show(actual)} to be an instance of ${expectedType.name}`, message || undefined));
}

/** Asserts that the value is an error, of that class and with that text in its message where given. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  message?: string,
): asserts error is E {
  if (!(error instanceof Error)) fail(explain(`Expected an Error, got ${show(error)}`, message));
  if (ErrorClass !== undefined && !(error instanceof ErrorClass)) {
    fail(explain(`Expected an error of class ${ErrorClass.name}, got ${show(error)}`, message));
  }
  if (msgMatches === undefined) return;
  const matches = typeof msgMatches === "string" ? error.message.includes(msgMatches) : msgMatches.test(error.message);
  if (!matches) {
    fail(explain(`Expected the message of ${show(error)} to match ${show(msgMatches)}`, message));
  }
}

function checkCaught(
  error: unknown,
  [errorClass, included, message]: [unknown?, string?, string?],
): asserts error is Error {
  // Without a class anything may be thrown, as in @std/assert.
  if (typeof errorClass === "function") assertIsError(error, errorClass as ErrorClass, included, message);
}

/** Asserts that the function throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that the function throws an error of the class with the text in its message, and returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...expected: [unknown?, string?, string?]): unknown {
  try {
    fn();
  } catch (error) {
    checkCaught(error, expected);
    return error;
  }
  fail(explain("Expected function to throw", messageOf(expected)));
}

/** Asserts that the promise rejects, and resolves with the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Asserts that the promise rejects with an error of the class with the text in its message, and resolves with it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...expected: [unknown?, string?, string?]
): Promise<unknown> {
  let promise;
  try {
    promise = fn();
  } catch (error) {
    fail(explain(`Function throws when expected to reject (${show(error)})`, messageOf(expected)));
  }
  try {
    await promise;
  } catch (error) {
    checkCaught(error, expected);
    return error;
  }
  fail(explain("Expected function to reject", messageOf(expected)));
}

function messageOf([first, , last]: [unknown?, string?, string?]): string | undefined {
  return typeof first === "string" ? first : last;
}
