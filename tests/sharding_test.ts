import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { allShardIds, checkShardCount, checkShardId, identifyKeyOf, MAX_SHARDS, shardIdOf } from "../lib/sharding.ts";
import { test } from "./harness.ts";

const GUILD = "197038439483310086";

test("shardIdOf follows the formula of the documentation", () => {
  // 197038439483310086 >> 22 is 46977624770.
  assertEquals(shardIdOf(GUILD, 1), 0);
  assertEquals(shardIdOf(GUILD, 2), 0);
  assertEquals(shardIdOf(GUILD, 16), 2);
  assertEquals(shardIdOf(GUILD, 1_000), 770);
  assertEquals(shardIdOf(BigInt(GUILD), 1_000), 770);
});

test("shardIdOf looks at the time alone: neither worker, process nor increment moves a guild", () => {
  const guild = 46_977_624_770n << 22n;
  for (const low of [0n, 1n, (1n << 22n) - 1n]) assertEquals(shardIdOf(guild + low, 1_000), 770);
  assertEquals(shardIdOf(guild - 1n, 1_000), 769);
});

test("shardIdOf takes the least and the greatest id", () => {
  assertEquals(shardIdOf("0", 7), 0);
  assertEquals(shardIdOf(0n, 7), 0);
  assertEquals(shardIdOf("18446744073709551615", 7), Number(((1n << 42n) - 1n) % 7n));
});

test("shardIdOf gives the id of one of the shards, and of the same for text and number", () => {
  const ids = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  fc.assert(fc.property(ids, fc.integer({ min: 1, max: 100_000 }), (id, count) => {
    const shardId = shardIdOf(id, count);
    assert(Number.isInteger(shardId) && shardId >= 0 && shardId < count);
    assertEquals(shardIdOf(String(id), count), shardId);
    assertEquals((id / 4_194_304n - BigInt(shardId)) % BigInt(count), 0n);
  }));
});

test("shardIdOf rejects what is not a snowflake", () => {
  const cases = [["", '""'], ["x", '"x"'], ["-1", '"-1"'], ["1.5", '"1.5"'], [" 1", '" 1"'], [
    "1\n",
    '"1\\n"',
  ]] as const;
  for (const [id, shown] of cases) {
    const message = `Cannot find the shard of a guild: its id must be a snowflake, received ${shown}`;
    assertThrows(() => shardIdOf(id, 2), TypeError, message);
  }
  assertThrows(() => shardIdOf("1".repeat(21), 2), TypeError);
  assertThrows(() => shardIdOf(-1n, 2), TypeError, "received -1");
});

test("shardIdOf rejects a number, which cannot hold an id exactly", () => {
  assertThrows(() => shardIdOf(5 as unknown as string, 2), TypeError, "must be a snowflake, received 5");
  assertThrows(() => shardIdOf(undefined as unknown as string, 2), TypeError, "received undefined");
});

test("shardIdOf rejects a count of shards that is none", () => {
  assertThrows(() => shardIdOf(GUILD, 0), RangeError);
});

test("checkShardCount takes positive whole numbers only", () => {
  for (const count of [1, 2, 16_000, MAX_SHARDS]) checkShardCount(count);
  for (const count of [0, -1, 1.5, NaN, Infinity, 2 ** 53, MAX_SHARDS + 1, 1e9]) {
    const message = `Cannot shard: shardCount must be a whole number from 1 to ${MAX_SHARDS}, received ${count}`;
    assertThrows(() => checkShardCount(count), RangeError, message);
  }
  for (const count of ["2", null, undefined, 2n, Symbol("2"), [2], {}]) {
    assertThrows(() => checkShardCount(count as number), TypeError, "shardCount must be a whole number");
  }
});

test("checkShardId takes whole numbers below the count only", () => {
  for (const id of [0, 1, 3]) checkShardId(id, 4);
  for (const id of [-1, 4, 0.5, NaN, Infinity]) {
    const message = `Cannot shard: shardId must be a whole number from 0 to 3, received ${id}`;
    assertThrows(() => checkShardId(id, 4), RangeError, message);
  }
  for (const id of ["1", 1n, null] as never[]) assertThrows(() => checkShardId(id, 4), TypeError, "shardId");
  assertThrows(() => checkShardId(0, 0), RangeError, "Cannot shard: shardCount");
});

test("identifyKeyOf gives shards that must not identify at the same time the same key", () => {
  assertEquals([0, 1, 15, 16, 17, 31, 32].map((id) => identifyKeyOf(id, 16)), [0, 1, 15, 0, 1, 15, 0]);
  assertEquals([0, 1, 2].map((id) => identifyKeyOf(id, 1)), [0, 0, 0]);
});

test("allShardIds counts from 0", () => {
  assertEquals(allShardIds(1), [0]);
  assertEquals(allShardIds(4), [0, 1, 2, 3]);
});
