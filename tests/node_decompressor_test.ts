import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import zlib from "node:zlib";
import { createNodeDecompressor } from "../lib/node_decompressor.ts";
import { StreamDecompressor, SyncDecompressor } from "../lib/zlib_decompressors.ts";
import { compressed, Compressor, inflate, noise, OBJECT_OF_64_KIB, SUFFIX, TEXTS } from "./compressed.ts";
import { test } from "./harness.ts";

const KINDS = { SyncDecompressor, StreamDecompressor };

/** What is thrown at once and what is rejected look the same. */
async function decompress(decompressor: SyncDecompressor | StreamDecompressor, bytes: Uint8Array): Promise<unknown> {
  return await decompressor.decompress(bytes);
}

for (const [kind, Kind] of Object.entries(KINDS)) {
  for (const format of ["zlib-stream", "zstd-stream"] as const) {
    const make = (maxPayloadBytes?: number) => new Kind(format, maxPayloadBytes);

    test(`${kind} inflates the messages of one endless ${format}`, async () => {
      const decompressor = make();
      for (const [index, message] of (await compressed(TEXTS, format)).entries()) {
        assertEquals(await inflate(decompressor, message), TEXTS[index]);
      }
      decompressor.close();
    });

    test(`${kind} works through overlapping calls in order with ${format}`, async () => {
      const decompressor = make();
      const messages = await compressed(TEXTS, format);
      assertEquals(await Promise.all(messages.map((message) => inflate(decompressor, message))), TEXTS);
      decompressor.close();
    });

    test(`${kind} inflates payloads of any size with ${format}`, async () => {
      const sizes = [1_000_000, 5_000_000, 65_536 - 8, 65_536 - 7, 131_072 - 8, 65_528];
      const texts = [...sizes.map((size) => `{"d":"${"x".repeat(size)}"}`), noise(1_000_000)];
      const decompressor = make();
      for (const [index, message] of (await compressed(texts, format)).entries()) {
        assert(await inflate(decompressor, message) === texts[index]);
      }
      decompressor.close();
    });

    test(`${kind} rejects corrupt data, and everything after it, with ${format}`, async () => {
      const decompressor = make();
      const [good] = await compressed(TEXTS, format) as [Uint8Array];
      assertEquals(await inflate(decompressor, good), TEXTS[0]);
      for (const bytes of [new Uint8Array(64).fill(0x55), good, new Uint8Array()]) {
        await assertRejects(() => decompress(decompressor, bytes), TypeError, "Cannot decompress: the data is corrupt");
      }
      decompressor.close();
      await assertRejects(() => decompress(decompressor, good), TypeError, "corrupt");
    });

    test(`${kind} rejects the stream of another connection with ${format}`, async () => {
      const [, second] = await compressed(TEXTS, format) as [Uint8Array, Uint8Array];
      const decompressor = make();
      await assertRejects(() => decompress(decompressor, second), TypeError, "corrupt");
    });

    test(`${kind} rejects a payload above its bound with ${format}, and takes one below`, async () => {
      const texts = ['{"d":"small"}', `{"d":"${"x".repeat(1_000_000)}"}`];
      const [small, bomb] = await compressed(texts, format) as [Uint8Array, Uint8Array];
      const decompressor = make(100_000);
      assertEquals(await inflate(decompressor, small), texts[0]);
      await assertRejects(() => decompress(decompressor, bomb), RangeError, "100000 bytes");
      await assertRejects(() => decompress(decompressor, small), RangeError, "100000 bytes");
    });

    test(`${kind}.close ends it with ${format}`, async () => {
      const [message] = await compressed(TEXTS, format) as [Uint8Array];
      const decompressor = make();
      assertEquals(await inflate(decompressor, message), TEXTS[0]);
      decompressor.close();
      decompressor.close();
      for (const bytes of [message, new Uint8Array()]) {
        const error = await assertRejects(() => decompress(decompressor, bytes), DOMException, "is closed");
        assertEquals(error.name, "InvalidStateError");
      }
    });

    test(`${kind} gives nothing for a message without bytes with ${format}`, async () => {
      const decompressor = make();
      const [first, second] = await compressed(TEXTS, format) as [Uint8Array, Uint8Array];
      assertEquals(await decompress(decompressor, new Uint8Array()), null);
      assertEquals(await inflate(decompressor, first), TEXTS[0]);
      assertEquals(await decompress(decompressor, new Uint8Array()), null);
      assertEquals(await inflate(decompressor, second), TEXTS[1]);
      decompressor.close();
    });

    test(`${kind} refuses a bound that is not positive with ${format}`, () => {
      for (const maxPayloadBytes of [0, -1, NaN]) {
        assertThrows(() => make(maxPayloadBytes), RangeError, "maxPayloadBytes");
      }
    });
  }

  test(`${kind} joins a payload that comes byte by byte`, async () => {
    const decompressor = new Kind("zlib-stream");
    const texts = TEXTS.slice(0, 2);
    for (const [index, message] of (await compressed(texts)).entries()) {
      const payloads: (string | null)[] = [];
      for (const byte of message) payloads.push(await inflate(decompressor, Uint8Array.of(byte)));
      assertEquals(payloads.pop(), texts[index]);
      assertEquals(new Set(payloads), new Set([null]));
    }
    decompressor.close();
  });

  test(`${kind} joins payloads that are cut anywhere`, async () => {
    const text = fc.string({ unit: "binary", maxLength: 300 }).map((d) => JSON.stringify({ d }));
    const cuts = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, cuts), { minLength: 1, maxLength: 8 }), async (plan) => {
        const decompressor = new Kind("zlib-stream");
        const messages = await compressed(plan.map(([text]) => text));
        const pieces = messages.flatMap((message, index) => {
          const at = [0, ...plan[index]![1].map((cut) => Math.floor(cut * message.length)), message.length];
          at.sort((a, b) => a - b);
          return at.slice(1).map((end, index) => message.subarray(at[index], end));
        });
        const payloads = await Promise.all(pieces.map((piece) => inflate(decompressor, piece)));
        decompressor.close();
        assertEquals(payloads.filter((payload) => payload !== null), plan.map(([text]) => text));
      }),
      { numRuns: 25 },
    );
  });

  test(`${kind} takes white space in a chunk of its own for the end of a payload`, async () => {
    const text = `${OBJECT_OF_64_KIB} \n`;
    const [message] = await compressed([text]) as [Uint8Array];
    const decompressor = new Kind("zlib-stream");
    assert(await inflate(decompressor, message) === text);
    decompressor.close();
  });

  test(`${kind} is not misled by a message that is cut where a flush stands inside of a payload`, async () => {
    using compressor = new Compressor("zlib-stream");
    const first = await compressor.compress('{"d":"the first half');
    const second = await compressor.compress(' and the second"}\n');
    assertEquals([...first.subarray(-4)], [...SUFFIX]);
    const decompressor = new Kind("zlib-stream");
    assertEquals(await decompress(decompressor, first), null);
    assertEquals(await inflate(decompressor, second), '{"d":"the first half and the second"}\n');
    decompressor.close();
  });

  test(`${kind} rejects what comes after the end of a stream that should have none`, async () => {
    const ended = new Uint8Array(zlib.deflateSync(Buffer.from('{"d":1}')));
    const decompressor = new Kind("zlib-stream");
    const after = async () => {
      // Where the public stream is used, the runtimes tell of it at different times.
      for (let count = 0; count < 4; count++) {
        await decompress(decompressor, ended);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await assertRejects(after, TypeError, "corrupt");
    decompressor.close();
  });
}

test("StreamDecompressor.close rejects what is under way", async () => {
  const messages = await compressed(TEXTS);
  const decompressor = new StreamDecompressor("zlib-stream");
  const pending = messages.map((message) => decompressor.decompress(message));
  decompressor.close();
  for (const payload of pending) await assertRejects(() => payload, DOMException, "is closed");
});

test("createNodeDecompressor inflates within the call on this runtime, and refuses an unknown format", async () => {
  for (const format of ["zlib-stream", "zstd-stream"] as const) {
    const [message] = await compressed(TEXTS, format) as [Uint8Array];
    const decompressor = createNodeDecompressor(format);
    const payload = decompressor.decompress(message);
    assert(payload instanceof Uint8Array);
    assertEquals(new TextDecoder().decode(payload), TEXTS[0]);
    decompressor.close();
  }
  for (const format of ["gzip", "toString"] as unknown as "zlib-stream"[]) {
    const error = assertThrows(() => createNodeDecompressor(format), TypeError) as Error;
    assertStringIncludes(error.message, JSON.stringify(format));
  }
});
