import { assertEquals } from "@std/assert";
import { free } from "../lib/bytes.ts";
import { test } from "./harness.ts";

test("free gives the memory of a buffer back", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  free(bytes);
  assertEquals([bytes.length, bytes.buffer.byteLength], [0, 0]);
});

test("free leaves bytes alone that are part of a larger buffer, and those that were freed", () => {
  const buffer = new Uint8Array([1, 2, 3]).buffer;
  free(new Uint8Array(buffer, 1));
  assertEquals(buffer.byteLength, 3);
  const bytes = new Uint8Array([1]);
  free(bytes);
  free(bytes);
  assertEquals(bytes.length, 0);
});
