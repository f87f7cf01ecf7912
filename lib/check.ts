/** Shorter than any token is, and as long as the words that options take. */
const MAX_WORD = 12;

/** Says what was given, for an error's message: never a text that could be a token. */
export function given(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length > MAX_WORD ? "a string" : JSON.stringify(value);
    case "number":
    case "boolean":
    case "undefined":
      return `${value}`;
    case "bigint":
      return `${value}n`;
    default:
      if (value === null) return "null";
      if (Array.isArray(value)) return value.length > 0 ? "an array" : "an empty array";
      return `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
  }
}

/**
 * Refuses what has another shape. The subject begins with what cannot be done: `"connect: shardId"`.
 *
 * @throws {TypeError} In any case.
 */
export function refuse(subject: string, expected: string, value: unknown): never {
  throw new TypeError(`Cannot ${subject} must be ${expected}, received ${given(value)}`);
}

/**
 * Checks a number, by default a whole one.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is out of range.
 */
export function checkNumber(subject: string, value: unknown, least: number, most = Infinity, isWhole = true): void {
  if (typeof value === "number" && value >= least && value <= most && (!isWhole || Number.isSafeInteger(value))) return;
  const expected = `a ${isWhole ? "whole " : ""}number from ${least}${most < Infinity ? ` to ${most}` : ""}`;
  if (typeof value !== "number") refuse(subject, expected, value);
  throw new RangeError(`Cannot ${subject} must be ${expected}, received ${value}`);
}

/** An error that says that something cannot be done now: `"connect: the shard is connected"`. */
export function invalidState(what: string): DOMException {
  return new DOMException(`Cannot ${what}`, "InvalidStateError");
}

/**
 * Checks a snowflake.
 *
 * @throws {TypeError} If it is not the digits of one.
 */
export function checkSnowflake(subject: string, value: unknown): void {
  if (typeof value !== "string" || !/^\d{1,20}$/.test(value)) refuse(subject, "a snowflake", value);
}

/** @throws {TypeError} If it is not an array. */
export function checkArray(subject: string, value: unknown): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) refuse(subject, "an array", value);
}

/** @throws {TypeError} If it is none of the words. */
export function checkWord(subject: string, value: unknown, words: readonly unknown[]): void {
  if (!words.includes(value)) refuse(subject, `one of ${words.join(", ")}`, value);
}

/** @throws {TypeError} If it is not a text. */
export function checkString(subject: string, value: unknown): void {
  if (typeof value !== "string") refuse(subject, "a string", value);
}

/** @throws {TypeError} If it is not a function. */
export function checkFunction(subject: string, value: unknown): void {
  if (typeof value !== "function") refuse(subject, "a function", value);
}

/** @throws {TypeError} If it is not an object with these methods. */
export function checkObject(subject: string, value: unknown, ...methods: readonly string[]): void {
  const isObject = typeof value === "object" && value !== null;
  if (isObject && methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function")) return;
  refuse(subject, methods.length > 0 ? `an object with ${methods.join(", ")}` : "an object", value);
}

/** @throws {TypeError} If it is neither a signal nor left out. */
export function checkSignal(subject: string, value: unknown): void {
  if (value === undefined) return;
  const { aborted, addEventListener } = Object(value);
  if (typeof aborted !== "boolean" || typeof addEventListener !== "function") refuse(subject, "an AbortSignal", value);
}

/** @throws {TypeError} If it is not a boolean. */
export function checkBoolean(subject: string, value: unknown): void {
  if (typeof value !== "boolean") refuse(subject, "a boolean", value);
}

/** Checks options with a signal, or without. @throws {TypeError} If they are no object, or the signal is none. */
export function checkOptions(action: string, options: unknown): void {
  checkObject(`${action}: the options`, options);
  checkSignal(`${action}: signal`, (options as { signal?: unknown }).signal);
}

/** How long a timer can run, in milliseconds: `setTimeout` keeps its delay in 31 bits, and fires at once beyond. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/**
 * Checks how long something may take, in milliseconds.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is not a time that a timer can run.
 */
export function checkTimeout(subject: string, ms: unknown, least = 1): void {
  checkNumber(subject, ms, least, MAX_TIMER_MS, false);
}
