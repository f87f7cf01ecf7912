import { MemorySessionStore, type Session, type SessionStore, Shard, TimesPer } from "@gangway/gateway";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "./harness.ts";
import { ALL_INTENTS, connectedRig, fakeTime, fixedRandom, type Rig, rig } from "./shard_rig.ts";

/** The shard of the next process: nothing but the store is the same. */
function successor(it: Rig, sessionStore: SessionStore, shardId = 0, shardCount = 1): Shard {
  const limiter = new TimesPer(1, 0.001, { marginMs: 0 });
  return new Shard(shardId, shardCount, ALL_INTENTS, it.gateway.token, limiter, it.client, { sessionStore });
}

test("Shard resumes with what another one stored, and spends no identify", async () => {
  const sessionStore = new MemorySessionStore();
  await using it = await connectedRig({ shard: { sessionStore } });
  const { shard, gateway } = it;
  await it.echo("one");
  const { sessionId, sessionSequenceNumber } = shard;
  const before = Date.now();
  await shard.close({ cleanup: false });
  const stored = await sessionStore.load("0-1");
  assertEquals({ ...stored, savedAt: 0 }, {
    id: sessionId as string,
    sequence: sessionSequenceNumber as number,
    resumeUrl: gateway.resumeUrl,
    shardId: 0,
    shardCount: 1,
    savedAt: 0,
  });
  assert(stored !== null && stored.savedAt >= before);
  gateway.user("Ann").says("missed");

  await using next = successor(it, sessionStore);
  const missed = next.eventDispatcher.waitFor("MESSAGE_CREATE");
  await next.connect();
  assertEquals((await missed).content, "missed");
  await next.ready;
  assertEquals([next.sessionId, gateway.identifies.length], [sessionId, 1]);
  assertEquals(gateway.resumes.map(({ seq, via }) => [seq, via]), [[sessionSequenceNumber, "resume"]]);
});

test("Shard stores nothing of what a listener is still at work with, and gets it again after a restart", async () => {
  const sessionStore = new MemorySessionStore();
  await using it = await connectedRig({ shard: { sessionStore } });
  const { shard, gateway } = it;
  const work = Promise.withResolvers<void>();
  shard.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => content === "slow" ? work.promise : undefined);
  await it.echo("quick");
  await it.echo("slow");
  await it.echo("quick again");
  assertEquals(shard.sessionSequenceNumber, 5);
  await shard.close({ cleanup: false });
  assertEquals((await sessionStore.load("0-1"))?.sequence, 3);
  // What ends now is too late: the next process does it again.
  work.resolve();
  await work.promise;
  await using next = successor(it, sessionStore);
  const texts: string[] = [];
  next.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => texts.push(content));
  await next.connect();
  await next.ready;
  assertEquals([texts, gateway.resumes.map(({ seq }) => seq)], [["slow", "quick again"], [3]]);
  assertEquals((await sessionStore.load("0-1"))?.sequence, 3);
});

test("Shard that reconnects in the same process goes on from what it received, handled or not", async () => {
  using _ = fixedRandom();
  const sessionStore = new MemorySessionStore();
  await using it = await connectedRig({ shard: { sessionStore } });
  const { shard, gateway } = it;
  const work = Promise.withResolvers<void>();
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => work.promise);
  await it.echo("slow");
  await it.survive(() => gateway.drop());
  assertEquals(gateway.resumes.map(({ seq }) => seq), [3]);
  work.resolve();
  await shard.close({ cleanup: false });
});

test("Shard takes up no session of another shard or count, and nothing that is none", async () => {
  const session: Session = { id: "x", sequence: 1, resumeUrl: "", shardId: 0, shardCount: 1, savedAt: 0 };
  const foreign: unknown[] = [
    { ...session, shardCount: 2 },
    { ...session, shardId: 1 },
    { ...session, id: "" },
    { ...session, sequence: -1 },
    { ...session, sequence: "1" },
    { ...session, resumeUrl: null },
    {},
    "session",
    undefined,
  ];
  for (const value of foreign) {
    const sessionStore = new MemorySessionStore();
    sessionStore.load = () => Promise.resolve(value as Session);
    await using it = await connectedRig({ shard: { sessionStore } });
    assertEquals([it.gateway.identifies.length, it.gateway.resumes.length], [1, 0]);
  }
});

test("Shard identifies where the stored session is not known any more", async () => {
  using time = fakeTime();
  const sessionStore = new MemorySessionStore();
  await using it = await rig({ memory: true, shard: { sessionStore } });
  const { resumeUrl } = it.gateway;
  await sessionStore.save("0-1", { id: "x", sequence: 1, resumeUrl, shardId: 0, shardCount: 1, savedAt: 0 });
  await it.shard.connect();
  await time.pass(5000);
  await it.shard.ready;
  assertEquals(it.gateway.resumes.map(({ via, outcome }) => [via, outcome]), [["resume", "invalid session"]]);
  await it.shard.close({ cleanup: false });
  assertEquals((await sessionStore.load("0-1"))?.id, it.shard.sessionId);
});

