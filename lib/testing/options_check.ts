import { checkBoolean, checkNumber, checkObject, checkString, checkWord, refuse } from "../check.ts";
import type { LocalGatewayOptions } from "./options.ts";

const START = "start the local gateway";

/** Whole numbers, by the least that each may be. */
const COUNTS: { readonly [Name in keyof LocalGatewayOptions]?: number } = {
  shards: 1,
  maxConcurrency: 1,
  allowedIntents: 0,
  shardCountMultipleOf: 1,
  maxGuildsPerShard: 0,
  replayLimit: 0,
  payloadLimit: 1,
  seed: Number.MIN_SAFE_INTEGER,
};

const DURATIONS: readonly (keyof LocalGatewayOptions)[] = [
  "identifyWindowMs",
  "invalidSessionDelayMs",
  "heartbeatIntervalMs",
  "heartbeatTimeoutMs",
  "sessionTtlMs",
];

/**
 * Checks what a gateway is made with: a mistake in a test should not look like one of the bot's.
 *
 * @throws {TypeError} If something has another type.
 * @throws {RangeError} If a number is out of range.
 */
export function checkLocalOptions(options: LocalGatewayOptions): void {
  checkObject(`${START}: the options`, options);
  check(options, Object.keys(COUNTS), (subject, value, name) => {
    checkNumber(subject, value, COUNTS[name as keyof LocalGatewayOptions] as number);
  });
  check(options, DURATIONS, checkDuration);
  check(options, ["listen", "countFailedIdentifies"], checkBoolean);
  check(options, ["token"], checkString);
  check(options, ["guildOrder", "chunkOrder"], (subject, value) => checkWord(subject, value, ["given", "shuffled"]));
  check(options, ["sessionStartLimit", "sendLimit", "rateLimits", "format"], (subject, value) => {
    checkObject(subject, value);
  });
  check(options.sessionStartLimit ?? {}, ["total", "remaining"], (subject, value) => checkNumber(subject, value, 0));
  check(options.sessionStartLimit ?? {}, ["resetAfterMs"], checkDuration);
  check(options, ["heartbeatTimeoutCode"], (subject, value) => {
    if (value !== "drop") checkCloseCode(subject, value);
  });
  check(options, ["guilds"], (subject, value) => {
    if (Array.isArray(value)) value.forEach((guild, index) => checkObject(`${subject}[${index}]`, guild));
    else if (typeof value === "number") checkNumber(subject, value, 0);
    else refuse(subject, "a number or an array", value);
  });
}

/** Checks those of the options that are given. */
function check(
  options: object,
  names: readonly string[],
  checkValue: (subject: string, value: unknown, name: string) => void,
): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) checkValue(`${START}: ${name}`, value, name);
  }
}

/** Checks a time in milliseconds. @throws {TypeError} If it is no number. @throws {RangeError} If it is negative. */
export function checkDuration(subject: string, ms: unknown): void {
  checkNumber(subject, ms, 0, Infinity, false);
}

/** Checks a close code. */
export function checkCloseCode(subject: string, code: unknown): void {
  checkNumber(subject, code, 1000, 4999);
}

/** Checks how often something is to happen; `Infinity` is for ever. */
export function checkTimes(subject: string, times: unknown): void {
  if (times !== Infinity) checkNumber(subject, times, 0);
}

/** Checks an HTTP status that is answered with; 0 stands for a connection that is dropped. */
export function checkStatus(subject: string, status: unknown): void {
  if (status !== 0) checkNumber(subject, status, 200, 599);
}
