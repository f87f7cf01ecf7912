import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import { Decompressor, isSupported, supportedFormats } from "../lib/decompressor.ts";
import { compressed, Compressor, inflate, noise, OBJECT_OF_64_KIB, SUFFIX, TEXTS } from "./compressed.ts";
import { runtime, test } from "./harness.ts";
import { ScriptedStream } from "./scripted_stream.ts";

const encoder = new TextEncoder();

for (const format of ["zlib-stream", "zstd-stream"] as const) {
  const skip = isSupported(format) ? false : `${runtime} has no ${format}`;

  test(`Decompressor inflates the messages of one endless ${format}`, async () => {
    using decompressor = new Decompressor(format);
    for (const [index, message] of (await compressed(TEXTS, format)).entries()) {
      assertEquals(await inflate(decompressor, message), TEXTS[index]);
    }
  }, { skip });

  test(`Decompressor works through overlapping calls in order with ${format}`, async () => {
    using decompressor = new Decompressor(format);
    const messages = await compressed(TEXTS, format);
    assertEquals(await Promise.all(messages.map((message) => inflate(decompressor, message))), TEXTS);
  }, { skip });

  test(`Decompressor inflates a payload of several megabytes with ${format}`, async () => {
    using decompressor = new Decompressor(format);
    const texts = [noise(1_000_000), `{"d":"${"x".repeat(5_000_000)}"}`];
    for (const [index, message] of (await compressed(texts, format)).entries()) {
      assert(await inflate(decompressor, message) === texts[index]);
    }
  }, { skip });

  test(`Decompressor needs a stream of its own for each connection with ${format}`, async () => {
    const [first, second] = await compressed(TEXTS, format) as [Uint8Array, Uint8Array];
    using one = new Decompressor(format);
    await one.decompress(first);
    using other = new Decompressor(format);
    await assertRejects(() => other.decompress(second), TypeError, "corrupt");
    assertEquals(await inflate(one, second), TEXTS[1]);
  }, { skip });

  test(`Decompressor rejects corrupt data, and everything after it, with ${format}`, async () => {
    using decompressor = new Decompressor(format);
    const [good] = await compressed(TEXTS, format) as [Uint8Array];
    assertEquals(await inflate(decompressor, good), TEXTS[0]);
    const bad = decompressor.decompress(new Uint8Array(64).fill(0x55));
    const next = decompressor.decompress(good);
    const error = await assertRejects(() => bad, TypeError, "Cannot decompress: the data is corrupt");
    assertInstanceOf(error.cause, Error);
    await assertRejects(() => next, TypeError, "corrupt");
    await assertRejects(() => decompressor.decompress(good), TypeError, "corrupt");
  }, { skip });

  test(`Decompressor rejects a payload above its bound with ${format}, and takes one below`, async () => {
    const texts = ['{"d":"small"}', `{"d":"${"x".repeat(1_000_000)}"}`];
    const [small, bomb] = await compressed(texts, format) as [Uint8Array, Uint8Array];
    assert(bomb.length < 2_000);
    using decompressor = new Decompressor(format, { maxPayloadBytes: 100_000 });
    assertEquals(await inflate(decompressor, small), texts[0]);
    const error = await assertRejects(() => decompressor.decompress(bomb), RangeError);
    assertStringIncludes(error.message, "100000 bytes");
    await assertRejects(() => decompressor.decompress(small), RangeError);
  }, { skip });

  test(`Decompressor.close rejects what is under way and what comes later with ${format}`, async () => {
    const messages = await compressed(TEXTS, format);
    const decompressor = new Decompressor(format);
    const pending = messages.map((message) => decompressor.decompress(message));
    decompressor.close();
    decompressor.close();
    for (const payload of pending) {
      const error = await assertRejects(() => payload, DOMException, "is closed");
      assertEquals(error.name, "InvalidStateError");
    }
    await assertRejects(() => decompressor.decompress(messages[0] as Uint8Array), DOMException, "is closed");
    await assertRejects(() => decompressor.decompress(new Uint8Array()), DOMException, "is closed");
  }, { skip });

  test(`Decompressor gives nothing for a message without bytes with ${format}`, async () => {
    using decompressor = new Decompressor(format);
    const [first, second] = await compressed(TEXTS, format) as [Uint8Array, Uint8Array];
    assertEquals(await decompressor.decompress(new Uint8Array()), null);
    assertEquals(await inflate(decompressor, first), TEXTS[0]);
    assertEquals(await decompressor.decompress(new Uint8Array()), null);
    assertEquals(await inflate(decompressor, second), TEXTS[1]);
  }, { skip });
}