test("Shard goes on where its store fails, and tells of it", async () => {
  const failures = {
    load: () => Promise.reject(new Error("load")),
    save: () => {
      throw new Error("save");
    },
    delete: () => Promise.reject(new Error("delete")),
  };
  await using it = await rig({ shard: { sessionStore: failures } });
  const { shard } = it;
  const told: string[] = [];
  shard.dispatcher.listen("session_store_error", ({ error }) => told.push((error as Error).message));
  await it.up();
  assertEquals(await it.echo("hello"), "hello");
  await shard.close();
  assertEquals(shard.phase, "closed");
  assertEquals(new Set(told), new Set(["load", "save", "delete"]));
});

test("Shard's store has nothing left after a close with cleanup", async () => {
  const sessionStore = new MemorySessionStore();
  await using it = await connectedRig({ shard: { sessionStore } });
  await it.shard.close();
  assertEquals(await sessionStore.load("0-1"), null);
});

test("Shard that is closed before its session has been loaded leaves it in the store", async () => {
  const sessionStore = new MemorySessionStore();
  const session = { id: "x", sequence: 1, resumeUrl: "", shardId: 0, shardCount: 1, savedAt: 0 };
  await sessionStore.save("0-1", session);
  await using it = await rig();
  const shard = successor(it, sessionStore);
  const told: string[] = [];
  shard.dispatcher.listenAll(({ type }) => told.push(type));
  const { load } = sessionStore;
  sessionStore.load = (_key, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const connecting = shard.connect();
  await shard.close({ cleanup: false });
  await assertRejects(() => connecting, DOMException);
  sessionStore.load = load;
  assertEquals(await sessionStore.load("0-1"), session);
  assert(!told.includes("session_store_error"));

  const idle = successor(it, sessionStore);
  await idle[Symbol.asyncDispose]();
  assertEquals(await sessionStore.load("0-1"), session);
});

test("Shard keeps its session in the store after a critical error", async () => {
  const sessionStore = new MemorySessionStore();
  await using it = await connectedRig({ shard: { sessionStore } });
  const { shard } = it;
  const { sessionId, closed } = shard;
  it.gateway.disconnect(4012);
  await closed.catch(() => {});
  await shard.close({ cleanup: false });
  assertEquals((await sessionStore.load("0-1"))?.id, sessionId);
});

test("Shard.session is plain data with which another one can resume", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const session = JSON.parse(JSON.stringify(shard.session)) as Session;
  await shard.close({ cleanup: false });
  const sessionStore = new MemorySessionStore();
  await sessionStore.save("0-1", session);
  await using next = successor(it, sessionStore);
  await next.connect();
  await next.ready;
  assertEquals([gateway.identifies.length, gateway.resumes.length], [1, 1]);
});

/** A store that never answers to one of the calls. */
function mute(call: keyof SessionStore): SessionStore {
  const store: SessionStore = new MemorySessionStore();
  store[call] = () => new Promise<never>(() => {});
  return store;
}

test("Shard whose store never answers to load can be closed, and gives up with a signal", async () => {
  await using it = await rig({ shard: { sessionStore: mute("load") } });
  const { shard } = it;
  const closed = shard.connect();
  await shard.close();
  assertEquals((await assertRejects(() => closed, DOMException)).name, "AbortError");
  const controller = new AbortController();
  const connecting = shard.connect({ signal: controller.signal });
  controller.abort(new Error("Too slow"));
  await assertRejects(() => connecting, Error, "Too slow");
  assertEquals([shard.phase, it.gateway.connections.length], ["closed", 0]);
});

for (const [call, cleanup] of [["save", false], ["delete", true]] as const) {
  test(`Shard whose store never answers to ${call} is closed after 5 seconds, and says so`, async () => {
    using time = fakeTime();
    await using it = await rig({ memory: true, shard: { sessionStore: mute(call) } });
    const { shard } = it;
    const errors: unknown[] = [];
    shard.dispatcher.listen("session_store_error", ({ error }) => errors.push(error));
    await shard.connect();
    await shard.ready;
    await time.pass(60_000);
    assertEquals(errors, []);
    let over = false;
    const closing = shard.close({ cleanup }).then(() => over = true);
    await time.pass(4_999);
    assertEquals(over, false);
    await time.pass(1);
    await closing;
    assertEquals(errors.map((error) => (error as Error).name), ["TimeoutError"]);
    assertEquals([shard.phase, time.timers()], ["closed", 0]);
    // What is left to be disposed of writes again.
    const disposing = shard.close({ cleanup: false });
    await time.pass(5_000);
    await disposing;
    shard.close = () => Promise.resolve();
  });
}

