import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { GatewayCloseCode, isCodeless, recoveryOf } from "../lib/close_code.ts";
import { asGatewayError, reasonOf, timedOut } from "../lib/disconnect_reason.ts";
import * as errors from "../lib/errors.ts";
import { fatalErrorOf } from "../lib/fatal_error.ts";
import { GatewayIntent } from "../lib/intent.ts";
import type { SessionInput } from "../lib/session.ts";
import { test } from "./harness.ts";

const CONTEXT = { shardId: 3, shardCount: 4, intents: GatewayIntent.Guilds };

/** The class of each fatal close code, and what its message has to speak of. */
const FATAL: readonly [code: number, type: typeof errors.GatewayError, hints: readonly string[]][] = [
  [4004, errors.InvalidTokenError, ["token", "https://discord.com/developers/applications"]],
  [4010, errors.InvalidShardCountError, ["shard 3 of 4", "GET /gateway/bot"]],
  [4011, errors.InvalidShardCountError, ["4 shards", "shardCount"]],
  [4012, errors.InvalidApiVersionError, ["version"]],
  [4013, errors.InvalidIntentsError, ["intents 1 ", "GatewayIntent"]],
  [4014, errors.DisallowedIntentsError, ["privileged", "https://discord.com/developers/applications"]],
];

for (const [code, type, hints] of FATAL) {
  test(`fatalErrorOf ${code} is ${type.name} with the code, and says where to look and whom to ask`, () => {
    const error = fatalErrorOf(code, CONTEXT);
    assertStrictEquals(error.constructor, type);
    assertEquals({ name: error.name, code: error.code }, { name: type.name, code });
    for (const hint of ["Cannot connect to the gateway: ", ...hints, "jsr:@gangway/gateway/doctor"]) {
      assertStringIncludes(error.message, hint);
    }
    assert(!error.message.endsWith("."), error.message);
  });
}

test("fatalErrorOf has an error of its own for every close code that stops", () => {
  const stops = Object.values<number>(GatewayCloseCode).filter((code) => recoveryOf(code) === "stop");
  assertEquals(stops.sort(), FATAL.map(([code]) => code));
});

test("fatalErrorOf 4014 names the privileged intents that were asked for", () => {
  const { Guilds, GuildMembers, GuildPresences, MessageContent } = GatewayIntent;
  const cases: readonly [number, string][] = [
    [Guilds | MessageContent, "(asked for: MessageContent)"],
    [GuildMembers | GuildPresences, "(asked for: GuildMembers, GuildPresences)"],
    [Guilds, "(asked for: none)"],
  ];
  for (const [intents, text] of cases) {
    assertStringIncludes(fatalErrorOf(4014, { ...CONTEXT, intents }).message, text);
  }
});

test("reasonOf calls a close without a code a lost connection", () => {
  for (const code of [0, 1005, 1006]) {
    const error = reasonOf({ type: "close", code });
    assertEquals(error.constructor, errors.DisconnectError);
    assertEquals(error.code, undefined);
    assertEquals(error.message, "Disconnected from the gateway: the connection was lost");
  }
});

test("reasonOf says the code of a close that had one", () => {
  for (const code of [...Object.values<number>(GatewayCloseCode), 1000, 1001, 1011]) {
    assert(!isCodeless(code));
    const error = reasonOf({ type: "close", code });
    assertEquals(error.constructor, errors.DisconnectError);
    assertEquals(error.code, code);
    assertEquals(error.message, `Disconnected from the gateway: it closed with ${code}`);
  }
});

test("reasonOf reports a close code that nobody knows as UnhandledCloseCodeError", () => {
  for (const code of [3000, 4006, 4999]) {
    const error = reasonOf({ type: "close", code });
    assertInstanceOf(error, errors.UnhandledCloseCodeError);
    assertEquals(error.code, code);
  }
});

test("reasonOf names the opcode that ended the connection, by number where it has no name", () => {
  const names = [7, 9, 99].map((op) => reasonOf({ type: "payload", payload: { op, d: null, s: null, t: null } }));
  assertEquals(names.map(({ message }) => message), [
    "Disconnected from the gateway: it sent Reconnect",
    "Disconnected from the gateway: it sent InvalidSession",
    "Disconnected from the gateway: it sent op 99",
  ]);
});

test("reasonOf says what is wrong with a HELLO and with a READY, at no great length", () => {
  const wrongs: [number, unknown][] = [
    [10, null],
    [10, { heartbeat_interval: -1 }],
    [0, {}],
    [0, { session_id: { "": "x".repeat(1_000) } }],
  ];
  const reasons = wrongs.map(([op, d]) => reasonOf({ type: "payload", payload: { op, d, s: 1, t: "READY" } }));
  assertEquals(reasons.map(({ message }) => message), [
    "Disconnected from the gateway: it sent a HELLO with the heartbeat_interval undefined",
    "Disconnected from the gateway: it sent a HELLO with the heartbeat_interval -1",
    "Disconnected from the gateway: it sent a READY with the session_id undefined",
    `Disconnected from the gateway: it sent a READY with the session_id {"":"${"x".repeat(95)}`,
  ]);
});

test("reasonOf says that heartbeats are not answered, and has an answer for every input", () => {
  const beat = reasonOf({ type: "beat", heard: true });
  assertEquals(beat.message, "Disconnected from the gateway: it does not answer heartbeats any more");
  const open: SessionInput = { type: "open" };
  assertEquals(reasonOf(open).message, "Disconnected from the gateway: the connection was lost");
});

test("timedOut says what did not come, and how long that was", () => {
  const error = timedOut("HELLO", 10_000);
  assertEquals(error.constructor, errors.DisconnectError);
  assertEquals(error.message, "Disconnected from the gateway: HELLO did not come within 10000 ms");
});

test("asGatewayError lets errors of the gateway be, and wraps all others as the cause", () => {
  const token = new errors.InvalidTokenError("Cannot log in");
  assertStrictEquals(asGatewayError(token), token);
  for (const cause of [new TypeError("fetch failed"), "text", undefined, null]) {
    const error = asGatewayError(cause);
    assertEquals(error.constructor, errors.DisconnectError);
    assertEquals(error.message, "Cannot connect to the gateway");
    assertStrictEquals(error.cause, cause);
  }
});

test("GatewayError and its kin have their class's name, message, cause and code", () => {
  for (const [name, type] of Object.entries(errors)) {
    if (type === errors.RateLimitedError) continue;
    const cause = new Error("why");
    const error = new (type as typeof errors.GatewayError)("what", { cause, code: 4000 });
    assertInstanceOf(error, errors.GatewayError);
    assertEquals([error.name, error.message, error.cause, error.code], [name, "what", cause, 4000]);
    assertEquals(String(error), `${name}: what`);
    assertEquals(new (type as typeof errors.GatewayError)("what").code, undefined);
  }
});

test("RateLimitedError says how long to wait", () => {
  const error = new errors.RateLimitedError("Cannot ask", 29_457);
  assertInstanceOf(error, errors.GatewayError);
  assertEquals([error.name, error.retryAfterMs, error.code], ["RateLimitedError", 29_457, undefined]);
});
