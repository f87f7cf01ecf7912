import { constants, createDeflate } from "node:zlib";
import FakeTimers from "@sinonjs/fake-timers";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Decompressor } from "../lib/decompressor.ts";
import { Inflow } from "../lib/inflow.ts";
import { noise } from "./compressed.ts";
import { test } from "./harness.ts";

/** Compresses payloads as one stream, each flushed. */
async function deflated(payloads: readonly string[]): Promise<Uint8Array[]> {
  const stream = createDeflate();
  const frames: Uint8Array[] = [];
  let chunks: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  for (const payload of payloads) {
    stream.write(payload);
    await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, () => resolve()));
    frames.push(new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer()));
    chunks = [];
  }
  stream.close();
  return frames;
}

/** An inflow, and what it has told. */
function inflow(decompressor: ConstructorParameters<typeof Inflow>[0] = new Decompressor()) {
  const messages: string[] = [];
  const errors: unknown[] = [];
  const own = new Inflow(decompressor, {
    onMessage: (message) => messages.push(message),
    onError: (error) => errors.push(error),
  });
  return {
    messages,
    errors,
    push: (frame: Uint8Array | string) => own.push(typeof frame === "string" ? frame : frame.slice().buffer),
    end: () => new Promise<void>((resolve) => own.end(resolve)),
    close: () => own.close(),
    [Symbol.dispose]: () => own.close(),
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

const payload = fc.record({ t: fc.string(), d: fc.jsonValue() }).map((value) => JSON.stringify(value));

test("Inflow hands over what came, in order, however it was cut and gathered", async () => {
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
  const items = fc.array(fc.tuple(payload, cuts, fc.boolean()), { minLength: 1, maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(items, async (items) => {
      const frames = await deflated(items.map(([payload]) => payload));
      using own = inflow();
      for (const [index, frame] of frames.entries()) {
        const [, cuts, pauses] = items[index] as (typeof items)[number];
        let from = 0;
        for (const cut of [...cuts.map((cut) => Math.floor(cut * frame.length)).sort((a, b) => a - b), frame.length]) {
          own.push(frame.subarray(from, cut));
          from = cut;
        }
        if (pauses) await turn();
      }
      await own.end();
      assertEquals(own.messages, items.map(([payload]) => payload));
      assertEquals(own.errors, []);
    }),
    { numRuns: 60 },
  );
});

test("Inflow inflates more frames than fit in a batch, and large ones", async () => {
  const payloads = Array.from(
    { length: 500 },
    (_, at) => `{"at":${at},"d":"${"x".repeat(at % 50 === 0 ? 300_000 : 10)}"}`,
  );
  using own = inflow();
  for (const frame of await deflated(payloads)) own.push(frame);
  await own.end();
  assertEquals(own.messages.length, payloads.length);
  assertEquals(own.messages.every((message, at) => message === payloads[at]), true);
});

test("Inflow hands over all of a long burst, also when nothing comes after it", async () => {
  const payloads = Array.from({ length: 400 }, (_, at) => `{"at":${at}}`);
  using own = inflow();
  for (const frame of await deflated(payloads)) {
    own.push(frame);
    // One after the other, as far as they are not gathered yet.
    for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  }
  while (own.messages.length < payloads.length) await turn();
  assertEquals(own.messages, payloads);
});

test("Inflow hands over what came in a burst while it worked, also when nothing comes after it", async () => {
  const payloads = Array.from({ length: 300 }, (_, at) => `{"at":${at}}`);
  const frames = await deflated(payloads);
  const messages: string[] = [];
  const isLast = Promise.withResolvers<void>();
  const own = new Inflow(new Decompressor(), {
    onMessage: (message) => {
      messages.push(message);
      if (messages.length === 299) own.push(frames[299]!.slice().buffer);
      if (messages.length === 300) isLast.resolve();
    },
    onError: isLast.reject,
  });
  for (const frame of frames.slice(0, 200)) {
    own.push(frame.slice().buffer);
    for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  }
  for (const frame of frames.slice(200, 299)) own.push(frame.slice().buffer);
  await isLast.promise;
  own.close();
  assertEquals(messages, payloads);
});

test("Inflow holds each payload of a burst to the bound, and not what it inflates at once", async () => {
  const payloads = Array.from({ length: 40 }, (_, at) => `{"at":${at},"d":"${"x".repeat(30_000)}"}`);
  using own = inflow(new Decompressor("zlib-stream", { maxPayloadBytes: 100_000 }));
  for (const frame of await deflated([...payloads, `"${"x".repeat(100_000)}"`])) own.push(frame);
  while (own.errors.length === 0) await turn();
  assertEquals([own.messages.length, String(own.errors[0])], [
    40,
    "RangeError: Cannot decompress: a payload is larger than 100000 bytes",
  ]);
});

test("Inflow holds a payload that came in several messages to the bound, whatever follows it", async () => {
  const large = noise(60_000);
  const payloads = [large, ...Array.from({ length: 10 }, (_, at) => `{"at":${at},"d":"${"x".repeat(500)}"}`)];
  const [first, ...others] = await deflated(payloads) as [Uint8Array, ...Uint8Array[]];
  using own = inflow(new Decompressor("zlib-stream", { maxPayloadBytes: large.length }));
  for (const frame of [first.subarray(0, -8), first.subarray(-8), ...others]) own.push(frame);
  while (own.messages.length < payloads.length && own.errors.length === 0) await turn();
  assertEquals(own.errors, []);
  assertEquals(own.messages, payloads);
});

test("Inflow asks about every large payload that comes by itself, by its head", async () => {
  const payloads = ["a", "b", "c"].map((name) => `{"t":"${name}","d":"${"x".repeat(20_000)}"}`);
  const heads: string[] = [];
  const messages: string[] = [];
  const own = new Inflow(new Decompressor(), {
    onMessage: (message) => messages.push(message),
    onHead: (head) => heads.push(head.slice(0, 9)) !== 2,
    onError: (error) => messages.push(String(error)),
  });
  for (const frame of await deflated(payloads)) {
    own.push(frame.slice().buffer);
    await new Promise<void>((resolve) => own.end(resolve));
  }
  own.close();
  assertEquals(heads, ['{"t":"a",', '{"t":"b",', '{"t":"c",']);
  assertEquals(messages, [payloads[1]]);
});

test("Inflow does not keep whole payloads back for one that is still coming", async () => {
  const [first, second, third] = await deflated(['{"a":1}', '{"b":2}', '{"c":3}']) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  using own = inflow();
  for (const frame of [first, second, third.subarray(0, 3)]) own.push(frame);
  await own.end();
  assertEquals(own.messages, ['{"a":1}', '{"b":2}']);
  own.push(third.subarray(3));
  await own.end();
  assertEquals(own.messages, ['{"a":1}', '{"b":2}', '{"c":3}']);
});

test("Inflow takes text in its turn", async () => {
  const [first, second] = await deflated(['{"a":1}', '{"b":2}']) as [Uint8Array, Uint8Array];
  using own = inflow();
  for (const frame of [first, "text", second, "more"]) own.push(frame);
  await own.end();
  assertEquals(own.messages, ['{"a":1}', "text", '{"b":2}', "more"]);
});

test("Inflow without a decompressor hands over at once", () => {
  using own = inflow(null);
  own.push("text");
  own.push(new TextEncoder().encode("bytes"));
  assertEquals(own.messages, ["text", "bytes"]);
});

test("Inflow gives a decompressor that is not the library's own one message at a time", async () => {
  const taken: number[][] = [];
  using own = inflow({
    decompress: (bytes) => {
      taken.push([...bytes]);
      return new TextEncoder().encode(`{"n":${taken.length}}`);
    },
    close: () => {},
  });
  for (const byte of [1, 2, 3]) own.push(Uint8Array.of(byte));
  await own.end();
  assertEquals(taken, [[1], [2], [3]]);
  assertEquals(own.messages, ['{"n":1}', '{"n":2}', '{"n":3}']);
});

test("Inflow waits for nothing where a decompressor gives at once", () => {
  const encoder = new TextEncoder();
  using own = inflow({ decompress: (bytes) => bytes.length > 1 ? bytes : null, close() {} });
  own.push(encoder.encode("{"));
  own.push(encoder.encode('{"op":11}'));
  assertEquals(own.messages, ['{"op":11}']);
});

test("Inflow takes nothing at all for no payload yet, at once or later", async () => {
  const encoder = new TextEncoder();
  const given: unknown[] = [Promise.resolve(undefined), undefined, encoder.encode('{"op":11}')];
  using own = inflow({ decompress: () => given.shift() as Uint8Array | null, close() {} });
  for (const _ of [...given]) own.push(encoder.encode("x"));
  await own.end();
  assertEquals([own.messages, own.errors], [['{"op":11}'], []]);
});

test("Inflow does not go deeper with every frame where a decompressor calls back at once", async () => {
  const payload = new TextEncoder().encode("{}");
  const inflated = {
    then(take: (payload: Uint8Array) => unknown) {
      take(payload);
      return inflated;
    },
  };
  const results: unknown[] = [Promise.resolve(null)];
  using own = inflow({ decompress: () => (results.pop() ?? inflated) as Promise<Uint8Array>, close() {} });
  // The others wait behind the first.
  for (let frame = 0; frame <= 20_000; frame++) own.push(Uint8Array.of(1));
  await own.end();
  assertEquals([own.messages.length, own.errors], [20_000, []]);
});

test("Inflow gathers the frames of a burst, and inflates what comes by itself at once", async () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  clock.tick(1_000);
  const { write } = WritableStreamDefaultWriter.prototype;
  let writes = 0;
  WritableStreamDefaultWriter.prototype.write = function (chunk) {
    writes++;
    return write.call(this, chunk);
  };
  try {
    const payloads = Array.from({ length: 250 }, (_, at) => `{"at":${at}}`);
    const frames = await deflated(payloads);
    using own = inflow();
    const pushAndWait = async (count: number) => {
      const from = own.messages.length;
      for (const frame of frames.slice(from, from + count)) own.push(frame);
      while (own.messages.length < from + count) await turn();
    };
    for (let frame = 0; frame < 144; frame++) await pushAndWait(1);
    assertEquals(writes, 144);
    await pushAndWait(50);
    assertEquals(writes, 145);
    await pushAndWait(50);
    assertEquals(writes, 146);
    clock.tick(1);
    own.push(frames[244] as Uint8Array);
    assertEquals(writes, 147);
    while (own.messages.length < 245) await turn();
    assertEquals(own.messages, payloads.slice(0, 245));
  } finally {
    WritableStreamDefaultWriter.prototype.write = write;
    clock.uninstall();
  }
});

test("Inflow leaves alone what belongs to the socket, and what another decompressor gave", async () => {
  class Recorder extends Decompressor {
    readonly seen: (Uint8Array | null)[] = [];
    override async decompress(bytes: Uint8Array): Promise<Uint8Array | null> {
      const payload = await super.decompress(bytes);
      this.seen.push(bytes, payload);
      return payload;
    }
  }
  const payload = '{"op":11}';
  const recorder = new Recorder();
  const [frame = new Uint8Array()] = await deflated([payload]);
  const sent = frame.slice().buffer;
  for (const decompressor of [recorder, new Decompressor()]) {
    const own = new Inflow(decompressor, { onMessage: () => {}, onError: () => {} });
    own.push(sent);
    await new Promise<void>((resolve) => own.end(resolve));
    // Bytes are given back when they have been read, which may be later.
    await turn();
    own.close();
  }
  assertEquals(sent.byteLength, frame.length);
  assertEquals(recorder.seen.map((bytes) => bytes?.length), [frame.length, payload.length]);
});

test("Inflow tells of corrupt data once, after what came before it, and of nothing else", async () => {
  const [first, second] = await deflated(['{"a":1}', '{"b":2}']) as [Uint8Array, Uint8Array];
  using own = inflow();
  own.push(first);
  await turn();
  own.push(second.map((byte) => ~byte));
  own.push(second);
  while (own.errors.length === 0) await turn();
  assertEquals(own.messages, ['{"a":1}']);
  assertEquals(own.errors.length, 1);
});

test("Inflow is silent once it is closed, also while something is inflated and where more comes", async () => {
  const [frame] = await deflated(['{"a":1}']) as [Uint8Array];
  for (const frames of [[frame], []]) {
    const own = inflow();
    for (const frame of frames) own.push(frame);
    own.close();
    own.push("text");
    for (let turns = 0; turns < 5; turns++) await turn();
    assertEquals([own.messages, own.errors], [[], []]);
  }
});

test("Inflow is silent once it is closed, also from within a message", async () => {
  const frames = await deflated(['{"a":1}', '{"b":2}', '{"c":3}']);
  const messages: string[] = [];
  const own = new Inflow(new Decompressor(), {
    onMessage: (message) => {
      messages.push(message);
      own.close();
    },
    onError: (error) => messages.push(String(error)),
  });
  for (const frame of frames) own.push(frame.slice().buffer);
  while (messages.length === 0) await turn();
  await turn();
  assertEquals(messages, ['{"a":1}']);
});
