import { assert, assertEquals, assertGreater } from "@std/assert";
import { INITIAL_STATE, type SessionInput, type SessionState, step } from "../lib/session.ts";
import { Random } from "../lib/testing/random.ts";
import { runtime, test } from "./harness.ts";
import {
  CLOSES,
  IDENTIFIES,
  INPUT_NAMES,
  isPossible,
  payload,
  pick,
  randomInput,
  STOPS,
  TOKEN,
} from "./session_inputs.ts";
import { Witness } from "./session_witness.ts";

const SEEDS = 1_500;
const INPUTS_PER_SEED = 400;

/**
 * Where a session can be: its phase, and whether there is a session to go on with. The others cannot come about:
 * whoever has a session resumes it and does not identify, and only READY, which brings one, makes it ready.
 */
const PLACES = [
  "idle −",
  "idle +",
  "connecting −",
  "connecting +",
  "identifying −",
  "resuming +",
  "ready +",
  "failed −",
  "failed +",
];

type Visits = Map<string, number>;

function placeOf({ phase, session }: SessionState): string {
  return `${phase} ${session === null ? "−" : "+"}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

/** Lives one life after the other: where one failed, a new one begins after a while. */
function live(seed: number, visits: Visits): void {
  const random = new Random(seed);
  let witness = new Witness();
  let state = deepFreeze(INITIAL_STATE);
  for (let i = 0; i < INPUTS_PER_SEED; i++) {
    if (state.phase === "failed" && random.next() < 0.1) [state, witness] = [INITIAL_STATE, new Witness()];
    const [name, input] = randomInput(random, state);
    const visit = `${name}\t${placeOf(state)}`;
    visits.set(visit, (visits.get(visit) ?? 0) + 1);
    try {
      state = checkedStep(state, deepFreeze(input), witness);
    } catch (cause) {
      const where = `seed ${seed}, input ${i}: ${JSON.stringify(input)} in ${JSON.stringify(state)}`;
      throw new Error(`${(cause as Error).message} (${where})`, { cause });
    }
  }
}

function checkedStep(state: SessionState, input: SessionInput, witness: Witness): SessionState {
  const [after, effects] = step(state, input);
  const written = JSON.stringify([after, effects]);
  assertEquals(JSON.stringify(step(state, input)), written, "The same again gives the same");
  assert(!written.includes(TOKEN) && !written.includes('"token"'), "The token shows");
  witness.check(state, input, deepFreeze(after), effects);
  return after;
}

function tableOf(visits: Visits): string {
  const rows = [
    ["", ...PLACES],
    ...INPUT_NAMES.map((name) => [name, ...PLACES.map((place) => cell(visits, name, place))]),
  ];
  const first = Math.max(...INPUT_NAMES.map((name) => name.length));
  return rows.map(([name = "", ...cells]) =>
    [name.padEnd(first), ...cells.map((cell, i) => cell.padStart(PLACES[i]?.length ?? 0))].join("  ")
  ).join("\n");
}

/** A number of visits, or a dot where the input cannot come. */
function cell(visits: Visits, name: string, place: string): string {
  return isPossible(name, place.endsWith("+")) ? String(visits.get(`${name}\t${place}`) ?? 0) : "·";
}

test("step keeps every invariant over 600,000 random inputs, which reach every phase with every input", () => {
  const visits: Visits = new Map();
  for (let seed = 1; seed <= SEEDS; seed++) live(seed, visits);
  const total = [...visits.values()].reduce((sum, count) => sum + count, 0);
  assertEquals(total, SEEDS * INPUTS_PER_SEED);
  // Once is enough, since the seeds are the same on both runtimes.
  if (runtime === "bun") {
    // deno-lint-ignore no-console
    console.info(
      `${total} random inputs to the session's rules, by where the session was (+ there is one to go on with, − there ` +
        `is none, · cannot come, since it refers to one)\n${tableOf(visits)}`,
    );
  }
  const places = [...visits.keys()].map((visit) => visit.split("\t")[1]);
  assertEquals([...new Set(places)].sort(), [...PLACES].sort());
  const missing = INPUT_NAMES.flatMap((name) =>
    PLACES.filter((place) => cell(visits, name, place) === "0").map((place) => `${name} in ${place}`)
  );
  assertEquals(missing, []);
});

// A gateway that works as it should, behind a network that does not

const REPLAYS = 400;
const TURNS = 400;

/** A session on the gateway's side: what it has to deliver is numbered from 1, which is READY. */
class Server {
  /** The number of the last event there is. */
  last = 1;
  /** The number of the last event that went to the connection there is. */
  sent = 0;

