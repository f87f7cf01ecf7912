/**
 * Reads what surrounds the data of a message: `op`, `s` and `t`, without parsing the data where the message allows it.
 *
 * @module
 */
import { GatewayOpcode } from "./opcode.ts";
import type { GatewayPayload } from "./payload.ts";

/** What a dispatch is, without its data. */
export interface DispatchEnvelope {
  /** The event's name. */
  readonly t: string;
  /** The sequence number. */
  readonly s: number;
}

const BYTE_ORDER_MARK = 0xfeff;

/** One of the keys before the data, with its value. */
const ENTRY = String.raw`(?:"(?:t|s|op)":"?\w+"?,)`;

/** Each of the three keys once, in any order, and then the data. More digits than that are not exact. */
const HEAD = new RegExp(
  `^\\{(?=${ENTRY}*?"t":"([A-Z\\d_]+)",)(?=${ENTRY}*?"s":(0|[1-9]\\d{0,14}),)(?=${ENTRY}*?"op":0,)${ENTRY}{3}"d":`,
);

/**
 * Reads the envelope of a dispatch whose `d` comes last, as Discord writes it, in whatever order the keys before it
 * stand. Anything that would take thought (white space, escapes, other keys, a key twice, another opcode) gives `null`:
 * {@linkcode parsePayload} tells then.
 */
export function scanDispatch(message: string): DispatchEnvelope | null {
  const [, t, s] = HEAD.exec(message) ?? [];
  return t === undefined ? null : { t, s: Number(s) };
}

/**
 * Parses a whole message. Keys that are left out are `null`, and so is everything of a wrong type; a message that is
 * not an object with an opcode is `null` as a whole.
 *
 * @throws {SyntaxError} If the message is not JSON.
 */
export function parsePayload(message: string): GatewayPayload | null {
  const value: unknown = JSON.parse(message.charCodeAt(0) === BYTE_ORDER_MARK ? message.slice(1) : message);
  if (typeof value !== "object" || value === null) return null;
  const { op, d = null, s, t } = value as Record<string, unknown>;
  if (typeof op !== "number" || !Number.isSafeInteger(op)) return null;
  const isDispatch = op === GatewayOpcode.Dispatch;
  return {
    op,
    d,
    s: isDispatch && typeof s === "number" && Number.isSafeInteger(s) ? s : null,
    t: isDispatch && typeof t === "string" ? t : null,
  };
}
