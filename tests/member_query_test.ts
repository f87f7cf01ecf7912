import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { GatewayIntent } from "../lib/intent.ts";
import { given } from "../lib/check.ts";
import { type MembersQuery, type MembersRequestData, membersRequestData } from "../lib/member_query.ts";
import { test } from "./harness.ts";

const GUILD = "197038439483310086";
const USER = "80351110224678912";
const NONCE = "the bytes of nonce must be a whole number from 1 to 32";
const NONE = GatewayIntent.Guilds;
const ALL = NONE | GatewayIntent.GuildMembers | GatewayIntent.GuildPresences;

function dataOf(query: MembersQuery, intents: number = ALL): MembersRequestData {
  return membersRequestData(GUILD, query, intents, "random");
}

function assertRefused(query: unknown, type: typeof TypeError | typeof RangeError, message: string, intents = ALL) {
  assertThrows(() => dataOf(query as MembersQuery, intents), type, `Cannot request guild members: ${message}`);
}

test("membersRequestData asks by the beginning of names", () => {
  assertEquals(dataOf({ query: "ab", limit: 10 }, NONE), {
    guild_id: GUILD,
    nonce: "random",
    query: "ab",
    limit: 10,
  });
});

test("membersRequestData asks for all members, which needs the intent GuildMembers", () => {
  assertEquals(dataOf({ query: "", limit: 0 }), { guild_id: GUILD, nonce: "random", query: "", limit: 0 });
  assertRefused({ query: "", limit: 0 }, TypeError, "all members need the intent GuildMembers", NONE);
  assertEquals(dataOf({ query: "", limit: 5_000 }, NONE).limit, 5_000);
});

test("membersRequestData allows 1 to 100 members by the beginning of names", () => {
  for (const limit of [1, 100]) assertEquals(dataOf({ query: "ab", limit }).limit, limit);
  for (const limit of [0, 101, 5_000]) {
    assertRefused({ query: "ab", limit }, RangeError, `limit must be a whole number from 1 to 100, received ${limit}`);
  }
});

test("membersRequestData needs a limit with a query", () => {
  assertRefused({ query: "ab" }, TypeError, "limit must be a whole number from 1 to 100, received undefined");
  assertRefused({ query: "" }, TypeError, "limit must be a whole number from 0, received undefined");
});

test("membersRequestData rejects a limit that is no whole number", () => {
  for (const limit of [-1, 1.5, NaN, Infinity, "5", null]) {
    const type = typeof limit === "number" ? RangeError : TypeError;
    const message = `limit must be a whole number from 0, received ${given(limit)}`;
    assertRefused({ query: "", limit }, type, message);
    assertRefused({ userIds: USER, limit }, type, message);
  }
});

test("membersRequestData asks by ids, or by one", () => {
  assertEquals(dataOf({ userIds: [USER, "1"] }, NONE), { guild_id: GUILD, nonce: "random", user_ids: [USER, "1"] });
  assertEquals(dataOf({ userIds: USER }).user_ids, [USER]);
  assertEquals(dataOf({ userIds: [USER], limit: 0 }), { guild_id: GUILD, nonce: "random", user_ids: [USER], limit: 0 });
});

test("membersRequestData allows 1 to 100 ids", () => {
  const ids = Array.from({ length: 101 }, (_, index) => String(index));
  assertEquals(dataOf({ userIds: ids.slice(0, 100) }).user_ids?.length, 100);
  assertRefused(
    { userIds: ids },
    RangeError,
    "the number of userIds must be a whole number from 1 to 100, received 101",
  );
  assertRefused({ userIds: [] }, RangeError, "the number of userIds must be a whole number from 1 to 100, received 0");
});

test("membersRequestData rejects ids that are none", () => {
  assertRefused({ userIds: ["x"] }, TypeError, 'userIds must be a snowflake, received "x"');
  assertRefused({ userIds: "" }, TypeError, 'userIds must be a snowflake, received ""');
  assertRefused({ userIds: [USER, 7] }, TypeError, "userIds must be a snowflake, received 7");
  assertRefused({ userIds: [7n] }, TypeError, "userIds must be a snowflake, received 7n");
  assertRefused({ userIds: 7 }, TypeError, "userIds must be an array, received 7");
  assertRefused({ userIds: null }, TypeError, "userIds must be an array, received null");
  assertRefused(
    { userIds: { length: 1 } },
    TypeError,
    "userIds must be an array, received an object",
  );
});

