/**
 * The gateway's session rules as a pure function: {@linkcode step} takes the state and what happened, and gives the
 * next state and what has to be done about it. It never waits, sends or looks at a clock.
 *
 * @module
 */
import { MAX_TIMER_MS } from "./check.ts";
import { GatewayOpcode } from "./opcode.ts";
import { recoveryOf } from "./close_code.ts";
import type { GatewayPayload, SentPayload } from "./payload.ts";

/** Where a session is: what the next message of the gateway means depends on it. */
export type SessionPhase = "idle" | "connecting" | "identifying" | "resuming" | "ready" | "failed";

/** What is needed to go on with a session on another connection. */
export interface ResumableSession {
  /** The session's id, from READY. */
  readonly id: string;
  /** The sequence number of the last dispatch received. */
  readonly sequence: number;
  /** The URL to resume on, from READY; empty when READY named none. */
  readonly resumeUrl: string;
}

/** The whole state: plain data. */
export interface SessionState {
  /** Where the session is. */
  readonly phase: SessionPhase;
  /** What could be resumed, or `null`. */
  readonly session: ResumableSession | null;
  /** How many scheduled heartbeats were sent since the last ACK. */
  readonly unacked: number;
}

/** What can happen. `heard` says whether any frame came since the scheduled heartbeat before. */
export type SessionInput =
  | { readonly type: "open" }
  | { readonly type: "payload"; readonly payload: GatewayPayload }
  | { readonly type: "beat"; readonly heard: boolean }
  | { readonly type: "close"; readonly code: number };

/**
 * What has to be done about it. A RESUME is sent without its token, which the state never holds. `disconnect` ends the
 * connection; the next one is opened no sooner than a random time in `pauseMs`. `missed` counts the sequence numbers
 * that were skipped before a dispatch.
 */
export type SessionEffect =
  | { readonly type: "send"; readonly payload: SentPayload }
  | { readonly type: "identify" }
  | { readonly type: "heart"; readonly intervalMs: number }
  | { readonly type: "dispatch"; readonly missed: number }
  | { readonly type: "disconnect"; readonly pauseMs: readonly [number, number] }
  | { readonly type: "fail"; readonly code: number };

type Step = readonly [SessionState, readonly SessionEffect[]];

/** A session that has not begun. */
export const INITIAL_STATE: SessionState = { phase: "idle", session: null, unacked: 0 };

const NO_PAUSE = [0, 0] as const;

/**
 * "Wait between 1 and 5 seconds before sending a new identify": advice of Discord's staff for both kinds of op 9.
 *
 * @see {@link https://github.com/discord/discord-api-docs/issues/244}
 */
const INVALID_SESSION_PAUSE_MS = [1_000, 5_000] as const;

/** Repeat offenders of the send limit lose access to the API, so there is a rest before the next window is used. */
const RATE_LIMITED_PAUSE_MS = [5_000, 15_000] as const;

const NOTHING: readonly SessionEffect[] = [];
const DISPATCH: readonly SessionEffect[] = [{ type: "dispatch", missed: 0 }];

/** Decides what an input means for the state. Total: every input is allowed at any time. */
export function step(state: SessionState, input: SessionInput): Step {
  if (state.phase === "failed") return [state, NOTHING];
  if (input.type === "open") return [{ ...state, phase: "connecting", unacked: 0 }, NOTHING];
  // What still comes from a connection that was given up is not received: the resume brings it again.
  if (state.phase === "idle") return [state, NOTHING];
  switch (input.type) {
    case "payload":
      return onPayload(state, input.payload);
    case "beat":
      return onBeat(state, input.heard);
    case "close":
      return onClose(state, input.code);
  }
}

/** Ends the connection; what comes next depends on whether a session is left. */
function disconnect(
  session: ResumableSession | null,
  pauseMs: readonly [number, number] = NO_PAUSE,
): Step {
  return [{ phase: "idle", session, unacked: 0 }, [{ type: "disconnect", pauseMs }]];
}

