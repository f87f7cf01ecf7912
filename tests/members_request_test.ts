import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { delay } from "@std/async";
import { deliverChunk, failRequest, MembersRequest } from "../lib/members_request.ts";
import type { GuildMembersChunk } from "../lib/payload.ts";
import { sampleMember, sampleUser } from "../lib/testing/samples.ts";
import { test } from "./harness.ts";

function chunk(index: number, count: number, names: readonly string[] = [`m${index}`]): GuildMembersChunk {
  return {
    guild_id: "1",
    chunk_index: index,
    chunk_count: count,
    members: names.map((name) => sampleMember(sampleUser(name))) as unknown as GuildMembersChunk["members"],
  };
}

function request(onReturn: () => void = () => {}): MembersRequest {
  return new MembersRequest("nonce", onReturn);
}

async function indexesOf(request: AsyncIterable<GuildMembersChunk>): Promise<number[]> {
  const indexes: number[] = [];
  for await (const { chunk_index } of request) indexes.push(chunk_index);
  return indexes;
}

test("MembersRequest resolves with all members once every part has come, in whatever order, each part once", async () => {
  const members = request();
  const awaited = Promise.resolve(members);
  await Promise.resolve();
  assertEquals(deliverChunk(members, chunk(2, 3)), false);
  assertEquals(deliverChunk(members, chunk(0, 3, ["a", "b"])), false);
  assertEquals(deliverChunk(members, chunk(2, 3)), false);
  assertEquals(deliverChunk(members, chunk(1, 3, [])), true);
  const names = (await awaited).map(({ user }) => user.username);
  assertEquals(names, ["m2", "a", "b"]);
  assertEquals((await members).length, 3);
});

test("MembersRequest can be awaited after its answer has come", async () => {
  const members = request();
  deliverChunk(members, chunk(0, 1));
  assertEquals((await members).length, 1);
});

test("MembersRequest yields parts as they come, and those that came before", async () => {
  const members = request();
  deliverChunk(members, chunk(1, 3));
  const indexes = indexesOf(members);
  await Promise.resolve();
  deliverChunk(members, chunk(0, 3));
  await Promise.resolve();
  deliverChunk(members, chunk(2, 3));
  assertEquals(await indexes, [1, 0, 2]);
});

test("MembersRequest answers steps that are asked for at once, in order", async () => {
  const members = request();
  const iterator = members[Symbol.asyncIterator]();
  const steps = [iterator.next(), iterator.next(), iterator.next()];
  await Promise.resolve();
  deliverChunk(members, chunk(0, 2));
  deliverChunk(members, chunk(1, 2));
  assertEquals((await Promise.all(steps)).map(({ value }) => value?.chunk_index), [0, 1, undefined]);
});

test("MembersRequest rejects who awaits it, now or later", async () => {
  const members = request();
  const reason = new RangeError("lost");
  const awaited = Promise.resolve(members).catch((error) => error);
  failRequest(members, reason);
  failRequest(members, new Error("too late"));
  assertStrictEquals(await awaited, reason);
  assertStrictEquals(await members.then(() => null, (error) => error), reason);
});

test("MembersRequest yields what came before an error, and then fails", async () => {
  const members = request();
  deliverChunk(members, chunk(0, 2));
  failRequest(members, new RangeError("lost"));
  const iterator = members[Symbol.asyncIterator]();
  assertEquals((await iterator.next()).value?.chunk_index, 0);
  await assertRejects(() => iterator.next(), RangeError, "lost");
});

test("MembersRequest that has ended takes no more parts and no errors", async () => {
  const members = request();
  deliverChunk(members, chunk(0, 1));
  failRequest(members, new Error("too late"));
  assertEquals(deliverChunk(members, chunk(1, 2)), false);
  assertEquals((await members).length, 1);
});

test("MembersRequest ends when its loop is left, and says so", async () => {
  let returns = 0;
  const members = request(() => returns++);
  deliverChunk(members, chunk(0, 3));
  for await (const { chunk_index } of members) {
    assertEquals(chunk_index, 0);
    break;
  }
  assertEquals([returns, deliverChunk(members, chunk(1, 3))], [1, false]);
});

test("MembersRequest ends a step that waits when its iteration is ended", async () => {
  const members: MembersRequest = request(() => failRequest(members, new Error("too late")));
  const iterator = members[Symbol.asyncIterator]();
  const step = iterator.next();
  await Promise.resolve();
  assertEquals(await iterator.return?.(), { done: true, value: undefined });
  assertEquals(await step, { done: true, value: undefined });
});

test("MembersRequest is awaited or iterated over once, not both", async () => {
  const awaited = request();
  deliverChunk(awaited, chunk(0, 1));
  await awaited;
  await assertRejects(() => indexesOf(awaited), DOMException, "not both");
  const iterated = request();
  deliverChunk(iterated, chunk(0, 1));
  await indexesOf(iterated);
  await assertRejects(() => indexesOf(iterated), DOMException, "not both");
  const error = await assertRejects(async () => void await iterated, DOMException, "not both");
  assertEquals(error.name, "InvalidStateError");
});

test("MembersRequest's rejection needs nobody who waits for it", async () => {
  failRequest(request(), new Error("nobody listens"));
  // A runtime reports unhandled rejections at the end of a turn.
  await delay(0);
});

test("MembersRequest that fails does not end the process for a part that nobody waits for", async () => {
  const failing = request();
  const parts = failing[Symbol.asyncIterator]();
  const next = parts.next();
  failRequest(failing, new RangeError("closed"));
  parts.next();
  await delay(0);
  assertEquals(await next.catch((error) => error.message), "closed");
});
