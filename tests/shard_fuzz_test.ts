import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "./harness.ts";
import { connectedRig, fixedRandom } from "./shard_rig.ts";

const COMPRESSIONS = ["none", "zlib-stream"] as const;

for (const compress of COMPRESSIONS) {
  test(`Shard reads a GUILD_CREATE of 64 MiB with compress ${compress}`, async () => {
    await using it = await connectedRig({ shard: { compress } });
    const { shard, gateway } = it;
    // The whole frame, for more than that a WebSocket of Deno's does not take in one.
    const name = "x".repeat(64 * 1024 * 1024 - 100);
    const guild = shard.eventDispatcher.waitFor("GUILD_CREATE");
    gateway.sendRaw(JSON.stringify({ t: "GUILD_CREATE", s: null, op: 0, d: { id: "1", name } }));
    const read = (await guild as { name: string }).name;
    assertEquals([read.length, read === name], [name.length, true]);
    assertEquals(await it.echo("after"), "after");
    assertEquals(gateway.connections.length, 1);
  });

  test(`Shard survives JSON that is nested however deep with compress ${compress}`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig({ shard: { compress } });
    const { shard, gateway } = it;
    const nested = (depth: number) => `{"t":"NESTED","s":null,"op":0,"d":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    // Nobody listens: it is not even parsed.
    gateway.sendRaw(nested(200_000));
    const shallow = shard.eventDispatcher.waitFor("NESTED" as string);
    gateway.sendRaw(nested(1_000));
    assert(Array.isArray(await shallow));
    shard.eventDispatcher.listen("NESTED" as string, () => {});
    // Whether the runtime can parse that or not, the session goes on.
    gateway.sendRaw(nested(200_000));
    assertEquals(await it.echo("after"), "after");
    assertEquals(gateway.identifies.length, 1);
  });

  test(`Shard passes over messages without a byte with compress ${compress}`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig({ shard: { compress } });
    const { gateway } = it;
    if (compress === "zlib-stream") gateway.sendRaw(new Uint8Array());
    else await it.survive(() => gateway.sendRaw("", { bare: true }));
    assertEquals(await it.echo("after"), "after");
    assertEquals(gateway.identifies.length, 1);
  });

  test(`Shard loses and doubles nothing between random frames with compress ${compress}`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig({ shard: { compress } });
    const { shard, gateway } = it;
    const heard: string[] = [];
    shard.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => heard.push(content));
    const garbage = fc.sample(fc.uint8Array({ minLength: 4, maxLength: 40 }), { numRuns: 12, seed: 7 });
    const said: string[] = [];
    for (const [index, bytes] of garbage.entries()) {
      said.push(`before ${index}`, `after ${index}`);
      await it.echo(`before ${index}`);
      // The last bytes of a complete message, so that it is not taken for the beginning of one.
      await it.survive(() => gateway.sendRaw(Uint8Array.of(0xff, ...bytes, 0x00, 0x00, 0xff, 0xff)));
      await it.echo(`after ${index}`);
    }
    assertEquals(heard, said);
    assertEquals(gateway.identifies.length, 1);
  });
}