function onPayload(state: SessionState, payload: GatewayPayload): Step {
  switch (payload.op) {
    case GatewayOpcode.Dispatch:
      return onDispatch(state, payload);
    case GatewayOpcode.Hello:
      return onHello(state, payload.d);
    case GatewayOpcode.HeartbeatAck:
      return state.unacked === 0 ? [state, NOTHING] : [{ ...state, unacked: 0 }, NOTHING];
    case GatewayOpcode.Heartbeat:
      // "Respond with a heartbeat immediately": an extra one, which no ACK is awaited for.
      return [state, [{ type: "send", payload: heartbeat(state) }]];
    case GatewayOpcode.Reconnect:
      // May come at any time, before HELLO as well: "reconnect and resume immediately".
      return disconnect(state.session);
    case GatewayOpcode.InvalidSession:
      // "The inner d key is a boolean that indicates whether the session may be resumable."
      return disconnect(payload.d === true ? state.session : null, INVALID_SESSION_PAUSE_MS);
    default:
      return [state, NOTHING];
  }
}

/** @see {@link https://discord.com/developers/docs/events/gateway#hello-event} */
function onHello(state: SessionState, data: unknown): Step {
  if (state.phase !== "connecting") return [state, NOTHING];
  const intervalMs = (data as { heartbeat_interval?: unknown } | null)?.heartbeat_interval;
  if (typeof intervalMs !== "number" || !(intervalMs > 0 && intervalMs <= MAX_TIMER_MS)) {
    return disconnect(state.session);
  }
  const heart = { type: "heart", intervalMs } as const;
  const { session } = state;
  if (session === null) return [{ ...state, phase: "identifying" }, [heart, { type: "identify" }]];
  const resume = { op: GatewayOpcode.Resume, d: { session_id: session.id, seq: session.sequence } };
  return [{ ...state, phase: "resuming" }, [heart, { type: "send", payload: resume }]];
}

/** @see {@link https://discord.com/developers/docs/events/gateway#resuming} */
function onDispatch(state: SessionState, { s, t, d }: GatewayPayload): Step {
  const { phase, session } = state;
  // Nothing can be dispatched to a connection that has not been greeted.
  if (phase === "connecting") return [state, NOTHING];
  if (t === "READY") return onReady(state, s, d);
  const usable = t === "RESUMED" && phase === "resuming" ? "ready" : phase;
  if (session === null || s === null) return [{ ...state, phase: usable }, DISPATCH];
  // A replay may bring again what was received before the connection broke.
  if (s <= session.sequence) return usable === phase ? [state, NOTHING] : [{ ...state, phase: usable }, DISPATCH];
  const missed = s - session.sequence - 1;
  const { id, resumeUrl } = session;
  const next = { phase: usable, session: { id, sequence: s, resumeUrl }, unacked: state.unacked };
  return [next, missed === 0 ? DISPATCH : [{ type: "dispatch", missed }]];
}

/** @see {@link https://discord.com/developers/docs/events/gateway#ready-event} */
function onReady(state: SessionState, s: number | null, data: unknown): Step {
  const { session_id: id, resume_gateway_url: url } = (data ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || id === "") return disconnect(null);
  const sequence = s ?? 0;
  // READY may come again as any dispatch may; taking it would send the sequence back.
  if (id === state.session?.id && sequence <= state.session.sequence) return [state, NOTHING];
  const session = { id, sequence, resumeUrl: typeof url === "string" ? url : "" };
  return [{ ...state, phase: "ready", session }, DISPATCH];
}

/**
 * A scheduled heartbeat is due, the one time at which liveness is judged: "if a client does not receive a heartbeat ack
 * between its attempts at sending heartbeats", the connection is a zombie. Frames that still arrive buy one more
 * interval, because an ACK queues behind them.
 *
 * @see {@link https://discord.com/developers/docs/events/gateway#heartbeat-interval-example-heartbeat-ack}
 */
function onBeat(state: SessionState, heard: boolean): Step {
  if (state.phase === "connecting") return [state, NOTHING];
  if (state.unacked >= (heard ? 2 : 1)) return disconnect(state.session);
  return [{ ...state, unacked: state.unacked + 1 }, [{ type: "send", payload: heartbeat(state) }]];
}

/** @see {@link https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes} */
function onClose(state: SessionState, code: number): Step {
  const recovery = recoveryOf(code);
  if (recovery === "stop") return [{ ...state, phase: "failed", unacked: 0 }, [{ type: "fail", code }]];
  return disconnect(
    recovery === "resume" ? state.session : null,
    code === 4008 ? RATE_LIMITED_PAUSE_MS : NO_PAUSE,
  );
}

/** "The inner d key is the last sequence number—s—received by the client, or null." */
export function heartbeat(state: SessionState): SentPayload {
  return { op: GatewayOpcode.Heartbeat, d: state.session?.sequence ?? null };
}
