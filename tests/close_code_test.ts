import { assertEquals } from "@std/assert";
import { type CloseRecovery, GatewayCloseCode, isCodeless, isKnown, recoveryOf } from "../lib/close_code.ts";
import { test } from "./harness.ts";

/** The table of the documentation, and what its "reconnect" comes to: go on with the session, or start a new one. */
const DOCUMENTED: readonly [code: number, recovery: CloseRecovery][] = [
  [4000, "resume"],
  [4001, "resume"],
  [4002, "resume"],
  [4003, "identify"],
  [4004, "stop"],
  [4005, "resume"],
  [4007, "identify"],
  [4008, "resume"],
  [4009, "identify"],
  [4010, "stop"],
  [4011, "stop"],
  [4012, "stop"],
  [4013, "stop"],
  [4014, "stop"],
];

test("recoveryOf knows what to do after every close code that is documented", () => {
  assertEquals(DOCUMENTED.map(([code]) => recoveryOf(code)), DOCUMENTED.map(([, recovery]) => recovery));
  assertEquals(DOCUMENTED.map(([code]) => code), Object.values<number>(GatewayCloseCode).sort());
});

test("recoveryOf resumes after a close without a code, of the WebSocket protocol, and of a code that nobody knows", () => {
  for (const code of [0, 1000, 1001, 1005, 1006, 1011, 1012, 3000, 4006, 4015, 4900, 4999, -1, NaN]) {
    assertEquals(recoveryOf(code), "resume", String(code));
  }
});

test("isCodeless is true where there was no close frame, or one without a code", () => {
  assertEquals([0, 1005, 1006].map(isCodeless), [true, true, true]);
  assertEquals([1000, 1001, 1004, 1007, 4000, 4006].map(isCodeless), [false, false, false, false, false, false]);
});

test("isKnown is true for the gateway's documented codes and the WebSocket protocol's own", () => {
  for (const [code] of DOCUMENTED) assertEquals(isKnown(code), true, String(code));
  for (const code of [0, 1000, 1001, 1005, 1006, 1015, 2999]) assertEquals(isKnown(code), true, String(code));
  for (const code of [3000, 3999, 4006, 4015, 4900, 4999]) assertEquals(isKnown(code), false, String(code));
});
