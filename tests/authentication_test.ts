import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { inspect } from "node:util";
import { BotAuthentication } from "../lib/authentication.ts";
import { CANARY } from "./canary.ts";
import { test } from "./harness.ts";

/** What `Deno.inspect` or `Bun.inspect`, which `console.log` uses, makes of a value. */
function show(value: unknown): string {
  const { Deno, Bun } = globalThis as unknown as Record<string, { inspect(value: unknown, options?: object): string }>;
  return (Deno ?? Bun)!.inspect(value, { depth: 10, getters: true, showHidden: true });
}

test("BotAuthentication gives the token and the header", () => {
  const authentication = new BotAuthentication(CANARY);
  assertEquals(authentication.token, CANARY);
  assertEquals(authentication.authorization, `Bot ${CANARY}`);
});

test("BotAuthentication leaves out white space around the token", () => {
  assertEquals(new BotAuthentication(`  ${CANARY}\r\n`).token, CANARY);
});

test("BotAuthentication shows its token nowhere", () => {
  const authentication = new BotAuthentication(CANARY);
  const nested = { list: [authentication], map: new Map([["a", authentication]]) };
  const shown = [
    String(authentication),
    `${authentication}`,
    JSON.stringify(authentication),
    JSON.stringify(nested),
    JSON.stringify({ ...authentication }),
    JSON.stringify(Object.assign({}, authentication)),
    JSON.stringify(structuredClone({ ...authentication })),
    inspect(authentication),
    inspect(nested, { depth: 10, getters: true, showHidden: true }),
    show(authentication),
    show(nested),
    show(new Error("Failed", { cause: authentication })),
    Object.keys(authentication).join(),
    Object.getOwnPropertyNames(authentication).join(),
  ];
  for (const text of shown) assert(!text.includes("canary"), text);
  assertEquals(shown[0], "BotAuthentication [redacted]");
  assertStringIncludes(show(nested), "[redacted]");
});

test("BotAuthentication refuses a prefix and says why", () => {
  for (const prefix of ["Bot", "bot", "Bearer"]) {
    const error = assertThrows(
      () => new BotAuthentication(`${prefix} ${CANARY}`),
      TypeError,
      `Cannot take the token: it begins with "${prefix} "`,
    );
    assert(!error.message.includes("canary"));
  }
  assertThrows(() => new BotAuthentication("Bot "), TypeError, "prefix");
  assertEquals(new BotAuthentication("Botany.bearer").token, "Botany.bearer");
});

test("BotAuthentication refuses what is no token, without quoting it", () => {
  for (const wrong of ["", "  \n", `${CANARY} ${CANARY}`, `${CANARY}\nx`, `${CANARY}é`, `${CANARY}\u0000x`]) {
    const error = assertThrows(() => new BotAuthentication(wrong), TypeError, "Cannot take the token: it ");
    assert(!error.message.includes("canary"));
  }
  assertThrows(() => new BotAuthentication(undefined as never), TypeError, "is the environment variable set?");
  assertThrows(() => new BotAuthentication(null as never), TypeError, "received null");
  assertThrows(() => new BotAuthentication(42 as never), TypeError, "received 42");
});
