/**
 * Reads what surrounds the data of a message: `op`, `s` and `t`, without parsing the data where the message allows it.
 *
 * @module
 */
import { endOfKnown, remember } from "./known_names.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { GatewayPayload } from "./payload.ts";

/** What a dispatch is, without its data. */
export interface DispatchEnvelope {
  /** The event's name. */
  readonly t: string;
  /** The sequence number. */
  readonly s: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACE = 0x7b;
const ZERO = 0x30;
const BYTE_ORDER_MARK = 0xfeff;

/** More digits than any number that is exact. */
const MAX_DIGITS = 15;

/**
 * Reads the envelope of a dispatch whose `d` comes last, as Discord writes it, in whatever order the keys before it
 * stand. Anything that would take thought (white space, escapes, other keys, a key twice, another opcode) gives `null`:
 * {@linkcode parsePayload} tells then.
 *
 * @param known The known name that the message begins with.
 */
export function scanDispatch(message: string, known?: string): DispatchEnvelope | null {
  if (message.charCodeAt(0) !== BRACE) return null;
  let t = known;
  let s = -1;
  let op = -1;
  let at = 1;
  if (known !== undefined) {
    at = endOfKnown(known);
    if (message.charCodeAt(at++) !== COMMA) return null;
  }
  for (;;) {
    if (message.charCodeAt(at) !== QUOTE) return null;
    const key = message.charCodeAt(at + 1);
    // "o" has a second letter; the others have not.
    at += key === 0x6f ? 3 : 2;
    if (message.charCodeAt(at) !== QUOTE || message.charCodeAt(at + 1) !== COLON) return null;
    at += 2;
    if (key === 0x64) {
      if (t === undefined || s < 0 || op !== GatewayOpcode.Dispatch) return null;
      return { t: t === known ? t : remember(t), s };
    }
    if (key === 0x74 && t === undefined) {
      const end = endOfName(message, at);
      if (end < 0) return null;
      t = message.slice(at + 1, end);
      at = end + 1;
    } else {
      const end = endOfDigits(message, at);
      if (end < 0) return null;
      if (key === 0x73 && s < 0) s = numberIn(message, at, end);
      else if (key === 0x6f && message.charCodeAt(at - 3) === 0x70 && op < 0) op = numberIn(message, at, end);
      else return null;
      at = end;
    }
    if (message.charCodeAt(at++) !== COMMA) return null;
  }
}

/** The index of the quote that closes a name of capitals, digits and underscores, or -1. */
function endOfName(message: string, start: number): number {
  if (message.charCodeAt(start) !== QUOTE) return -1;
  for (let at = start + 1; at < message.length; at++) {
    const code = message.charCodeAt(at);
    if (code === QUOTE) return at > start + 1 ? at : -1;
    if (!((code >= 0x41 && code <= 0x5a) || code === 0x5f || isDigit(code))) return -1;
  }
  return -1;
}

/** The index after a whole number as JSON writes it, or -1. */
function endOfDigits(message: string, start: number): number {
  let at = start;
  while (isDigit(message.charCodeAt(at))) at++;
  const digits = at - start;
  if (digits === 0 || digits > MAX_DIGITS) return -1;
  return digits > 1 && message.charCodeAt(start) === ZERO ? -1 : at;
}

function numberIn(message: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + message.charCodeAt(at) - ZERO;
  return value;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

/**
 * Parses a whole message. Keys that are left out are `null`, and so is everything of a wrong type; a message that is
 * not an object with an opcode is `null` as a whole.
 *
 * @param known The known name that the message begins with.
 * @throws {SyntaxError} If the message is not JSON.
 */
export function parsePayload(message: string, known?: string): GatewayPayload | null {
  const value: unknown = JSON.parse(message.charCodeAt(0) === BYTE_ORDER_MARK ? message.slice(1) : message);
  if (typeof value !== "object" || value === null) return null;
  const { op, d = null, s, t } = value as Record<string, unknown>;
  if (typeof op !== "number" || !Number.isSafeInteger(op)) return null;
  const isDispatch = op === GatewayOpcode.Dispatch;
  return {
    op,
    d,
    s: isDispatch && typeof s === "number" && Number.isSafeInteger(s) ? s : null,
    // The same text; as the one string for it, nobody has to hash it again.
    t: isDispatch && typeof t === "string" ? (t === known ? known : t) : null,
  };
}
