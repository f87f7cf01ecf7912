/**
 * What has to hold for every step of the session's rules, told from the inputs alone.
 *
 * @module
 */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { GatewayPayload } from "../lib/payload.ts";
import type { SessionEffect, SessionInput, SessionState } from "../lib/session.ts";
import { IDENTIFIES, STOPS } from "./session_inputs.ts";

/** What the inputs of one life say, kept apart from the state: what was received, and how the connection fares. */
export class Witness {
  /** The session that was announced last and is not lost. */
  id: string | null = null;
  /** The last sequence number received in it. */
  received: number | null = null;
  hearts = 0;
  starts = 0;
  /** Scheduled heartbeats since the last ACK. */
  unanswered = 0;

  /** Checks one step, and takes in what happened. */
  check(before: SessionState, input: SessionInput, after: SessionState, effects: readonly SessionEffect[]): void {
    const types = effects.map(({ type }) => type).join(" ");
    this.#checkForm(after, types);
    if (before.phase === "failed" || (before.phase === "idle" && input.type !== "open")) {
      assert(after === before && types === "", "Nothing happens without a connection");
      return;
    }
    if (input.type === "open") return this.#onOpen(before, after, types);
    this.#checkEnd(before, input, after, effects);
    this.#checkSession(before, input, after);
    if (input.type === "payload") this.#checkPayload(before, input.payload, after, effects, types);
    if (input.type === "beat") this.#checkBeat(before, input.heard, after, effects, types);
    if (input.type === "close") assert(types === "disconnect" || types === "fail", "A close ends the connection");
    assert(this.hearts <= 1 && this.starts === this.hearts, "A connection starts one heart and one session");
    assertEquals(after.session?.sequence ?? null, this.received, "The state knows what was received");
    if (after.phase !== "idle" && after.phase !== "failed") assertEquals(after.unacked, this.unanswered);
  }

