/**
 * Random inputs for the session's rules: anything at any time, with names to count them by.
 *
 * @module
 */
import type { Random } from "../lib/testing/random.ts";
import type { GatewayPayload } from "../lib/payload.ts";
import type { SessionInput, SessionState } from "../lib/session.ts";

/** Must show up in no state and no effect: the token is the shell's alone. */
export const TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.secret";

/** Close codes after which there is no use in going on. */
export const STOPS: readonly number[] = [4004, 4010, 4011, 4012, 4013, 4014];
/** Close codes that end the session. */
export const IDENTIFIES: readonly number[] = [4003, 4007, 4009];
/** Close codes of every kind: documented, of the WebSocket protocol, and unknown. */
export const CLOSES: readonly number[] = [
  ...[4000, 4001, 4002, 4005, 4008, ...IDENTIFIES, ...STOPS],
  ...[0, 1000, 1001, 1005, 1006, 1011, 3000, 4006, 4900, 4999],
];
/** What only clients send, and what nobody knows. */
const OTHER_OPCODES = [2, 3, 4, 6, 8, 31, 43, 5, 12, 99, -1];

type Make = (random: Random, state: SessionState) => SessionInput;

/** An input that is a payload. */
export function payload(op: number, d: unknown = null, s: number | null = null, t: string | null = null): SessionInput {
  const payload: GatewayPayload = { op, d, s, t };
  return { type: "payload", payload };
}

function dispatch(random: Random, s: number | null): SessionInput {
  return payload(0, { content: TOKEN }, s, pick(random, ["MESSAGE_CREATE", "GUILD_CREATE", "NO_SUCH_EVENT", null]));
}

function ready(random: Random, session_id: unknown, s: number | null): SessionInput {
  const resume_gateway_url = pick(random, ["wss://a.example", "wss://b.example", undefined, 7]);
  return payload(0, { token: TOKEN, session_id, resume_gateway_url }, s, "READY");
}

const WITHOUT_SESSION: Readonly<Record<string, Make>> = {
  "dispatch": (random) => dispatch(random, random.below(50)),
};

const WITH_SESSION: Readonly<Record<string, Make>> = {
  "dispatch, next": (random, { session }) => dispatch(random, session!.sequence + 1),
  "dispatch, again": (random, { session }) => dispatch(random, session!.sequence - random.below(20)),
  "dispatch, skipping": (random, { session }) => dispatch(random, session!.sequence + 2 + random.below(20)),
  "READY, again": (random, { session }) => ready(random, session!.id, pick(random, [null, session!.sequence])),
  "READY, same later": (random, { session }) => ready(random, session!.id, session!.sequence + 1 + random.below(3)),
};

const ALWAYS: Readonly<Record<string, Make>> = {
  "open": () => ({ type: "open" }),
  "beat, heard": () => ({ type: "beat", heard: true }),
  "beat, silent": () => ({ type: "beat", heard: false }),
  "HELLO": (random) => payload(10, { token: TOKEN, heartbeat_interval: pick(random, [0.5, 10, 41_250, 2 ** 31 - 1]) }),
  "HELLO, malformed": (random) =>
    payload(
      10,
      pick(random, [null, undefined, 7, "x", {}, ...[0, -1, NaN, Infinity, 2 ** 31, "41250", null].map(intervalOf)]),
    ),
  "READY": (random) => ready(random, `session ${random.next()}`, pick(random, [null, 0, 1, 1, 1, 5])),
  "READY, malformed": (random) =>
    payload(0, pick(random, [null, undefined, 7, "x", {}, { session_id: "" }, { session_id: 7 }]), 1, "READY"),
  "RESUMED": (random, { session }) =>
    payload(0, {}, pick(random, [null, 1, (session?.sequence ?? 0) + random.below(4)]), "RESUMED"),
  "dispatch, no number": (random) => dispatch(random, null),
  "op 1": (random) => payload(1, pick(random, [null, 251])),
  "op 7": () => payload(7),
  "op 9 true": () => payload(9, true),
  "op 9 false": () => payload(9, false),
  "op 9, malformed": (random) => payload(9, pick(random, [null, undefined, 1, "true", {}])),
  "op 11": (random) => payload(11, pick(random, [null, undefined])),
  ...Object.fromEntries(OTHER_OPCODES.map((op) => [`op ${op}`, () => payload(op, { session_id: "x" })])),
  ...Object.fromEntries(CLOSES.map((code) => [`close ${code}`, () => ({ type: "close", code }) as const])),
};

function intervalOf(heartbeat_interval: unknown): unknown {
  return { heartbeat_interval };
}

const MAKERS: Readonly<Record<"with" | "without", Readonly<Record<string, Make>>>> = {
  with: { ...ALWAYS, ...WITH_SESSION },
  without: { ...ALWAYS, ...WITHOUT_SESSION },
};

/** The names of all inputs. */
export const INPUT_NAMES: readonly string[] = Object.keys({ ...ALWAYS, ...WITHOUT_SESSION, ...WITH_SESSION });

/** What the gateway is likely to send, so that sessions come about and live for a while. */
const LIKELY = ["dispatch, next", "dispatch, next", "dispatch", "beat, heard", "op 11", "RESUMED", "op 1"];

/** What is to come next where a connection is on its way, and how likely it is. */
const PROGRESS: Readonly<Record<string, readonly [name: string, probability: number]>> = {
  idle: ["open", 0.4],
  connecting: ["HELLO", 0.3],
  identifying: ["READY", 0.2],
  resuming: ["RESUMED", 0.1],
};

/** Whether an input of this name can come where there is, or is not, a session: some refer to the session's own. */
export function isPossible(name: string, hasSession: boolean): boolean {
  return name in MAKERS[hasSession ? "with" : "without"];
}

/** Anything that may come, likely or not, and what it is called. */
export function randomInput(random: Random, state: SessionState): [name: string, input: SessionInput] {
  const name = randomName(random, state);
  return [name, (MAKERS[state.session === null ? "without" : "with"][name] as Make)(random, state)];
}

function randomName(random: Random, { phase, session }: SessionState): string {
  const [next, probability] = PROGRESS[phase] ?? ["", 0];
  if (random.next() < probability) return next;
  const likely = pick(random, LIKELY);
  if (phase !== "failed" && random.next() < 0.6 && isPossible(likely, session !== null)) return likely;
  return pick(random, Object.keys(MAKERS[session === null ? "without" : "with"]));
}

/** One of the values. */
export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)] as T;
}