for (const format of ["zlib-stream", "zstd-stream"] as const) {
  test(
    `The platform gives no chunk below 16 KiB but the last of a write, and all before it resolves, with ${format}`,
    async () => {
      const sizes = [1, 1_000, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 131_072, 200_000, 1_000_000];
      const texts = sizes.flatMap((size) => [noise(size), `{"d":"${"x".repeat(size)}"}`]);
      const stream = new DecompressionStream((format === "zlib-stream" ? "deflate" : "zstd") as "deflate");
      const writer = stream.writable.getWriter();
      const reader = stream.readable.getReader();
      let lengths: number[] = [];
      const reading = (async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          lengths.push(value.length);
        }
      })();
      for (const [index, message] of (await compressed(texts, format)).entries()) {
        lengths = [];
        await writer.write(message as Uint8Array<ArrayBuffer>);
        assertEquals(lengths.reduce((sum, length) => sum + length, 0), texts[index]?.length);
        assertEquals(lengths.slice(0, -1).filter((length) => length < 16 * 1024), []);
      }
      writer.abort().catch(() => {});
      await reading.catch(() => {});
    },
    { skip: isSupported(format) ? false : `${runtime} has no ${format}` },
  );
}

/** A decompressor that has given a payload, on a platform where the write of it has not ended. */
async function ahead(platform: ScriptedStream): Promise<Decompressor> {
  const decompressor = new Decompressor();
  const payload = inflate(decompressor, new Uint8Array(SUFFIX));
  platform.give('{"d":1}');
  assertEquals(await payload, '{"d":1}');
  return decompressor;
}

test("Decompressor gives a payload whose last chunk has come out, before the write has resolved", async () => {
  using platform = new ScriptedStream();
  using decompressor = await ahead(platform);
  const next = inflate(decompressor, new Uint8Array(SUFFIX));
  platform.endWrite();
  platform.give('{"d":2}');
  assertEquals(await next, '{"d":2}');
});

test("Decompressor waits for the end of a write whose chunk is long, ends no object or no payload", async () => {
  const long = `{"d":"${"x".repeat(16 * 1024)}"}`;
  for (
    const [bytes, chunks, expected] of [
      [new Uint8Array(SUFFIX), [long, " ".repeat(16 * 1024)], `${long}${" ".repeat(16 * 1024)}`],
      [new Uint8Array(SUFFIX), ['{"d":', "1"], null],
      [Uint8Array.of(1), ['{"d":{}', "}"], null],
      // In two writes.
      [new Uint8Array(Buffer.concat([new Uint8Array(64 * 1024), SUFFIX])), ['{"d":{}', "}"], '{"d":{}}'],
    ] as const
  ) {
    using platform = new ScriptedStream();
    using decompressor = new Decompressor();
    let isSettled = false;
    const payload = inflate(decompressor, bytes).finally(() => isSettled = true);
    for (const chunk of chunks) {
      platform.give(chunk);
      await platform.taken();
    }
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(isSettled, false);
    platform.endWrite();
    platform.endWrite();
    assert(await payload === expected, `${chunks}`);
  }
});

