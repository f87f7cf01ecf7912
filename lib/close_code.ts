/**
 * Why the gateway closed a connection.
 *
 * @see {@link https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes}
 */
export const GatewayCloseCode = {
  /** Something went wrong on Discord's side. */
  UnknownError: 4000,
  /** An opcode, or a payload for an opcode, that is not valid was sent. */
  UnknownOpcode: 4001,
  /** A payload that could not be decoded, or one over 4096 bytes, was sent. */
  DecodeError: 4002,
  /** A payload was sent before identifying, or the session was revoked. */
  NotAuthenticated: 4003,
  /** The token is not valid. */
  AuthenticationFailed: 4004,
  /** More than one identify was sent. */
  AlreadyAuthenticated: 4005,
  /** The sequence sent in a resume was not valid. */
  InvalidSeq: 4007,
  /** More than 120 payloads were sent within 60 seconds. */
  RateLimited: 4008,
  /** The session timed out. */
  SessionTimedOut: 4009,
  /** The shard sent in identify is not valid. */
  InvalidShard: 4010,
  /** The bot is in too many guilds for one shard. */
  ShardingRequired: 4011,
  /** The gateway version is not valid. */
  InvalidApiVersion: 4012,
  /** The intents hold a bit that does not exist. */
  InvalidIntents: 4013,
  /** The intents hold one that the bot is not allowed to use. */
  DisallowedIntents: 4014,
} as const;

/** One of the numbers in {@linkcode GatewayCloseCode}. */
export type GatewayCloseCode = typeof GatewayCloseCode[keyof typeof GatewayCloseCode];

/** What a client does after a close: go on with its session, start a new one, or stop. */
export type CloseRecovery = "resume" | "identify" | "stop";

const KNOWN: ReadonlySet<number> = new Set(Object.values(GatewayCloseCode));

/** 4003 is also what every live session gets when the token is reset or a privileged intent is switched off. */
const ENDS_SESSION: ReadonlySet<number> = new Set([4003, 4007, 4009]);

const STOPS: ReadonlySet<number> = new Set([4004, 4010, 4011, 4012, 4013, 4014]);

/**
 * Tells what to do after a close with the given code. A code that is not in {@linkcode GatewayCloseCode} resumes:
 * the gateway answers with an invalid session when it disagrees.
 */
export function recoveryOf(code: number): CloseRecovery {
  return STOPS.has(code) ? "stop" : ENDS_SESSION.has(code) ? "identify" : "resume";
}

/**
 * Whether a close carried no close frame of the gateway's: 0 (a reset on Deno), 1005 (an empty frame) and 1006 (a reset
 * elsewhere) all say the same.
 */
export function isCodeless(code: number): boolean {
  return code === 0 || code === 1005 || code === 1006;
}

/** Whether a code is one that the gateway documents, or one of the WebSocket protocol's own. */
export function isKnown(code: number): boolean {
  return KNOWN.has(code) || code < 3000;
}
