import { Decompressor, type DecompressorLike } from "@gangway/gateway";
import type { LocalGatewayFormat } from "@gangway/gateway/testing";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { runtime, test } from "./harness.ts";
import { connectedRig, fixedRandom, type Rig, rig } from "./shard_rig.ts";

const NO_ZSTD = runtime === "deno" && "Deno has no DecompressionStream for zstd";

/** What any bot goes through: guilds, a message, a break, what was missed, and a question. */
async function converse(it: Rig): Promise<void> {
  const { shard, gateway } = it;
  assertEquals(await it.echo('{"op":9,"d":false}{"t":"READY"} ü 🦆'), '{"op":9,"d":false}{"t":"READY"} ü 🦆');
  const lost = shard.dispatcher.waitFor("disconnect");
  gateway.drop();
  gateway.user("Ann").says("missed");
  const missed = shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  await lost;
  assertEquals((await missed).content, "missed");
  await shard.ready;
  const members = await shard.requestGuildMembers(gateway.guilds[0]?.id as string, { query: "", limit: 0 });
  assertEquals(members.length, 3);
  assertEquals([gateway.identifies.length, gateway.resumes.map(({ outcome }) => outcome)], [1, ["resumed"]]);
}

const FORMATS: [string, LocalGatewayFormat][] = [
  ["plain payloads", {}],
  ["pretty payloads", { pretty: true }],
  ["payloads with their keys in reverse", { keyOrder: "reversed" }],
  ["payloads with their keys shuffled and unknown fields", { keyOrder: "shuffled", unknownFields: true }],
  ["payloads without what is null", { omitNulls: true }],
  ["payloads that are odd in every way", { keyOrder: "shuffled", unknownFields: true, pretty: true, omitNulls: true }],
];

const COMPRESSIONS = ["none", "zlib-stream", "zstd-stream"] as const;

for (const compress of COMPRESSIONS) {
  for (const [what, format] of FORMATS) {
    test(`Shard reads ${what} with compress ${compress}`, async () => {
      using _ = fixedRandom();
      await using it = await connectedRig({ gateway: { format }, shard: { compress } });
      await converse(it);
    }, { skip: compress === "zstd-stream" && NO_ZSTD });
  }
}

for (const splitAt of ["random", 1, 7] as const) {
  test(`Shard reads payloads that are split at ${splitAt}`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig({ gateway: { format: { splitAt } } });
    await converse(it);
  });
}

test("Shard reads a READY of many megabytes", async () => {
  for (const compress of ["none", "zlib-stream"] as const) {
    await using it = await connectedRig({
      gateway: { format: { readyPaddingBytes: 5_000_000, splitAt: 100_000 } },
      shard: { compress },
    });
    assertEquals(await it.echo("after"), "after");
  }
});

for (const compress of COMPRESSIONS) {
  test(`Shard resumes after data that is corrupt, with compress ${compress}`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig({ shard: { compress } });
    const { shard, gateway } = it;
    // Where nobody looks at a message, nobody notices that it is not JSON to its end.
    shard.eventDispatcher.listen("MESSAGE_CREATE", () => {});
    const reconnecting = shard.dispatcher.waitFor("reconnecting");
    await it.survive(() => gateway.corrupt());
    const { error } = await reconnecting;
    assertStringIncludes(error.message, "cannot be read");
    assert(error.cause instanceof Error);
    assertEquals(gateway.closes.map(({ code }) => code), [4900]);
    assertEquals([gateway.identifies.length, gateway.resumes.map(({ outcome }) => outcome)], [1, ["resumed"]]);
    assertEquals(await it.echo("after"), "after");
  }, { skip: compress === "zstd-stream" && NO_ZSTD });
}

test("Shard resumes after a frame that is not JSON, and after the end of a stream in the middle of a payload", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  shard.eventDispatcher.listen("TEST" as string, () => {});
  await it.survive(() => gateway.sendRaw('{"op":0,"s":3,"t":"TEST","d":{"id":}}'));
  await it.survive(() => gateway.sendRaw("not JSON at all"));
  const lost = shard.dispatcher.waitFor("disconnect");
  gateway.cutAfter(20);
  gateway.user("Ann").says("cut");
  const cut = shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  await lost;
  assertEquals((await cut).content, "cut");
  assertEquals([gateway.identifies.length, gateway.resumes.length], [1, 3]);
});

test("Shard passes over payloads that lack what they need, and takes the next ones", async () => {
  for (const compress of ["none", "zlib-stream"] as const) {
    await using it = await connectedRig({ shard: { compress } });
    const { shard, gateway } = it;
    const events: unknown[] = [];
    shard.eventDispatcher.listenAll(({ type, detail, sequence }) => events.push([type, detail, sequence]));
    const payloads = [
      // What is no object is taken for the beginning of a payload where it is compressed: see the next test.
      ...(compress === "none" ? ["null", "42", "true", "[]", '"text"'] : []),
      "{}",
      '{"d":1}',
      '{"op":"0","t":"TEST","s":3,"d":1}',
      '{"op":1.5}',
      '{"op":0}',
      '{"op":0,"d":1}',
      '{"op":0,"t":5,"s":"x","d":1}',
      '{"op":0,"t":"TEST","s":1.5,"d":1}',
      '{"op":0,"t":"TEST"}',
      '{"op":0,"t":"TEST","s":-1,"d":2}',
      '{"op":10}',
      '{"op":10,"d":{"heartbeat_interval":1}}',
      '{"op":11,"d":"what"}',
    ];
    for (const payload of payloads) gateway.sendRaw(payload);
    await it.echo("after");
    assertEquals(events.slice(0, -1), [["TEST", 1, null], ["TEST", null, null]]);
    assertEquals([gateway.connections.length, shard.phase], [1, "ready"]);
  }
});

