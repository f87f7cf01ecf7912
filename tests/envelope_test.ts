import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parsePayload, scanDispatch } from "../lib/envelope.ts";
import { knownName } from "../lib/known_names.ts";
import { test } from "./harness.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether the name that a message begins with is known makes no difference. */
function scan(text: string): { t: string; s: number } | null {
  const scanned = scanDispatch(text);
  assertEquals(scanDispatch(text, knownName(text)), scanned);
  return scanned;
}

function parse(text: string): unknown {
  return parsePayload(text);
}

// First: the properties fill the table of names.
test("scanDispatch makes the name of a dispatch known, and of nothing else", () => {
  for (const rest of ["!!!", ',"op":11,"d":1}', ',"s":1,"op":0}', ',"s":1,"op":1,"d":null}']) {
    const text = `{"t":"NAME_OF_NO_DISPATCH"${rest}`;
    assertEquals([scan(text), knownName(text)], [null, undefined], text);
  }
  const text = '{"t":"NAME_OF_A_DISPATCH","s":1,"op":0,"d":null}';
  assertEquals(knownName(text), undefined);
  scan(text);
  assertEquals(knownName(text), "NAME_OF_A_DISPATCH");
});

// scanDispatch, by example

test("scanDispatch reads what Discord writes", () => {
  const text = '{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"content":"hi"}}';
  assertEquals(scan(text), { t: "MESSAGE_CREATE", s: 42 });
});

test("scanDispatch reads the keys before the data in any order", () => {
  const [t, s, op] = ['"t":"READY"', '"s":1', '"op":0'];
  for (const keys of [[t, s, op], [t, op, s], [s, t, op], [s, op, t], [op, t, s], [op, s, t]]) {
    assertEquals(scan(`{${keys.join(",")},"d":null}`), { t: "READY", s: 1 });
  }
});

test("scanDispatch takes the numbers and names at the edge of what is allowed", () => {
  assertEquals(scan('{"t":"A","s":0,"op":0,"d":1}'), { t: "A", s: 0 });
  assertEquals(scan('{"t":"_9AZ","s":999999999999999,"op":0,"d":1}'), { t: "_9AZ", s: 999_999_999_999_999 });
});

test("scanDispatch gives null for whatever takes thought", () => {
  const texts = {
    "white space before it": ' {"t":"A","s":1,"op":0,"d":1}',
    "white space in it": '{"t": "A","s":1,"op":0,"d":1}',
    "white space before a comma": '{"t":"A" ,"s":1,"op":0,"d":1}',
    "white space before a key": '{"t":"A", "s":1,"op":0,"d":1}',
    "a byte order mark": '\ufeff{"t":"A","s":1,"op":0,"d":1}',
    "an escape in a name": '{"t":"\\u0041","s":1,"op":0,"d":1}',
    "an escape in a key": '{"\\u0074":"A","s":1,"op":0,"d":1}',
    "a name in small letters": '{"t":"a","s":1,"op":0,"d":1}',
    "a name with a letter of another alphabet": '{"t":"Ä","s":1,"op":0,"d":1}',
    "an empty name": '{"t":"","s":1,"op":0,"d":1}',
    "no name": '{"t":null,"s":1,"op":0,"d":1}',
    "a sequence number that is text": '{"t":"A","s":"1","op":0,"d":1}',
    "a sequence number that is null": '{"t":"A","s":null,"op":0,"d":1}',
    "a sequence number below zero": '{"t":"A","s":-1,"op":0,"d":1}',
    "a sequence number with a fraction": '{"t":"A","s":1.5,"op":0,"d":1}',
    "a sequence number with an exponent": '{"t":"A","s":1e3,"op":0,"d":1}',
    "a sequence number with a zero before it": '{"t":"A","s":01,"op":0,"d":1}',
    "a sequence number that is too long": '{"t":"A","s":1000000000000000,"op":0,"d":1}',
    "another opcode": '{"t":"A","s":1,"op":11,"d":1}',
    "an opcode that begins with 0": '{"t":"A","s":1,"op":00,"d":1}',
    "another key": '{"t":"A","x":1,"s":1,"op":0,"d":1}',
    "a key that begins with o": '{"t":"A","s":1,"ox":0,"d":1}',
    "a key that ends in p": '{"t":"A","s":1,"xp":0,"d":1}',
    "a name twice": '{"t":"A","t":"B","s":1,"op":0,"d":1}',
    "a name with what comes after Z": '{"t":"[","s":1,"op":0,"d":1}',
    "a name with what comes before A": '{"t":"@","s":1,"op":0,"d":1}',
    "a name with what comes after 9": '{"t":":","s":1,"op":0,"d":1}',
    "a name with what comes before 0": '{"t":"/","s":1,"op":0,"d":1}',
    "a key that does not end": '{"tt:"A","s":1,"op":0,"d":1}',
    "a key without a colon": '{"t";"A","s":1,"op":0,"d":1}',
    "zero twice": '{"t":"A","s":0,"s":0,"op":0,"d":1}',
    "a number twice": '{"t":"A","s":1,"s":2,"op":0,"d":1}',
    "an opcode twice": '{"t":"A","s":1,"op":0,"op":0,"d":1}',
    "data that comes first": '{"d":1,"t":"A","s":1,"op":0}',
    "data before the name": '{"s":1,"op":0,"d":1,"t":"A"}',
    "data before the number": '{"t":"A","op":0,"d":1,"s":1}',
    "data before the opcode": '{"t":"A","s":1,"d":1,"op":0}',
    "no data": '{"t":"A","s":1,"op":0}',
    "no keys": "{}",
    "an array": '[{"t":"A","s":1,"op":0,"d":1}]',
    "nothing": "",
  };
  for (const [why, text] of Object.entries(texts)) assertEquals(scan(text), null, why);
});