  #checkForm({ phase, session, unacked }: SessionState, types: string): void {
    assert(phase !== "identifying" || session === null, "Identifying is for who has no session");
    assert((phase !== "resuming" && phase !== "ready") || session !== null, "Resuming and ready need a session");
    assert(unacked >= 0 && unacked <= 2, "At most two heartbeats are without an ACK");
    assert(
      ["", "send", "heart identify", "heart send", "dispatch", "disconnect", "fail"].includes(types),
      `Effects that do not go together: ${types}`,
    );
  }

  #onOpen(before: SessionState, after: SessionState, types: string): void {
    assert(after.phase === "connecting" && after.unacked === 0 && types === "", "open begins anew");
    assert(after.session === before.session, "open keeps the session");
    this.hearts = this.starts = this.unanswered = 0;
  }

  /** An end has one effect, and the phase that goes with it. */
  #checkEnd(before: SessionState, input: SessionInput, after: SessionState, effects: readonly SessionEffect[]): void {
    const [effect] = effects;
    assertEquals(after.phase === "idle", effect?.type === "disconnect", "Idle after disconnect, and only then");
    assertEquals(after.phase === "failed", effect?.type === "fail", "Failed after fail, and only then");
    const stops = input.type === "close" && STOPS.includes(input.code);
    assertEquals(effect?.type === "fail", stops, "Just some close codes are the end of everything");
    if (effect?.type === "fail") {
      assert(input.type === "close" && effect.code === input.code, "The code is handed on");
      assert(after.session === before.session, "A failure keeps the session for whoever mends it");
    }
    if (effect?.type !== "disconnect") return;
    assertEquals(after.unacked, 0);
    const pause = input.type === "payload" && input.payload.op === 9
      ? [1_000, 5_000]
      : input.type === "close" && input.code === 4008
      ? [5_000, 15_000]
      : [0, 0];
    assertEquals<readonly number[]>(effect.pauseMs, pause);
  }

  /** The session changes for these reasons only; its sequence number never goes back. */
  #checkSession(before: SessionState, input: SessionInput, after: SessionState): void {
    const lost = input.type === "close"
      ? IDENTIFIES.includes(input.code)
      : input.type === "payload" && input.payload.op === 9 && input.payload.d !== true;
    const named = input.type === "payload" && input.payload.op === 0 && input.payload.t === "READY" &&
      before.phase !== "connecting";
    const id = named ? idIn(input.payload.d) : null;
    if (lost || (named && id === null)) {
      assert(after.session === null, "The session is lost");
      this.id = this.received = null;
    } else if (named && id !== this.id) {
      assertEquals(after.session?.id, id as string, "READY brings a session");
      this.id = id;
      this.received = input.payload.s ?? 0;
    } else {
      assertEquals(after.session?.id ?? null, this.id, "The session is kept");
      if (this.received !== null) assertGreaterOrEqual(after.session!.sequence, this.received);
      if (!named) assertEquals(after.session?.resumeUrl, before.session?.resumeUrl);
    }
  }

  #checkPayload(
    before: SessionState,
    { op, d, s, t }: GatewayPayload,
    after: SessionState,
    effects: readonly SessionEffect[],
    types: string,
  ): void {
    if (op === 0) return this.#checkDispatch(before, { op, d, s, t }, after, effects);
    assert(!types.includes("dispatch"), "Nothing but op 0 is a dispatch");
    if (op === 1) return this.#checkHeartbeat(before, after, effects);
    if (op === 7 || op === 9) return assertEquals(types, "disconnect");
    if (op === 10 && before.phase === "connecting") return this.#checkHello(d, after, effects, types);
    assertEquals(types, "");
    if (op === 11) this.unanswered = 0;
    else assert(after === before, "Other opcodes change nothing");
  }

  #checkHello(d: unknown, after: SessionState, effects: readonly SessionEffect[], types: string): void {
    const interval = (d as { heartbeat_interval?: unknown } | null | undefined)?.heartbeat_interval;
    if (typeof interval !== "number" || !(interval > 0) || interval >= 2 ** 31) {
      return assertEquals(types, "disconnect", "Nobody can beat like this");
    }
    this.hearts++;
    this.starts++;
    assertEquals(effects[0], { type: "heart", intervalMs: interval });
    assertEquals(after.phase, this.id === null ? "identifying" : "resuming");
    const resume = { op: 6, d: { session_id: this.id, seq: this.received } };
    assertEquals<unknown>(effects[1], this.id === null ? { type: "identify" } : { type: "send", payload: resume });
  }

  /** A dispatch is handed over if and only if it is new, with what was skipped before it. */
  #checkDispatch(
    before: SessionState,
    { d, s, t }: GatewayPayload,
    after: SessionState,
    effects: readonly SessionEffect[],
  ): void {
    if (before.phase === "connecting") return assert(after === before && effects.length === 0, "There was no HELLO");
    if (t === "READY") {
      const id = idIn(d);
      if (id === null) return assertEquals(effects[0]?.type, "disconnect");
      const again = id === before.session?.id && (s ?? 0) <= before.session.sequence;
      if (again) return assert(after === before && effects.length === 0, "The same READY came again");
      this.received = s ?? 0;
      assertEquals(after.phase, "ready");
      return assertEquals(effects, [{ type: "dispatch", missed: 0 }]);
    }
    const resumed = t === "RESUMED" && before.phase === "resuming";
    assertEquals(after.phase, resumed ? "ready" : before.phase);
    if (s === null || this.received === null) return assertEquals(effects, [{ type: "dispatch", missed: 0 }]);
    if (s <= this.received) return assertEquals(effects, resumed ? [{ type: "dispatch", missed: 0 }] : []);
    assertEquals(effects, [{ type: "dispatch", missed: s - this.received - 1 }]);
    this.received = s;
  }

  #checkBeat(
    before: SessionState,
    heard: boolean,
    after: SessionState,
    effects: readonly SessionEffect[],
    types: string,
  ): void {
    if (before.phase === "connecting") return assert(after === before && types === "", "There is no heart yet");
    const zombie = this.unanswered === 2 || (this.unanswered === 1 && !heard);
    if (zombie) return assertEquals(types, "disconnect", "A second interval without an ACK, or a third one");
    this.unanswered++;
    this.#checkHeartbeat({ ...before, unacked: before.unacked + 1 }, after, effects);
  }

  /** A heartbeat says what was received, and changes nothing else. */
  #checkHeartbeat(expected: SessionState, after: SessionState, effects: readonly SessionEffect[]): void {
    assertEquals(effects, [{ type: "send", payload: { op: 1, d: this.received } }]);
    assertEquals(after, expected);
  }
}

function idIn(d: unknown): string | null {
  const id = (d as { session_id?: unknown } | null | undefined)?.session_id;
  return typeof id === "string" && id !== "" ? id : null;
}