test("Shard fails with its critical error though its store never answers", async () => {
  using time = fakeTime();
  await using it = await rig({ memory: true, shard: { sessionStore: mute("save") } });
  const { shard } = it;
  await shard.connect();
  await shard.ready;
  const { closed } = shard;
  it.gateway.disconnect(4012);
  await time.pass(5_000);
  assertEquals((await closed.catch((error) => error)).name, "InvalidApiVersionError");
  const closing = shard.close();
  await time.pass(5_000);
  await closing;
  shard.close = () => Promise.resolve();
});

test("Shard.token set while the shard is closed, or was never connected, leaves no session to be resumed", async () => {
  for (const isNew of [true, false]) {
    const sessionStore = new MemorySessionStore();
    await using it = await connectedRig({ shard: { sessionStore } });
    await it.shard.close({ cleanup: false });
    assert(await sessionStore.load("0-1") !== null);
    // Slow, as stores are: what is deleted must not be found meanwhile.
    const deletion = Promise.withResolvers<void>();
    const slow: SessionStore = {
      load: (key) => sessionStore.load(key),
      save: (key, session) => sessionStore.save(key, session),
      delete: async (key) => {
        await deletion.promise;
        await sessionStore.delete(key);
      },
    };
    await using shard = isNew ? successor(it, slow) : successor(it, sessionStore);
    if (!isNew) {
      await shard.connect();
      await shard.ready;
      await shard.close({ cleanup: false });
    }
    const { token } = shard;
    shard.token = "another";
    shard.token = token;
    const connecting = shard.connect();
    // In the next turn: whoever does not wait for it has loaded by then.
    setTimeout(deletion.resolve);
    await connecting;
    await shard.ready;
    assertEquals([it.gateway.identifies.length, it.gateway.resumes.length], [2, isNew ? 0 : 1]);
  }
});

test("Shard stores nothing of a listener at work when a RESUMED repeats the number of its dispatch", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  const sessionStore = new MemorySessionStore();
  await using it = await rig({ memory: true, shard: { sessionStore } });
  const { shard, gateway } = it;
  const work = Promise.withResolvers<void>();
  shard.eventDispatcher.listen("MESSAGE_CREATE", () => work.promise);
  shard.eventDispatcher.listen("RESUMED", () => Promise.resolve());
  void shard.connect();
  await time.pass(2_000);
  gateway.user("Ann").says("slow");
  await time.pass(1_000);
  const received = shard.sessionSequenceNumber as number;
  gateway.pauseReplayAfter(0);
  gateway.drop();
  await time.pass(1_000);
  gateway.sendRaw(JSON.stringify({ t: "RESUMED", s: received, op: 0, d: {} }));
  await time.pass(1_000);
  assertEquals([shard.phase, (await sessionStore.load("0-1"))?.sequence], ["ready", received - 1]);
  work.resolve();
  await time.pass(1_000);
  assertEquals((await sessionStore.load("0-1"))?.sequence, received);
  await Promise.all([shard.close(), time.pass(1_000)]);
});

test("Shard that connects again stores what comes then, although an iterator was left with events at its close", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  const sessionStore = new MemorySessionStore();
  await using it = await rig({ memory: true, shard: { sessionStore } });
  const { shard, gateway } = it;
  void shard.connect();
  await time.pass(2_000);
  const before = shard.sessionSequenceNumber as number;
  shard.eventDispatcher.events("MESSAGE_CREATE");
  for (const text of ["a", "b"]) gateway.user("Ann").says(text);
  await time.pass(1_000);
  await Promise.all([shard.close({ cleanup: false }), time.pass(1_000)]);
  assertEquals((await sessionStore.load("0-1"))?.sequence, before);
  void shard.connect();
  await time.pass(2_000);
  gateway.user("Ann").says("c");
  await time.pass(1_000);
  assertEquals((await sessionStore.load("0-1"))?.sequence, shard.sessionSequenceNumber as number);
  await Promise.all([shard.close(), time.pass(1_000)]);
});

test("Shard whose token is set while the store loads does not take up the session", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  const inner = new MemorySessionStore();
  const savedAt = Date.now();
  await inner.save("0-1", { id: "old", sequence: 7, resumeUrl: "", shardId: 0, shardCount: 1, savedAt });
  const sessionStore: SessionStore = {
    load: async (key) => {
      const session = await inner.load(key);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return session;
    },
    save: (key, session) => inner.save(key, session),
    delete: (key) => inner.delete(key),
  };
  await using it = await rig({ memory: true, token: "another", shard: { sessionStore } });
  const { shard, gateway } = it;
  void shard.connect();
  await time.pass(500);
  shard.token = gateway.token;
  await time.pass(3_000);
  assertEquals([shard.phase, gateway.resumes.length, gateway.identifies.length], ["ready", 0, 1]);
  await Promise.all([shard.close(), time.pass(1_000)]);
});