test("scanDispatch gives null for other opcodes as Discord writes them", () => {
  for (const text of ['{"t":null,"s":null,"op":11,"d":null}', '{"op":11}', '{"op":10,"d":{"heartbeat_interval":1}}']) {
    assertEquals(scan(text), null);
  }
});

// scanDispatch, by property: a message is made of keys and texts for their values, written in some style

const NAMES = ["MESSAGE_CREATE", "READY", "A", "_", "GUILD_2"];
const OPS = ["1", "11", "-0", "0.0", "0e0", "00", '"0"', "null", "false"];
const NUMBERS = [
  "1.5",
  "-5",
  "1e2",
  "007",
  '"7"',
  "null",
  "9007199254740993",
  "1".repeat(15),
  "1".repeat(16),
  "1".repeat(400),
];
const TEXTS = [...NAMES, "", "lower", "A B", "Ä", "A\\u0042", "A\\n", '\\"'].map((name) => `"${name}"`);
const KEYS = ["x", "o", "ops", "dd", "", "T", "_trace", "\\u0078"];

/** Mostly what is usual, or the shapes in question would hardly ever come together. */
function mostly(usual: fc.Arbitrary<string>, ...others: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ arbitrary: usual, weight: 4 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
}

const values = {
  op: mostly(fc.constant("0"), ...OPS),
  s: mostly(fc.nat().map(String), ...NUMBERS),
  t: mostly(fc.constantFrom(...NAMES).map((name) => `"${name}"`), ...TEXTS, "null", "7", "{}"),
  d: fc.json(),
};

const styles = fc.constantFrom(
  (pairs: string[][]) => `{${pairs.map((pair) => pair.join(":")).join(",")}}`,
  (pairs: string[][]) => `{${pairs.map((pair) => pair.join(":")).join(",")}}`,
  (pairs: string[][]) => `{ ${pairs.map((pair) => pair.join(": ")).join(", ")} }`,
  (pairs: string[][]) => `{\n\t${pairs.map((pair) => pair.join(" :\r")).join("\n\t,")}}\n`,
  (pairs: string[][]) => `{${pairs.map(([key, value]) => `${escaped(key as string)}:${value}`).join(",")}}`,
);

