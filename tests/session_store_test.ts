import { assert, assertEquals } from "@std/assert";
import { isSessionOf, MemorySessionStore, type Session, sessionKeyOf } from "../lib/session_store.ts";
import { test } from "./harness.ts";

const SESSION: Session = {
  id: "session",
  sequence: 7,
  resumeUrl: "wss://resume.example",
  shardId: 1,
  shardCount: 2,
  savedAt: 1_700_000_000_000,
};

test("MemorySessionStore keeps a copy of a session by its key until it is deleted", async () => {
  const store = new MemorySessionStore();
  assertEquals(await store.load("1-2"), null);
  const session = { ...SESSION };
  await store.save("1-2", session);
  session.sequence = 8;
  assertEquals(await store.load("1-2"), SESSION);
  assertEquals(await store.load("0-2"), null);
  await store.save("1-2", session);
  assertEquals((await store.load("1-2"))?.sequence, 8);
  await store.delete("1-2");
  await store.delete("1-2");
  assertEquals(await store.load("1-2"), null);
});

test("MemorySessionStore's sessions do not change with what was loaded", async () => {
  const store = new MemorySessionStore();
  await store.save("1-2", SESSION);
  const loaded = await store.load("1-2") as Session;
  loaded.sequence = 100;
  assertEquals(await store.load("1-2"), SESSION);
});

test("sessionKeyOf tells shards and counts apart", () => {
  assertEquals(sessionKeyOf(1, 12), "1-12");
  assertEquals(sessionKeyOf(11, 2), "11-2");
});

test("isSessionOf accepts a session of the shard, through JSON as well", () => {
  assert(isSessionOf(SESSION, 1, 2));
  assert(isSessionOf(JSON.parse(JSON.stringify(SESSION)), 1, 2));
  assert(isSessionOf({ ...SESSION, sequence: 0, resumeUrl: "", more: true }, 1, 2));
});

test("isSessionOf refuses what is no session, or another shard's, or of another count", () => {
  for (const value of [null, undefined, 1, "session", [], {}]) assert(!isSessionOf(value, 1, 2));
  assertEquals(isSessionOf(SESSION, 0, 2), false);
  assertEquals(isSessionOf(SESSION, 1, 4), false);
  const wrong: Record<string, unknown>[] = [
    { id: "" },
    { id: 1 },
    { sequence: "7" },
    { sequence: 1.5 },
    { sequence: NaN },
    { sequence: -1 },
    { resumeUrl: null },
  ];
  for (const part of wrong) assert(!isSessionOf({ ...SESSION, ...part }, 1, 2), JSON.stringify(part));
});
