import { assertEquals, assertStrictEquals } from "@std/assert";
import type { GatewayPayload, SentPayload } from "../lib/payload.ts";
import {
  INITIAL_STATE,
  type ResumableSession,
  type SessionEffect,
  type SessionInput,
  type SessionPhase,
  type SessionState,
  step,
} from "../lib/session.ts";
import { test } from "./harness.ts";

const SESSION: ResumableSession = { id: "a1b2", sequence: 42, resumeUrl: "wss://resume.example" };
const NO_PAUSE = [0, 0] as const;

/** Every state that the rules tell apart. Those of a connection have sent a heartbeat that is not answered. */
const CONNECTING = stateOf("connecting", null);
const CONNECTING_TO_RESUME = stateOf("connecting", SESSION);
const IDENTIFYING = stateOf("identifying", null, 1);
const RESUMING = stateOf("resuming", SESSION, 1);
const READY = stateOf("ready", SESSION, 1);
const IDLE = [stateOf("idle", null), stateOf("idle", SESSION)];
const FAILED = [stateOf("failed", null), stateOf("failed", SESSION)];
const GREETED = [IDENTIFYING, RESUMING, READY];
const CONNECTED = [CONNECTING, CONNECTING_TO_RESUME, ...GREETED];

function stateOf(phase: SessionPhase, session: ResumableSession | null, unacked = 0): SessionState {
  return deepFreeze({ phase, session, unacked });
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

function payload(op: number, d: unknown = null, s: number | null = null, t: string | null = null): SessionInput {
  const payload: GatewayPayload = { op, d, s, t };
  return deepFreeze({ type: "payload", payload });
}

function hello(interval: unknown = 41_250): SessionInput {
  return payload(10, { heartbeat_interval: interval, _trace: [] });
}

function dispatch(s: number | null, t: string | null = "MESSAGE_CREATE", d?: unknown): SessionInput {
  return payload(0, d, s, t);
}

function ready(s: number | null = 1, d: unknown = { session_id: "new", resume_gateway_url: "wss://new.example" }) {
  return dispatch(s, "READY", d);
}

function beat(heard: boolean): SessionInput {
  return { type: "beat", heard };
}

function close(code: number): SessionInput {
  return { type: "close", code };
}

function send(op: number, d: unknown): SessionEffect {
  const payload: SentPayload = { op, d };
  return { type: "send", payload };
}

function disconnected(session: ResumableSession | null, pauseMs: readonly [number, number] = NO_PAUSE) {
  return [{ phase: "idle", session, unacked: 0 }, [{ type: "disconnect", pauseMs }]];
}

function assertStep(state: SessionState, input: SessionInput, expected: unknown): void {
  assertEquals(step(state, input) as unknown, expected, `${describe(state)}, ${JSON.stringify(input)}`);
}

/** Nothing has to be done, and the state is the same object. */
function assertIgnored(state: SessionState, input: SessionInput): void {
  const [next, effects] = step(state, input);
  assertStrictEquals(next, state, `${describe(state)}, ${JSON.stringify(input)}`);
  assertEquals(effects, [], `${describe(state)}, ${JSON.stringify(input)}`);
}

function describe({ phase, session }: SessionState): string {
  return `${phase} with${session === null ? "out" : ""} a session`;
}

/** The effects of all inputs, and the state after them. */
function run(state: SessionState, ...inputs: SessionInput[]): [SessionState, SessionEffect[]] {
  const all: SessionEffect[] = [];
  for (const input of inputs) {
    const [next, effects] = step(state, input);
    state = deepFreeze(next);
    all.push(...effects);
  }
  return [state, all];
}

test("INITIAL_STATE is idle and has no session", () => {
  assertEquals(INITIAL_STATE, { phase: "idle", session: null, unacked: 0 });
});

// Opening

test("step begins a connection at open in every phase but failed, with the session there is", () => {
  for (const state of [...IDLE, ...CONNECTED]) {
    assertStep(state, { type: "open" }, [{ phase: "connecting", session: state.session, unacked: 0 }, []]);
  }
});

// HELLO

test("step starts the heart and identifies at HELLO where there is no session", () => {
  assertStep(CONNECTING, hello(41_250), [
    { phase: "identifying", session: null, unacked: 0 },
    [{ type: "heart", intervalMs: 41_250 }, { type: "identify" }],
  ]);
});

test("step starts the heart and resumes at HELLO where there is a session, without the token", () => {
  assertStep(CONNECTING_TO_RESUME, hello(45_000), [
    { phase: "resuming", session: SESSION, unacked: 0 },
    [{ type: "heart", intervalMs: 45_000 }, send(6, { session_id: "a1b2", seq: 42 })],
  ]);
});

test("step takes any heartbeat interval that a timer can wait for", () => {
  for (const interval of [0.5, 1, 41_250, 2 ** 31 - 1]) {
    assertEquals(step(CONNECTING, hello(interval))[1][0], { type: "heart", intervalMs: interval });
  }
});

test("step gives up a connection whose HELLO is malformed, and keeps the session", () => {
  const malformed = [0, -1, NaN, Infinity, 2 ** 31, "41250", null, true, [41_250]].map(hello);
  for (const input of [...malformed, payload(10), payload(10, {}), payload(10, "x"), payload(10, 7), payload(10, [])]) {
    assertStep(CONNECTING, input, disconnected(null));
    assertStep(CONNECTING_TO_RESUME, input, disconnected(SESSION));
  }
});

test("step ignores a second HELLO, malformed or not", () => {
  for (const state of GREETED) {
    assertIgnored(state, hello());
    assertIgnored(state, payload(10));
  }
});

// Heartbeats

test("step sends a scheduled heartbeat with null before the first dispatch", () => {
  const state = stateOf("identifying", null);
  assertStep(state, beat(true), [{ ...state, unacked: 1 }, [send(1, null)]]);
});

test("step sends a scheduled heartbeat with the last sequence number received, also while it resumes", () => {
  for (const phase of ["resuming", "ready"] as const) {
    for (const heard of [true, false]) {
      const state = stateOf(phase, SESSION);
      assertStep(state, beat(heard), [{ ...state, unacked: 1 }, [send(1, 42)]]);
    }
  }
});

test("step has the heartbeats follow the newest dispatch of a replay", () => {
  const [, effects] = run(stateOf("resuming", SESSION), dispatch(43), beat(true), dispatch(44), beat(true));
  assertEquals(effects.filter(({ type }) => type === "send"), [send(1, 43), send(1, 44)]);
});

test("step does not beat before HELLO", () => {
  for (const heard of [true, false]) {
    assertIgnored(CONNECTING, beat(heard));
    assertIgnored(CONNECTING_TO_RESUME, beat(heard));
  }
});

test("step gives up a connection after one silent interval without an ACK, and keeps the session", () => {
  for (const state of GREETED) assertStep(state, beat(false), disconnected(state.session));
});

test("step gives a connection whose frames still arrive one more interval, and not two", () => {
  for (const state of GREETED) {
    const d = state.session?.sequence ?? null;
    const more = stateOf(state.phase, state.session, 2);
    assertStep(state, beat(true), [more, [send(1, d)]]);
    assertStep(more, beat(true), disconnected(state.session));
    assertStep(more, beat(false), disconnected(state.session));
  }
});

test("step takes an ACK for all heartbeats before it", () => {
  for (const { phase, session } of GREETED) {
    for (const unacked of [1, 2]) {
      assertStep(stateOf(phase, session, unacked), payload(11), [{ phase, session, unacked: 0 }, []]);
    }
  }
});

test("step ignores an ACK that no scheduled heartbeat waits for", () => {
  for (const { phase, session } of CONNECTED) assertIgnored(stateOf(phase, session), payload(11));
});

test("step beats for ever where every heartbeat is answered, however silent the gateway is otherwise", () => {
  let state = stateOf("ready", SESSION);
  for (let beats = 0; beats < 100; beats++) {
    const [next, effects] = run(state, beat(false), payload(11));
    assertEquals(effects, [send(1, 42)]);
    state = next;
  }
});

test("step answers a requested heartbeat at once in every phase of a connection, before HELLO as well", () => {
  for (const state of CONNECTED) {
    for (const input of [payload(1), payload(1, 251)]) {
      assertStep(state, input, [state, [send(1, state.session?.sequence ?? null)]]);
    }
  }
});

test("step neither awaits an ACK for the answer to a requested heartbeat nor checks for one", () => {
  for (const { phase, session } of GREETED) {
    const asked = Array.from({ length: 10 }, () => payload(1));
    const [state, effects] = run(stateOf(phase, session), ...asked, beat(false));
    assertEquals(state, { phase, session, unacked: 1 });
    assertEquals(effects.length, 11);
    assertEquals(run(state, ...asked)[0], state);
  }
});

// READY

test("step takes the session from READY and hands it over", () => {
  assertStep(IDENTIFYING, ready(1), [
    { phase: "ready", session: { id: "new", sequence: 1, resumeUrl: "wss://new.example" }, unacked: 1 },
    [{ type: "dispatch", missed: 0 }],
  ]);
});

test("step begins the session with the sequence number of READY, whatever it is", () => {
  assertEquals(step(IDENTIFYING, ready(7))[0].session?.sequence, 7);
  assertEquals(step(IDENTIFYING, ready(null))[0].session?.sequence, 0);
});

test("step takes a READY without a URL to resume on, and one with a wrong one", () => {
  for (const url of [undefined, null, 7, {}]) {
    const [state, effects] = step(IDENTIFYING, ready(1, { session_id: "new", resume_gateway_url: url }));
    assertEquals(state.session, { id: "new", sequence: 1, resumeUrl: "" });
    assertEquals(effects, [{ type: "dispatch", missed: 0 }]);
  }
});

test("step starts a new session where READY names none, in every phase", () => {
  const malformed = [null, undefined, {}, [], "x", 7, true, { session_id: "" }, { session_id: 7 }, {
    session_id: null,
  }];
  for (const state of GREETED) {
    for (const d of malformed) assertStep(state, dispatch(1, "READY", d), disconnected(null));
  }
});

test("step takes the new session of a READY that answers a resume or comes amid a session", () => {
  for (const state of [RESUMING, READY]) {
    assertStep(state, ready(1), [
      { phase: "ready", session: { id: "new", sequence: 1, resumeUrl: "wss://new.example" }, unacked: 1 },
      [{ type: "dispatch", missed: 0 }],
    ]);
  }
});

test("step drops a READY that comes again, so that the sequence does not go back", () => {
  for (const state of [RESUMING, READY]) {
    for (const s of [null, 1, 42]) assertIgnored(state, ready(s, { session_id: "a1b2" }));
  }
});

test("step takes a READY of the session that is being resumed where it was not received before", () => {
  const state = stateOf("resuming", { ...SESSION, sequence: 0 });
  assertStep(state, ready(1, { session_id: "a1b2", resume_gateway_url: "wss://other.example" }), [
    { phase: "ready", session: { id: "a1b2", sequence: 1, resumeUrl: "wss://other.example" }, unacked: 0 },
    [{ type: "dispatch", missed: 0 }],
  ]);
});

// RESUMED

test("step is ready at RESUMED, whose sequence number counts", () => {
  assertStep(RESUMING, dispatch(43, "RESUMED"), [
    { phase: "ready", session: { ...SESSION, sequence: 43 }, unacked: 1 },
    [{ type: "dispatch", missed: 0 }],
  ]);
});

test("step is ready at a RESUMED without a sequence number, or with one that was there before", () => {
  for (const s of [null, 42, 1]) {
    assertStep(RESUMING, dispatch(s, "RESUMED"), [{ ...RESUMING, phase: "ready" }, [{ type: "dispatch", missed: 0 }]]);
  }
});

test("step says how much is missing where RESUMED comes before all of the replay", () => {
  assertStep(RESUMING, dispatch(50, "RESUMED"), [
    { phase: "ready", session: { ...SESSION, sequence: 50 }, unacked: 1 },
    [{ type: "dispatch", missed: 7 }],
  ]);
});

test("step goes on resuming until RESUMED, and hands over the replay", () => {
  assertStep(RESUMING, dispatch(43), [
    { phase: "resuming", session: { ...SESSION, sequence: 43 }, unacked: 1 },
    [{ type: "dispatch", missed: 0 }],
  ]);
});

test("step treats a RESUMED that nobody waits for as any other dispatch", () => {
  assertStep(READY, dispatch(43, "RESUMED"), [
    { ...READY, session: { ...SESSION, sequence: 43 } },
    [{ type: "dispatch", missed: 0 }],
  ]);
  assertIgnored(READY, dispatch(42, "RESUMED"));
  assertStep(IDENTIFYING, dispatch(1, "RESUMED"), [IDENTIFYING, [{ type: "dispatch", missed: 0 }]]);
});

// Dispatches

test("step hands over the next dispatch and counts its sequence number, also without a name", () => {
  for (const t of ["MESSAGE_CREATE", "SOMETHING_NEW", null]) {
    assertStep(READY, dispatch(43, t), [
      { ...READY, session: { ...SESSION, sequence: 43 } },
      [{ type: "dispatch", missed: 0 }],
    ]);
  }
});

test("step drops a dispatch that was received before", () => {
  for (const state of [RESUMING, READY]) for (const s of [42, 41, 1, 0, -1]) assertIgnored(state, dispatch(s));
});

test("step says how many sequence numbers a dispatch skips", () => {
  for (const state of [RESUMING, READY]) {
    for (const [s, missed] of [[44, 1], [45, 2], [1_043, 1_000]] as const) {
      assertStep(state, dispatch(s), [
        { ...state, session: { ...SESSION, sequence: s } },
        [{ type: "dispatch", missed }],
      ]);
    }
  }
});

test("step hands over a dispatch without a sequence number and keeps the last one", () => {
  for (const state of [RESUMING, READY]) {
    assertStep(state, dispatch(null), [state, [{ type: "dispatch", missed: 0 }]]);
  }
});

test("step hands over a dispatch before READY, which belongs to no session yet", () => {
  assertStep(IDENTIFYING, dispatch(3), [IDENTIFYING, [{ type: "dispatch", missed: 0 }]]);
});

test("step ignores a dispatch before HELLO, READY and RESUMED among them", () => {
  for (const state of [CONNECTING, CONNECTING_TO_RESUME]) {
    for (const input of [dispatch(43), dispatch(null), ready(1), ready(1, null), dispatch(43, "RESUMED")]) {
      assertIgnored(state, input);
    }
  }
});

// Op 7 and op 9

test("step reconnects at once at op 7 in every phase of a connection, before HELLO as well, and keeps the session", () => {
  for (const state of CONNECTED) {
    for (const d of [null, false, true]) assertStep(state, payload(7, d), disconnected(state.session));
  }
});

test("step keeps the session at op 9 true in every phase of a connection, and waits 1 to 5 seconds", () => {
  for (const state of CONNECTED) assertStep(state, payload(9, true), disconnected(state.session, [1_000, 5_000]));
});

test("step drops the session at op 9 false in every phase of a connection, and waits 1 to 5 seconds", () => {
  for (const state of CONNECTED) assertStep(state, payload(9, false), disconnected(null, [1_000, 5_000]));
});

test("step takes an op 9 that is neither for false", () => {
  for (const state of CONNECTED) {
    for (const d of [null, undefined, 1, "true", {}, []]) {
      assertStep(state, payload(9, d), disconnected(null, [1_000, 5_000]));
    }
  }
});

test("step identifies on the next connection after op 9 false, and resumes after op 9 true", () => {
  const [, lost] = run(READY, payload(9, false), { type: "open" }, hello());
  assertEquals(lost.at(-1), { type: "identify" });
  const [, kept] = run(READY, payload(9, true), { type: "open" }, hello());
  assertEquals(kept.at(-1), send(6, { session_id: "a1b2", seq: 42 }));
});

// Other opcodes

test("step ignores opcodes that only clients send, and those that nobody knows", () => {
  for (const state of CONNECTED) {
    for (const op of [2, 3, 4, 5, 6, 8, 12, 31, 36, 37, 43, 99, -1, Number.MAX_SAFE_INTEGER]) {
      assertIgnored(state, payload(op, { session_id: "x", heartbeat_interval: 1 }));
    }
  }
});

// Closes: what the documentation says about every code

const RESUMES: readonly [code: number, why: string][] = [
  [4000, "unknown error"],
  [4001, "unknown opcode"],
  [4002, "decode error"],
  [4005, "already authenticated"],
  [1000, "closed in order"],
  [1001, "going away"],
  [1005, "closed without a code"],
  [1006, "lost"],
  [0, "reset"],
  [1011, "internal error"],
  [3000, "not registered"],
  [4006, "not documented any more"],
  [4015, "not known yet"],
  [4900, "our own"],
  [4999, "not known"],
];

for (const [code, why] of RESUMES) {
  test(`step resumes after close ${code} (${why}), and without a session identifies`, () => {
    for (const state of CONNECTED) assertStep(state, close(code), disconnected(state.session));
  });
}

const IDENTIFIES: readonly [code: number, why: string][] = [
  [4003, "not authenticated"],
  [4007, "invalid sequence"],
  [4009, "session timed out"],
];

for (const [code, why] of IDENTIFIES) {
  test(`step starts a new session after close ${code} (${why})`, () => {
    for (const state of CONNECTED) assertStep(state, close(code), disconnected(null));
  });
}

test("step rests before it resumes after close 4008 (rate limited)", () => {
  for (const state of CONNECTED) assertStep(state, close(4008), disconnected(state.session, [5_000, 15_000]));
});

const STOPS: readonly [code: number, why: string][] = [
  [4004, "authentication failed"],
  [4010, "invalid shard"],
  [4011, "sharding required"],
  [4012, "invalid API version"],
  [4013, "invalid intents"],
  [4014, "disallowed intents"],
];

for (const [code, why] of STOPS) {
  test(`step fails for good after close ${code} (${why})`, () => {
    for (const state of CONNECTED) {
      assertStep(state, close(code), [
        { phase: "failed", session: state.session, unacked: 0 },
        [{ type: "fail", code }],
      ]);
    }
  });
}

// After the end

const LATE: readonly SessionInput[] = [
  hello(),
  payload(10),
  ready(1),
  ready(1, null),
  dispatch(43),
  dispatch(43, "RESUMED"),
  payload(1),
  payload(7),
  payload(9, true),
  payload(9, false),
  payload(11),
  payload(99),
  beat(true),
  beat(false),
  ...[0, 1000, 1006, 4000, 4003, 4004, 4008, 4014, 4999].map(close),
];

test("step ignores what comes from a connection that was given up: the resume brings it again", () => {
  for (const state of IDLE) for (const input of LATE) assertIgnored(state, input);
});

test("step stays failed, whatever comes", () => {
  for (const state of FAILED) for (const input of [{ type: "open" } as const, ...LATE]) assertIgnored(state, input);
});

// A whole life

test("step goes from the first HELLO over a lost connection back to where it was", () => {
  const [state, effects] = run(
    INITIAL_STATE,
    { type: "open" },
    hello(),
    ready(1),
    dispatch(2),
    beat(true),
    payload(11),
    close(1006),
    dispatch(3),
    { type: "open" },
    hello(),
    dispatch(3),
    dispatch(4, "RESUMED"),
  );
  assertEquals(state, {
    phase: "ready",
    session: { id: "new", sequence: 4, resumeUrl: "wss://new.example" },
    unacked: 0,
  });
  assertEquals(effects, [
    { type: "heart", intervalMs: 41_250 },
    { type: "identify" },
    { type: "dispatch", missed: 0 },
    { type: "dispatch", missed: 0 },
    send(1, 2),
    { type: "disconnect", pauseMs: NO_PAUSE },
    { type: "heart", intervalMs: 41_250 },
    send(6, { session_id: "new", seq: 2 }),
    { type: "dispatch", missed: 0 },
    { type: "dispatch", missed: 0 },
  ]);
});
