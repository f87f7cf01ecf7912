import { assert, assertEquals } from "@std/assert";
import { usedHeap } from "./chaos/heap.ts";
import { test } from "./harness.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MEGABYTE = 1024 * 1024;

/** A table of its own: the one that messages are scanned with may be full of other tests' names. */
let copies = 0;
async function table(): Promise<typeof import("../lib/known_names.ts")> {
  const specifier = `../lib/known_names.ts?copy=${++copies}`;
  return await import(specifier);
}

test("knownName gives the name that a message begins with, where it is known", async () => {
  const { knownName, remember } = await table();
  const message = '{"t":"KNOWN_NAME","s":1,"op":0,"d":null}';
  assertEquals(knownName(message), undefined);
  assertEquals(remember("KNOWN_NAME"), "KNOWN_NAME");
  assertEquals([message, '{"t":"KNOWN_NAME"'].map(knownName), ["KNOWN_NAME", "KNOWN_NAME"]);
  for (const text of ["", '{"t":"KNOWN_NAME', '{"t":"KNOWN_NAMES"', '{"t": "KNOWN_NAME"', '{"s":1,"t":"KNOWN_NAME"']) {
    assertEquals(knownName(text), undefined, text);
  }
});

test("remember takes in as many names as there may be, and none that is too long", async () => {
  const { knownName, remember } = await table();
  const long = "L".repeat(65);
  assertEquals([remember(long), knownName(`{"t":"${long}"`)], [long, undefined]);
  for (let at = 0; at < 300; at++) assertEquals(remember(`NAME_${at}`), `NAME_${at}`);
  const known = [0, 255, 256, 299].map((at) => knownName(`{"t":"NAME_${at}"`));
  assertEquals(known, ["NAME_0", "NAME_255", undefined, undefined]);
});

test("remember keeps nothing in memory of a message but its name", async () => {
  const { knownName, remember } = await table();
  const before = await usedHeap();
  for (let at = 100; at < 130; at++) {
    const name = `NAME_OF_A_LARGE_MESSAGE_${at}`;
    // Decoded, as it comes: what is put together of pieces is kept in another way.
    const message = decoder.decode(encoder.encode(`{"t":"${name}","s":1,"op":0,"d":"${"x".repeat(2 * MEGABYTE)}"}`));
    remember(message.slice(6, 6 + name.length));
    assertEquals(knownName(message), name);
  }
  const kept = await usedHeap() - before;
  assert(kept < 20 * MEGABYTE, `${Math.round(kept / MEGABYTE)} MiB are kept`);
});