test("Decompressor waits for the end of every write on a runtime whose chunks are not known", async () => {
  const { userAgent } = navigator;
  Object.defineProperty(navigator, "userAgent", { value: "Other/1.0", configurable: true });
  try {
    using platform = new ScriptedStream();
    using decompressor = new Decompressor();
    const payload = inflate(decompressor, new Uint8Array(SUFFIX));
    for (const chunk of ['{"d":{}', "}"]) {
      platform.give(chunk);
      await platform.taken();
    }
    platform.endWrite();
    assertEquals(await payload, '{"d":{}}');
  } finally {
    Object.defineProperty(navigator, "userAgent", { value: userAgent, configurable: true });
  }
});

test("Decompressor rejects the next message where a write fails after its payload was given", async () => {
  using platform = new ScriptedStream();
  using decompressor = await ahead(platform);
  const next = inflate(decompressor, new Uint8Array(SUFFIX));
  platform.endWrite(new Error("an invalid block"));
  await assertRejects(() => next, TypeError, "corrupt");
  await assertRejects(() => inflate(decompressor, new Uint8Array(SUFFIX)), TypeError, "corrupt");
});

test("Decompressor.close rejects what is under way though its write never ends", async () => {
  using _platform = new ScriptedStream();
  const decompressor = new Decompressor();
  const payload = inflate(decompressor, new Uint8Array(SUFFIX));
  decompressor.close();
  await assertRejects(() => payload, DOMException, "is closed");
});

test("Decompressor.close is the reason for good, also where something comes out just then that is too large", async () => {
  using platform = new ScriptedStream();
  const decompressor = new Decompressor("zlib-stream", { maxPayloadBytes: 6 });
  const payload = inflate(decompressor, new Uint8Array(SUFFIX));
  platform.give('{"d":1}');
  decompressor.close();
  await assertRejects(() => payload, DOMException, "is closed");
  await assertRejects(() => inflate(decompressor, new Uint8Array(SUFFIX)), DOMException, "is closed");
});

test("Decompressor rejects a short payload above its bound before the write has resolved", async () => {
  using platform = new ScriptedStream();
  using decompressor = new Decompressor("zlib-stream", { maxPayloadBytes: 6 });
  const payload = inflate(decompressor, new Uint8Array(SUFFIX));
  platform.give('{"d":1}');
  await assertRejects(() => payload, RangeError, "6 bytes");
});

test("Decompressor joins a payload that comes byte by byte", async () => {
  using decompressor = new Decompressor();
  for (const [index, message] of (await compressed([TEXTS[0] as string, TEXTS[1] as string])).entries()) {
    const payloads: (string | null)[] = [];
    for (const byte of message) payloads.push(await inflate(decompressor, Uint8Array.of(byte)));
    assertEquals(payloads.pop(), TEXTS[index]);
    assertEquals(new Set(payloads), new Set([null]));
  }
});

test("Decompressor joins payloads that are cut anywhere, in calls that do not wait for one another", async () => {
  const text = fc.string({ unit: "binary", maxLength: 300 }).map((d) => JSON.stringify({ d }));
  const cuts = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, cuts), { minLength: 1, maxLength: 8 }), async (plan) => {
      using decompressor = new Decompressor();
      const messages = await compressed(plan.map(([text]) => text));
      const pieces = messages.flatMap((message, index) => {
        const at = [0, ...plan[index]![1].map((cut) => Math.floor(cut * message.length)), message.length];
        at.sort((a, b) => a - b);
        return at.slice(1).map((end, index) => message.subarray(at[index], end));
      });
      const payloads = await Promise.all(pieces.map((piece) => inflate(decompressor, piece)));
      assertEquals(payloads.filter((payload) => payload !== null), plan.map(([text]) => text));
    }),
    { numRuns: 25 },
  );
});

test("Decompressor is not misled by a message that is cut where a flush stands inside of a payload", async () => {
  using compressor = new Compressor("zlib-stream");
  const first = await compressor.compress('{"d":"the first half');
  const second = await compressor.compress(' and the second"}');
  const third = await compressor.compress('{"d":3}');
  assertEquals([...first.subarray(-4)], [...SUFFIX]);
  using decompressor = new Decompressor();
  assertEquals(await decompressor.decompress(first), null);
  assertEquals(await inflate(decompressor, second), '{"d":"the first half and the second"}');
  assertEquals(await inflate(decompressor, third), '{"d":3}');
});

