import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { splitPayloads } from "../lib/payload_split.ts";
import { test } from "./harness.ts";

const object = fc.dictionary(fc.oneof(fc.constantFrom("t", "s", "op", "d"), fc.string()), fc.jsonValue());

/** Objects as JSON, each written compactly or with white space. */
const texts = fc.array(
  fc.tuple(object, fc.constantFrom(undefined, 2), fc.constantFrom("", " ", "\n")).map(([value, indent, blank]) =>
    blank + JSON.stringify(value, null, indent)
  ),
  { minLength: 1, maxLength: 8 },
);

test("splitPayloads takes apart whatever objects were joined", () => {
  fc.assert(fc.property(texts, (parts) => {
    assertEquals(splitPayloads(parts.join(""), parts.length).map(parse), parts.map(parse));
  }));
});

test("splitPayloads is not misled by strings that look like a boundary", () => {
  const parts = ['{"a":"}{"}', '{"}{":"}{\\"a"}', '{"b":["}{",{"c":"}{"}]}', '{"d":1}'];
  assertEquals(splitPayloads(parts.join(""), parts.length), parts);
});

test("splitPayloads leaves a single payload as it is", () => {
  assertEquals(splitPayloads(' {"a":1}\n', 1), [' {"a":1}\n']);
});

test("splitPayloads keeps what is not an object for the parser to refuse", () => {
  assertEquals(splitPayloads('{"a":1}garbage', 2), ['{"a":1}', "garbage"]);
});

function parse(text: string): unknown {
  return JSON.parse(text);
}