test("Shard survives compressed payloads that are no objects", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  for (const payload of ["null", "42", "[]", '"text"']) it.gateway.sendRaw(payload);
  await it.survive(() => it.gateway.user("Ann").says("spoilt"));
  assertEquals(await it.echo("after"), "after");
  assertEquals(it.gateway.resumes.map(({ outcome }) => outcome), ["resumed"]);
});

for (const data of ["", ',"d":null', ',"d":{}', ',"d":{"session_id":7}', ',"d":{"session_id":""}', ',"d":"READY"']) {
  test(`Shard connects again after a READY that is none: {"t":"READY","s":1,"op":0${data}}`, async () => {
    using _ = fixedRandom();
    await using it = await rig();
    const { shard, gateway } = it;
    gateway.withholdReady();
    await shard.connect();
    await gateway.next("identify", undefined, { past: true });
    const reconnecting = shard.dispatcher.waitFor("reconnecting");
    gateway.sendRaw(`{"t":"READY","s":1,"op":0${data}}`);
    await shard.dispatcher.waitFor("disconnect");
    assertStringIncludes((await reconnecting).error.message, "READY with the session_id ");
    gateway.withholdReady(false);
    await shard.ready;
    assertEquals([gateway.identifies.length, shard.sessionSequenceNumber !== null], [2, true]);
  });
}

test("Shard connects again after a HELLO without an interval that a timer can run", async () => {
  for (const interval of ["null", "0", "-1", '"1000"', '"NaN"', "1e12", "1e300", "[]"]) {
    using _ = fixedRandom();
    await using it = await rig();
    const { shard, gateway } = it;
    gateway.withholdHello();
    await shard.connect();
    await gateway.next("connection", undefined, { past: true });
    const reconnecting = shard.dispatcher.waitFor("reconnecting");
    gateway.sendRaw(`{"op":10,"d":{"heartbeat_interval":${interval}}}`);
    await shard.dispatcher.waitFor("disconnect");
    const { message } = (await reconnecting).error;
    assertStringIncludes(message, `HELLO with the heartbeat_interval ${JSON.stringify(JSON.parse(interval))}`);
    gateway.withholdHello(false);
    await shard.ready;
  }
});

test("Shard passes over a READY that comes twice, and over dispatches before HELLO", async () => {
  await using it = await rig();
  const { shard, gateway } = it;
  gateway.withholdHello();
  const events: string[] = [];
  shard.eventDispatcher.listenAll(({ type }) => events.push(type));
  let ready = "";
  shard.eventDispatcher.listen("READY", (_data, { payload }) => void (ready = new TextDecoder().decode(payload)));
  await shard.connect();
  await gateway.next("connection", undefined, { past: true });
  gateway.sendRaw('{"t":"EARLY","s":9,"op":0,"d":1}');
  gateway.withholdHello(false);
  await shard.ready;
  const id = shard.sessionId;
  await it.echo("one");
  gateway.sendRaw(ready);
  await it.echo("two");
  assertEquals(events, ["READY", "GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE"]);
  assertEquals([shard.sessionId, shard.sessionSequenceNumber], [id, 4]);
});

test("Shard takes text where it expects compressed bytes, and bytes where it expects text", async () => {
  await using zipped = await connectedRig();
  const bare = zipped.shard.eventDispatcher.waitFor("TEST" as string);
  zipped.gateway.sendRaw('{"t":"TEST","s":3,"op":0,"d":"bare"}', { bare: true });
  assertEquals(await bare, "bare");
  await using plain = await connectedRig({ shard: { compress: "none" } });
  const bytes = plain.shard.eventDispatcher.waitFor("TEST" as string);
  plain.gateway.sendRaw(new TextEncoder().encode('{"t":"TEST","s":3,"op":0,"d":"bytes"}'));
  assertEquals(await bytes, "bytes");
});

test("Shard makes a decompressor for each connection with createDecompressor, and closes it", async () => {
  using _ = fixedRandom();
  let open = 0;
  const formats: string[] = [];
  await using it = await connectedRig({
    shard: {
      createDecompressor: (format): DecompressorLike => {
        const inner = new Decompressor(format);
        formats.push(format);
        open++;
        return {
          decompress: (bytes) => inner.decompress(bytes),
          close: () => {
            open--;
            inner.close();
          },
        };
      },
    },
  });
  await it.survive(() => it.gateway.drop());
  assertEquals([formats, open], [["zlib-stream", "zlib-stream"], 1]);
  await it.shard.close();
  assertEquals(open, 0);
});

test("Shard backs off where a decompressor cannot be made or fails, and says why", async () => {
  using _ = fixedRandom();
  const failures: unknown[] = [];
  let attempt = 0;
  await using it = await rig({
    shard: {
      createDecompressor: (format) => {
        attempt++;
        if (attempt === 1) throw new Error("Cannot be made");
        const fails = attempt === 2;
        const inner = new Decompressor(format);
        return {
          decompress: (bytes) => {
            if (fails) throw new Error("Cannot inflate");
            return inner.decompress(bytes);
          },
          close: () => inner.close(),
        };
      },
    },
  });
  it.shard.dispatcher.listen("reconnecting", ({ error }) => failures.push(error.cause));
  await it.up();
  assertEquals(failures.map((cause) => (cause as Error).message), ["Cannot be made", "Cannot inflate"]);
  for (const cause of failures) assertInstanceOf(cause, Error);
  assertEquals(it.gateway.openConnections, 1);
});