test("Decompressor inflates stored blocks, cut within the suffix", async () => {
  using compressor = new Compressor("zlib-stream", { level: 0 });
  const texts = [noise(70_000), '{"d":2}'];
  using decompressor = new Decompressor();
  for (const text of texts) {
    const message = await compressor.compress(text);
    assertEquals(await decompressor.decompress(message.subarray(0, -3)), null);
    assertEquals(await decompressor.decompress(message.subarray(-3, -1)), null);
    assert(await inflate(decompressor, message.subarray(-1)) === text);
  }
});

test("Decompressor gives two payloads in one message as one, for the JSON to be refused", async () => {
  const messages = await compressed(['{"d":1}', '{"d":2}', '{"d":3}']);
  using decompressor = new Decompressor();
  const both = new Uint8Array(Buffer.concat(messages.slice(0, 2)));
  assertEquals(await inflate(decompressor, both), '{"d":1}{"d":2}');
  assertEquals(await inflate(decompressor, messages[2] as Uint8Array), '{"d":3}');
});

test("Decompressor takes white space in a chunk of its own for the end of a payload", async () => {
  const text = `${OBJECT_OF_64_KIB} \n`;
  const [message] = await compressed([text]) as [Uint8Array];
  using decompressor = new Decompressor();
  assert(await inflate(decompressor, message) === text);
});

test("Decompressor takes white space after a payload for its end", async () => {
  const [message] = await compressed(['{"d":1}\n \t']) as [Uint8Array];
  using decompressor = new Decompressor();
  assertEquals(await inflate(decompressor, message), '{"d":1}\n \t');
});

test("Decompressor rejects what comes after the end of a stream that should have none", async () => {
  const ended = new Uint8Array(zlib.deflateSync(encoder.encode('{"d":1}')));
  using decompressor = new Decompressor();
  const after = async () => {
    await decompressor.decompress(ended);
    await decompressor.decompress(ended);
  };
  await assertRejects(after, TypeError, "corrupt");
});

test("Decompressor can be closed between two messages, by using as well", async () => {
  const [message] = await compressed(TEXTS) as [Uint8Array];
  let used: Decompressor;
  {
    using decompressor = new Decompressor();
    await decompressor.decompress(message);
    used = decompressor;
  }
  await assertRejects(() => used.decompress(message), DOMException);
});

test("Decompressor refuses a format that is not known, and names those that are", () => {
  const error = assertThrows(() => new Decompressor("gzip" as "zlib-stream"), TypeError, '"gzip"');
  for (const format of supportedFormats()) assertStringIncludes((error as Error).message, format);
  assertThrows(() => new Decompressor("toString" as "zlib-stream"), TypeError, '"toString"');
  assert(supportedFormats().includes("zlib-stream"));
  if (!isSupported("zstd-stream")) assertThrows(() => new Decompressor("zstd-stream"), TypeError, '"zstd-stream"');
});

test("Decompressor refuses a bound that is not positive", () => {
  for (const maxPayloadBytes of [0, -1, NaN]) {
    assertThrows(() => new Decompressor("zlib-stream", { maxPayloadBytes }), RangeError, "maxPayloadBytes");
  }
});

test("Decompressor.decompress rejects what is no message, and goes on", async () => {
  using decompressor = new Decompressor();
  for (const wrong of [null, undefined, 5, "x", {}, new ArrayBuffer(4), [1]] as never[]) {
    await assertRejects(() => decompressor.decompress(wrong), TypeError, "must be a Uint8Array");
  }
  assertEquals(await decompressor.decompress(new Uint8Array([0x78])), null);
  for (const maxPayloadBytes of ["5", null, 5n] as never[]) {
    assertThrows(() => new Decompressor("zlib-stream", { maxPayloadBytes }), TypeError, "maxPayloadBytes");
  }
});
