import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { predecessorsOf, PublishedCopies } from "../lib/cluster/takeover.ts";
import { test } from "./harness.ts";

function payloadOf(t: string, d: unknown, s: number): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ t, s, op: 0, d }));
}

test("PublishedCopies recognises a copy by its name and its data, whatever the session", () => {
  const copies = new PublishedCopies();
  copies.add(payloadOf("MESSAGE_CREATE", { id: "1" }, 17));
  assertEquals(copies.take(payloadOf("MESSAGE_UPDATE", { id: "1" }, 3)), false);
  assertEquals(copies.take(payloadOf("MESSAGE_CREATE", { id: "2" }, 3)), false);
  assertEquals(copies.take(payloadOf("MESSAGE_CREATE", { id: "1" }, 3)), true);
  // It has happened once.
  assertEquals(copies.take(payloadOf("MESSAGE_CREATE", { id: "1" }, 4)), false);
});

test("PublishedCopies leaves what answers one session alone", () => {
  const copies = new PublishedCopies();
  copies.add(payloadOf("RESUMED", {}, 1));
  assertEquals(copies.take(payloadOf("RESUMED", {}, 2)), false);
});

test("predecessorsOf names every shard that had a guild of the new one", () => {
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 60 }),
      (guild, count, old) => {
        assertEquals(predecessorsOf(guild % count, count, old).includes(guild % old), true);
      },
    ),
  );
  assertEquals(predecessorsOf(3, 4, 2), [1]);
  assertEquals(predecessorsOf(1, 2, 6), [1, 3, 5]);
});