/** The first letter of a key written as an escape, which means the same. */
function escaped(key: string): string {
  return /^"\w/.test(key) ? `"\\u00${key.charCodeAt(1).toString(16)}${key.slice(2)}` : key;
}

const keys = fc.tuple(
  fc.integer({ min: -6, max: 3 }).chain((count) =>
    fc.shuffledSubarray(["op", "s", "t"], { minLength: count < 0 ? 3 : count })
  ),
  fc.oneof(fc.constant([]), fc.shuffledSubarray(KEYS, { maxLength: 2 })),
  fc.boolean(),
).chain(([known, others, inAnyOrder]) => {
  const all = [...known, "d", ...others];
  return inAnyOrder ? fc.shuffledSubarray(all, { minLength: all.length }) : fc.constant(all);
});

const messages = fc.tuple(keys, fc.record({ ...values, other: fc.json() }), styles).map(([keys, values, style]) =>
  style(keys.map((key) => [`"${key}"`, key in values ? values[key as keyof typeof values] : values.other]))
);

const RUNS = { numRuns: 1_000 };

/** What Discord writes: compact, with the data last. */
const canonical = fc.record({ t: fc.constantFrom(...NAMES), s: fc.nat(), d: fc.json() });

function write({ t, s, d }: { t: string; s: number; d: string }): string {
  return `{"t":"${t}","s":${s},"op":0,"d":${d}}`;
}

test("scanDispatch reads every dispatch that is written as Discord writes it", () => {
  fc.assert(fc.property(canonical, ({ t, s, d }) => assertEquals(scan(write({ t, s, d })), { t, s })), RUNS);
});

test("scanDispatch gives null or what JSON.parse gives, whatever the order, the white space and the values", () => {
  let read = 0;
  fc.assert(
    fc.property(messages, (text) => {
      const scanned = scan(text);
      if (scanned === null) return;
      read++;
      const { op, s, t } = JSON.parse(text);
      assertEquals({ op, s, t }, { op: 0, ...scanned });
      assertEquals(parse(text), { op: 0, ...scanned, d: JSON.parse(text).d });
    }),
    RUNS,
  );
  assertGreater(read, 10);
});

test("scanDispatch of a message that was cut off is null or the same as of the whole", () => {
  fc.assert(
    fc.property(messages, fc.double({ min: 0, max: 1, noNaN: true }), (text, share) => {
      const cut = scan(text.slice(0, Math.floor(text.length * share)));
      if (cut !== null) assertEquals(cut, scanDispatch(text));
    }),
    RUNS,
  );
});

test("scanDispatch of a message with a wrong byte is null or what JSON.parse gives, where that gives anything", () => {
  const bytes = encoder.encode(write({ t: "MESSAGE_CREATE", s: 10_203, d: '{"content":"hi","ids":[1,20]}' }));
  for (let at = 0; at < bytes.length; at++) {
    for (let wrong = 0; wrong < 256; wrong++) {
      const message = decoder.decode(bytes.with(at, wrong));
      const scanned = scan(message);
      const parsed = parseOrNull(message);
      if (scanned !== null && parsed !== null) {
        assertEquals({ s: parsed.s, t: parsed.t, op: parsed.op }, { ...scanned, op: 0 }, `byte ${at} is ${wrong}`);
      }
    }
  }
});

function parseOrNull(message: string): ReturnType<typeof parsePayload> {
  try {
    return parsePayload(message);
  } catch {
    return null;
  }
}

test("scanDispatch never throws, whatever the bytes are", () => {
  const letters = fc.constantFrom(...encoder.encode('{}[]":,tsopd019AZ_\\ -.e'));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(letters, { maxLength: 60 }).map((letters) => Uint8Array.from(letters)),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      const message = decoder.decode(bytes);
      scanDispatch(message);
      try {
        parsePayload(message);
      } catch (error) {
        assert(error instanceof SyntaxError, String(error));
      }
    }),
    RUNS,
  );
});

// parsePayload

test("parsePayload gives the whole payload of a dispatch", () => {
  assertEquals(parse('{"t":"A","s":1,"op":0,"d":{"x":[1]},"_trace":[]}'), { op: 0, d: { x: [1] }, s: 1, t: "A" });
});

test("parsePayload fills in what is left out as null", () => {
  assertEquals(parse('{"op":11}'), { op: 11, d: null, s: null, t: null });
  assertEquals(parse('{"op":0}'), { op: 0, d: null, s: null, t: null });
  assertEquals(parse('{"op":9,"d":false}'), { op: 9, d: false, s: null, t: null });
});

test("parsePayload gives null for a number or a name of a wrong type", () => {
  for (const s of ["1.5", '"1"', "{}", "true", "1e400", "9007199254740992"]) {
    assertEquals(parse(`{"op":0,"d":1,"s":${s},"t":"A"}`), { op: 0, d: 1, s: null, t: "A" });
  }
  for (const t of ["1", "{}", "[]", "true"]) {
    assertEquals(parse(`{"op":0,"d":1,"s":1,"t":${t}}`), { op: 0, d: 1, s: 1, t: null });
  }
});

test("parsePayload has a number and a name for dispatches alone", () => {
  assertEquals(parse('{"op":11,"s":7,"t":"READY"}'), { op: 11, d: null, s: null, t: null });
});

test("parsePayload keeps opcodes that nobody knows", () => {
  assertEquals(parse('{"op":99,"d":1}'), { op: 99, d: 1, s: null, t: null });
  assertEquals(parse('{"op":-1,"d":1}'), { op: -1, d: 1, s: null, t: null });
});

test("parsePayload gives null for what is no payload", () => {
  for (
    const text of ["null", "7", '"x"', "true", "[]", "{}", '{"op":null}', '{"op":"0"}', '{"op":0.5}', '{"op":1e400}']
  ) {
    assertEquals(parse(text), null, text);
  }
});

test("parsePayload takes white space, any order, escapes and a byte order mark", () => {
  assertEquals(parse('\ufeff {\n"\\u0064" : "\\ud83d\\ude00", "op" : 0 } '), { op: 0, d: "😀", s: null, t: null });
});

test("parsePayload takes the key __proto__ for data like any other", () => {
  const payload = parsePayload('{"op":0,"__proto__":{"s":5},"d":{"__proto__":{"x":1}}}');
  assertEquals([payload?.s, Object.keys(payload?.d as object)], [null, ["__proto__"]]);
});

test("parsePayload throws SyntaxError for what is not JSON", () => {
  for (const text of ["", "{", '{"op":0', '{"op":00}', "undefined", "{'op':0}", '{"op":0}{"op":0}']) {
    assertThrows(() => parse(text), SyntaxError);
  }
});