test("membersRequestData needs just one of query and userIds", () => {
  const message = "just one of query and userIds must be given";
  assertRefused({}, TypeError, message);
  assertRefused({ limit: 5 }, TypeError, message);
  assertRefused({ query: "", limit: 0, userIds: [USER] }, TypeError, message);
  assertRefused(undefined, TypeError, message);
  assertRefused(null, TypeError, message);
});

test("membersRequestData rejects a query that is no text", () => {
  for (const query of [7, null, {}]) {
    assertRefused({ query, limit: 1 }, TypeError, `query must be a string, received ${given(query)}`);
  }
});

test("membersRequestData asks for presences, which needs the intent GuildPresences", () => {
  assertEquals(dataOf({ userIds: USER, presences: true }).presences, true);
  assertEquals("presences" in dataOf({ userIds: USER, presences: false }, NONE), false);
  const needs = "presences need the intent GuildPresences";
  assertRefused({ userIds: USER, presences: true }, TypeError, needs, NONE | GatewayIntent.GuildMembers);
});

test("membersRequestData takes a nonce of 1 to 32 bytes, not characters", () => {
  for (const nonce of ["x", "x".repeat(32), "ü".repeat(16), "😀".repeat(8)]) {
    assertEquals(dataOf({ userIds: USER, nonce }).nonce, nonce);
  }
  assertRefused({ userIds: USER, nonce: "x".repeat(33) }, RangeError, `${NONCE}, received 33`);
  assertRefused({ userIds: USER, nonce: "ü".repeat(17) }, RangeError, `${NONCE}, received 34`);
  assertRefused({ userIds: USER, nonce: "" }, RangeError, `${NONCE}, received 0`);
  assertRefused({ userIds: USER, nonce: 7 }, TypeError, "nonce must be a string, received 7");
});

test("membersRequestData rejects a UUID as a nonce: at 36 bytes the gateway would leave it out of its answers", () => {
  assertRefused({ userIds: USER, nonce: crypto.randomUUID() }, RangeError, `${NONCE}, received 36`);
});

test("membersRequestData rejects a guild id that is none", () => {
  for (const id of ["", "x", 7, null, undefined]) {
    assertThrows(
      () => membersRequestData(id as string, { userIds: USER }, ALL, "random"),
      TypeError,
      `Cannot request guild members: guildId must be a snowflake, received ${given(id)}`,
    );
  }
});

test("membersRequestData makes what the gateway takes, or throws TypeError or RangeError", () => {
  const anything = fc.record({
    query: fc.option(fc.oneof(fc.constant(""), fc.string({ maxLength: 5 }), fc.anything()), { nil: undefined }),
    userIds: fc.option(fc.oneof(fc.array(fc.nat().map(String), { maxLength: 120 }), fc.anything()), { nil: undefined }),
    limit: fc.option(fc.oneof(fc.integer({ min: -1, max: 120 }), fc.anything()), { nil: undefined }),
    presences: fc.option(fc.boolean(), { nil: undefined }),
    nonce: fc.option(fc.string({ unit: "grapheme", maxLength: 40 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(anything, fc.constantFrom(NONE, ALL), (query, intents) => {
      let data: MembersRequestData;
      try {
        data = dataOf(query as MembersQuery, intents);
      } catch (error) {
        assert(error instanceof TypeError || error instanceof RangeError, String(error));
        return;
      }
      assert(("query" in data) !== ("user_ids" in data));
      assert(new TextEncoder().encode(data.nonce).length <= 32);
      assert(data.user_ids === undefined || (data.user_ids.length >= 1 && data.user_ids.length <= 100));
      assert(data.query === undefined || data.query === "" || (data.limit! >= 1 && data.limit! <= 100));
      assert(data.query !== "" || data.limit !== 0 || intents === ALL);
      assert(data.presences === undefined || intents === ALL);
    }),
    { numRuns: 1_000 },
  );
});