  next(): SessionInput | null {
    if (this.sent === this.last) return null;
    this.sent++;
    return this.sent === 1
      ? payload(0, { session_id: "a1b2", resume_gateway_url: "" }, 1, "READY")
      : payload(0, null, this.sent, "MESSAGE_CREATE");
  }
}

/** Does what the rules say, and keeps account of what listeners would have got. */
class Client {
  state: SessionState = INITIAL_STATE;
  readonly delivered: number[] = [];
  missed = 0;
  /** The number to resume after. */
  resumes: number | null = null;

  feed(...inputs: SessionInput[]): void {
    for (const input of inputs) {
      const [state, effects] = step(this.state, input);
      this.state = state;
      for (const effect of effects) {
        if (effect.type === "send" && effect.payload.op === 6) this.resumes = (effect.payload.d as { seq: number }).seq;
        if (effect.type !== "dispatch" || input.type !== "payload") continue;
        this.delivered.push(input.payload.s as number);
        this.missed += effect.missed;
      }
    }
  }
}

const HARMLESS_CLOSES = CLOSES.filter((code) => !STOPS.includes(code) && !IDENTIFIES.includes(code));

/** Ends a connection in a way that leaves the session. */
function breakUp(random: Random): SessionInput[] {
  const close = { type: "close", code: pick(random, HARMLESS_CLOSES) } as const;
  return pick<SessionInput[]>(random, [
    [close],
    [payload(7)],
    [payload(9, true), close],
    [{ type: "beat", heard: false }, { type: "beat", heard: false }, close],
    [{ type: "beat", heard: true }, { type: "beat", heard: true }, { type: "beat", heard: true }, close],
  ]);
}

/** Opens a connection, which may not live to RESUMED. A gateway may begin its replay too early, but never too late. */
function connect(client: Client, server: Server, random: Random, overlap: number): void {
  client.feed({ type: "open" });
  if (random.next() < 0.2) return client.feed(...breakUp(random));
  client.resumes = null;
  client.feed(payload(10, { heartbeat_interval: 41_250 }));
  server.sent = client.resumes === null ? 0 : Math.max(0, client.resumes - random.below(overlap + 1));
  for (let input = server.next(); input !== null; input = server.next()) {
    client.feed(input);
    if (random.next() < 0.02) return client.feed(...breakUp(random));
  }
  if (client.resumes !== null) client.feed(payload(0, {}, ++server.sent, "RESUMED"));
  server.last = server.sent;
}

interface Network {
  /** How many events at most come again at a resume. */
  overlap: number;
  /** How likely an event is lost for good. */
  loss: number;
}

/** Plays one session over many connections, until everything has arrived. */
function play(seed: number, { overlap, loss }: Network): { client: Client; server: Server } {
  const random = new Random(seed);
  const client = new Client();
  const server = new Server();
  for (let turn = 0; turn < TURNS || client.state.phase !== "ready" || server.sent < server.last; turn++) {
    const { phase } = client.state;
    if (phase === "idle") connect(client, server, random, overlap);
    else if (turn < TURNS && random.next() < 0.5) server.last++;
    else if (random.next() < 0.1) client.feed(...breakUp(random));
    else if (random.next() < 0.2) client.feed(pick(random, [payload(1), payload(11), payload(99)]));
    // What is still on its way when a connection ends comes too late, and must not count.
    for (let arriving = random.below(3); arriving > 0; arriving--) {
      const input = server.next();
      if (input === null) break;
      if (random.next() >= loss) client.feed(input);
      if (random.next() < 0.1) client.feed(input);
    }
  }
  return { client, server };
}

for (const overlap of [0, 30]) {
  test(`step delivers each event once and in order over reconnects that replay up to ${overlap} events again`, () => {
    let events = 0;
    for (let seed = 1; seed <= REPLAYS; seed++) {
      const { client: { delivered, missed }, server } = play(seed, { overlap, loss: 0 });
      assertEquals(delivered, Array.from({ length: server.last }, (_, i) => i + 1), `seed ${seed}`);
      assertEquals(missed, 0, `seed ${seed}`);
      events += delivered.length;
    }
    assertGreater(events, REPLAYS * 100);
  });
}

test("step says how many events are missing where some are lost, and delivers the others once and in order", () => {
  let lost = 0;
  for (let seed = 1; seed <= REPLAYS; seed++) {
    const { client: { delivered, missed } } = play(seed, { overlap: 5, loss: 0.1 });
    assertEquals(delivered, [...new Set(delivered)].sort((a, b) => a - b), `seed ${seed}`);
    assertEquals(missed, (delivered.at(-1) ?? 0) - delivered.length, `seed ${seed}`);
    lost += missed;
  }
  assertGreater(lost, REPLAYS);
});
