import type { Hub } from "./hub.ts";
import type { LocalHttpRoute } from "./options.ts";

/** An answer before it becomes a `Response`. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request that is to be answered. */
export interface Call {
  /** What the groups of the pattern caught. */
  ids: string[];
  query: URLSearchParams;
  body: unknown;
}

/** A method and a path, and what answers there. */
export interface Route {
  method: string;
  pattern: RegExp;
  bucket: LocalHttpRoute;
  /** Where the path holds a token of its own, and for `GET /gateway`, the bot's is not needed. */
  open?: boolean;
  answer(hub: Hub, call: Call): Answer;
}

/** An error as the API words it. */
export function failure(status: number, code: number, message: string): Answer {
  return { status, body: { message, code } };
}

/** 404: what was named is not there. */
export function unknown(what: string, code: number): Answer {
  return failure(404, code, `Unknown ${what}`);
}

/** 400: a field of the body is wrong. */
export function invalid(field: string, message: string): Answer {
  const errors = { [field]: { _errors: [{ code: "INVALID", message }] } };
  return { status: 400, body: { message: "Invalid Form Body", code: 50035, errors } };
}
