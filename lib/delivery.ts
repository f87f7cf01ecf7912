/**
 * From a message to the listeners: reads no more of it than somebody asks for, and keeps account of what is handled.
 *
 * @module
 */
import { parsePayload, scanDispatch } from "./envelope.ts";
import { GatewayEvent, settlement } from "./gateway_event.ts";
import { knownName } from "./known_names.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { GatewayPayload } from "./payload.ts";
import type { ShardCore } from "./shard_core.ts";

/** Which listeners count: those for all events can do without the data, but not without the message. */
type Has = "hasListeners" | "hasNamedListeners";

/**
 * Reads a message; the data of a dispatch is `undefined` where nobody is going to look at it. A message that is none is
 * `null`.
 *
 * @throws {SyntaxError} If the message is not JSON.
 */
export function readMessage(core: ShardCore, message: string): GatewayPayload | null {
  const known = knownName(message);
  return readUnwanted(core, message, known, "hasNamedListeners") ?? parsePayload(message, known);
}

/** Reads the head of a message; `null` where somebody may want more of it. */
export function readHead(core: ShardCore, head: string): GatewayPayload | null {
  return readUnwanted(core, head, knownName(head), "hasListeners");
}

function readUnwanted(core: ShardCore, message: string, known: string | undefined, has: Has): GatewayPayload | null {
  // At once: whatever else the message is, the whole of it is parsed then.
  if (known !== undefined && isWanted(core, known, has)) return null;
  const dispatch = scanDispatch(message, known);
  if (dispatch === null || (known === undefined && isWanted(core, dispatch.t, has))) return null;
  return { op: GatewayOpcode.Dispatch, d: undefined, s: dispatch.s, t: dispatch.t };
}

function isWanted(core: ShardCore, t: string, has: Has): boolean {
  return t === "READY" || core.eventDispatcher[has](t) || core.rawDispatcher[has](GatewayOpcode.Dispatch) ||
    core.requests.awaits(t);
}

/**
 * Hands a dispatch to everyone who listens; `missed` sequence numbers were skipped before it. Without its message nobody
 * did when it came.
 */
export function deliver(core: ShardCore, payload: GatewayPayload, message: string | undefined, missed: number): void {
  const { s, d, t } = payload;
  if (missed > 0) core.emit("sequence_gap", { sequence: s as number, missed });
  if (message === undefined) return core.handled.add(s as number, undefined);
  if (t !== null && core.requests.awaits(t)) core.requests.onDispatch(t, d);
  const raw = deliverRaw(core, payload, message);
  // What was parsed was parsed for somebody.
  const settled = t !== null && (d !== undefined || core.eventDispatcher.hasListeners(t))
    ? emit(core, core.eventDispatcher, t, payload, d, message)
    : undefined;
  if (s !== null) core.handled.add(s, raw && settled ? raw.then(() => settled) : raw ?? settled);
}

/** Hands a payload to everyone who listens for its opcode. */
export function deliverRaw(core: ShardCore, payload: GatewayPayload, message: string): Promise<void> | undefined {
  if (!core.rawDispatcher.hasListeners(payload.op)) return undefined;
  const detail = payload.d === undefined ? undefined : payload;
  return emit(core, core.rawDispatcher, String(payload.op), payload, detail, message);
}

function emit(
  core: ShardCore,
  dispatcher: { emit(event: GatewayEvent): void },
  type: string,
  payload: GatewayPayload,
  detail: unknown,
  message: string,
): Promise<void> | undefined {
  const event = new GatewayEvent(type, {
    shardId: core.parts.shardId,
    sessionId: core.state.session?.id ?? null,
    sequence: payload.s,
    payload: message,
    detail,
  });
  dispatcher.emit(event);
  return settlement(event);
}
