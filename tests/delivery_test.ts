import type { HTTPClient, IdentifyRateLimiter } from "@gangway/gateway";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { readHead, readMessage } from "../lib/delivery.ts";
import { ShardCore } from "../lib/shard_core.ts";
import { ALL_INTENTS, connectedRig } from "./shard_rig.ts";
import { test } from "./harness.ts";

/** Cannot be parsed: whoever looks at more than the head is found out. */
const TYPING = '{"t":"TYPING_START","s":2,"op":0,"d":{]}';
const MESSAGE = '{"t":"MESSAGE_CREATE","s":3,"op":0,"d":{"content":"ping"}}';

function core(): ShardCore {
  const parts = { shardId: 0, shardCount: 1, intents: 0, token: "" };
  return new ShardCore(
    { ...parts, identifyRateLimiter: {} as IdentifyRateLimiter, httpClient: {} as HTTPClient },
    { compress: "none" },
  );
}

test("readMessage never parses what nobody listens to, whatever came before it", () => {
  const shard = core();
  assertEquals(readMessage(shard, TYPING), { op: 0, d: undefined, s: 2, t: "TYPING_START" });
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => {});
  for (let count = 0; count < 1_000; count++) assertEquals(readMessage(shard, MESSAGE)?.d, { content: "ping" });
  assertStrictEquals(readMessage(shard, TYPING)?.d, undefined);
  shard.eventDispatcher.listen("TYPING_START", () => {});
  assertThrows(() => readMessage(shard, TYPING), SyntaxError);
});

test("readHead gives null where anybody could want more: listeners of any kind, READY, other opcodes, other layouts", () => {
  const head = '{"t":"GUILD_CREATE","s":2,"op":0,"d":{"id":"1","na';
  assertEquals(readHead(core(), head), { op: 0, d: undefined, s: 2, t: "GUILD_CREATE" });
  const listened = [core(), core(), core(), core(), core()] as const;
  listened[0].eventDispatcher.listen("GUILD_CREATE", () => {});
  listened[1].eventDispatcher.listenAll(() => {});
  listened[2].rawDispatcher.listen(0, () => {});
  listened[3].rawDispatcher.listenAll(() => {});
  listened[4].eventDispatcher.addEventListener("GUILD_CREATE", () => {});
  for (const shard of listened) assertStrictEquals(readHead(shard, head), null);
  for (const other of ['{"t":"READY","s":2,"op":0,"d":{"v":1', '{"t":null,"s":null,"op":11,"d"', '{"d":{"a":"bc']) {
    assertStrictEquals(readHead(core(), other), null);
  }
});

test("A shard counts a large event as received that nobody wants, and gives the next one whole", async () => {
  await using own = await connectedRig({ intents: ALL_INTENTS });
  const { gateway, shard } = own;
  const gaps: number[] = [];
  shard.dispatcher.listen("sequence_gap", ({ missed }) => gaps.push(missed));
  const text = "é".repeat(200_000);
  gateway.emit("INTERACTION_CREATE", { text } as never);
  await own.roundTrip();
  const sequence = shard.session?.sequence as number;
  const events: string[] = [];
  shard.eventDispatcher.listen("INTERACTION_CREATE", (data) => events.push((data as unknown as { text: string }).text));
  gateway.emit("INTERACTION_CREATE", { text } as never);
  await own.roundTrip();
  assertEquals([events.length, events[0] === text, gaps.length], [1, true, 0]);
  assertEquals((shard.session?.sequence as number) > sequence, true);
});
