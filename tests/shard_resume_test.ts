import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { test } from "./harness.ts";
import { connectedRig, fakeTime, fixedRandom, rig } from "./shard_rig.ts";

test("Shard resumes on the resume URL with the query kept, after the last sequence number it received", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig();
  const { shard, gateway } = it;
  await it.echo("one");
  const { sessionId, sessionSequenceNumber } = shard;
  await it.survive(() => gateway.drop());
  assertEquals(gateway.resumes.map(({ via, seq, sessionId }) => [via, seq, sessionId]), [
    ["resume", sessionSequenceNumber, sessionId],
  ]);
  const [first, second] = gateway.connections;
  assertEquals(second?.query, first?.query);
  assertEquals(await it.echo("two"), "two");
});

test("Shard delivers what it missed exactly once and in order, over many breaks", async () => {
  using _ = fixedRandom();
  await using it = await connectedRig({ gateway: { heartbeatIntervalMs: 5000 } });
  const { shard, gateway } = it;
  const texts: string[] = [];
  const sequences: (number | null)[] = [];
  shard.eventDispatcher.listen("MESSAGE_CREATE", ({ content }, { sequence }) => {
    texts.push(content);
    sequences.push(sequence);
  });
  const expected: string[] = [];
  const say = () => {
    expected.push(`message ${expected.length}`);
    gateway.user("Ann").says(expected.at(-1) as string);
  };
  for (let round = 0; round < 8; round++) {
    say();
    const lost = shard.dispatcher.waitFor("disconnect");
    if (round % 2 === 0) gateway.drop();
    else gateway.cutAfter(300);
    for (let count = 0; count < 20; count++) say();
    await lost;
    await shard.ready;
  }
  await it.echo("last");
  assertEquals(texts, [...expected, "last"]);
  assertEquals(sequences, [...sequences].sort((a, b) => Number(a) - Number(b)));
  assertEquals(new Set(sequences).size, texts.length);
  assertEquals([gateway.identifies.length, gateway.resumes.length], [1, 8]);
});

test("Shard names the newest sequence number in heartbeats during a replay", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using it = await rig({ memory: true, gateway: { heartbeatIntervalMs: 10_000 } });
  const { shard, gateway } = it;
  await shard.connect();
  await time.pass(100);
  gateway.drop();
  for (const text of ["one", "two", "three"]) gateway.user("Ann").says(text);
  gateway.pauseReplayAfter(2);
  await time.pass(10);
  assertEquals(shard.phase, "resuming");
  const beat = gateway.next("heartbeat");
  gateway.requestHeartbeat();
  assertEquals((await beat).d, 4);
  gateway.pauseReplayAfter(null);
  await shard.ready;
  assertEquals(shard.sessionSequenceNumber, 6);
});

for (const how of ["refused connections", "refused handshakes"]) {
  test(`Shard goes on through the normal URL after two ${how} on the resume URL, with its session`, async () => {
    using _ = fixedRandom();
    await using it = await connectedRig();
    const { shard, gateway } = it;
    const id = shard.sessionId;
    if (how === "refused connections") gateway.stopListening({ via: "resume" });
    else gateway.rejectUpgrade(503, 2, { via: "resume" });
    await it.survive(() => gateway.drop());
    assertEquals(gateway.resumes.map(({ via, outcome }) => [via, outcome]), [["gateway", "resumed"]]);
    assertEquals([shard.sessionId, gateway.identifies.length], [id, 1]);
    assertEquals(it.told.filter((name) => name === "reconnecting").length, 3);

    // It worked: the next time the resume URL has another chance.
    if (how === "refused connections") await gateway.startListening();
    await it.survive(() => gateway.drop());
    assertEquals(gateway.resumes.at(-1)?.via, "resume");
  });
}

test("Shard goes on through the normal URL when the one to resume on is mute", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  let isMute = false;
  await using it = await rig({
    memory: true,
    createWebSocket: (url, gateway) => {
      gateway.withholdHello(isMute && url.startsWith(gateway.resumeUrl));
      return gateway.createWebSocket(url);
    },
  });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  isMute = true;
  gateway.drop();
  await time.pass(30_000);
  assertEquals([shard.phase, gateway.identifies.length], ["ready", 1]);
  assertEquals(gateway.resumes.map(({ via }) => via), ["gateway"]);
});

test("Shard drops what it received before, and reports what it did not receive", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const ids: unknown[] = [];
  const gaps: unknown[] = [];
  shard.eventDispatcher.listen("TEST" as string, (id) => ids.push(id));
  shard.dispatcher.listen("sequence_gap", (gap) => gaps.push(gap));
  const send = (s: number, d: string) => gateway.sendRaw(`{"t":"TEST","s":${s},"op":0,"d":"${d}"}`);
  for (const [s, d] of [[1, "old"], [2, "again"], [3, "new"], [3, "twice"], [7, "after a gap"]] as const) send(s, d);
  await shard.eventDispatcher.waitFor("TEST" as string, (id) => id === "after a gap");
  assertEquals(ids, ["new", "after a gap"]);
  assertEquals(gaps, [{ sequence: 7, missed: 3 }]);
  assertEquals(shard.sessionSequenceNumber, 7);
});

test("Shard identifies anew where the session has expired, or its replay is too long", async () => {
  for (const lose of ["expire", "overflow"]) {
    using time = fakeTime();
    using _ = fixedRandom();
    await using it = await rig({ memory: true, gateway: { replayLimit: 2 } });
    const { shard, gateway } = it;
    await shard.connect();
    await shard.ready;
    const id = shard.sessionId;
    gateway.drop();
    if (lose === "expire") gateway.expireSessions();
    else for (const text of ["one", "two", "three"]) gateway.user("Ann").says(text);
    await time.pass(5000);
    assertEquals(gateway.resumes.map(({ outcome }) => outcome), [lose === "expire" ? "invalid session" : 4007]);
    assertEquals([shard.phase, gateway.identifies.length], ["ready", 2]);
    assert(shard.sessionId !== id);
  }
});

test("Shard gives up a session whose resumes all die, after five of them and two minutes", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  const { sessionId } = shard;
  const start = Date.now();
  gateway.brickResumes();
  gateway.drop();
  const isNew = gateway.next("identify");
  await time.pass(119_000);
  assertEquals(shard.sessionId, sessionId);
  await time.pass(121_000);
  const { atMs } = await isNew;
  assertGreater(gateway.resumes.length, 4);
  assertGreater(atMs - start, 120_000);
  assertLess(atMs - start, 200_000);
  assertEquals(shard.phase, "ready");
});

test("Shard keeps its session and backs off while connections are refused", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.999);
  await using it = await rig({ memory: true, gateway: { sessionTtlMs: 3_600_000 } });
  const { shard, gateway } = it;
  const delays: number[] = [];
  shard.dispatcher.listen("reconnecting", ({ delayMs, attempt }) => {
    delays.push(delayMs);
    assertEquals(attempt, delays.length);
  });
  await shard.connect();
  await shard.ready;
  const id = shard.sessionId;
  gateway.stopListening();
  gateway.drop();
  gateway.user("Ann").says("missed");
  const missed = shard.eventDispatcher.waitFor("MESSAGE_CREATE");
  await time.pass(1_200_000);
  assertEquals(delays.slice(0, 8).map((ms) => Math.round(ms / 999)), [1, 2, 4, 8, 16, 32, 60, 60]);
  assertLess(delays.length, 30);
  assertEquals(shard.sessionId, id);
  await gateway.startListening();
  await time.pass(60_000);
  assertEquals((await missed).content, "missed");
  assertEquals([shard.sessionId, gateway.identifies.length, gateway.resumes.length], [id, 1, 1]);

  // Half a minute later a failure is a new story.
  await time.pass(30_000);
  delays.length = 0;
  gateway.drop();
  await time.pass(1000);
  assertEquals(delays.map(Math.round), [999]);
});

test("Shard goes on backing off where a connection is not usable for half a minute", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.999);
  await using it = await rig({ memory: true });
  const attempts: number[] = [];
  it.shard.dispatcher.listen("reconnecting", ({ attempt }) => attempts.push(attempt));
  await it.shard.connect();
  for (const _ of [1, 2, 3]) {
    await it.shard.ready;
    await time.pass(25_000);
    it.gateway.drop();
    await time.pass(4_000);
  }
  assertEquals(attempts, [1, 2, 3]);
});

test("Shard resumes a session whose READY named no URL to resume on, through the normal one", async () => {
  using _ = fixedRandom();
  await using it = await rig({ violates: true });
  const { shard, gateway } = it;
  gateway.withholdReady();
  await shard.connect();
  await gateway.next("identify");
  gateway.sendRaw('{"t":"READY","s":1,"op":0,"d":{"session_id":"unknown","resume_gateway_url":null}}');
  await shard.ready;
  assertEquals(shard.session?.resumeUrl, "");
  gateway.withholdReady(false);
  gateway.drop();
  assertEquals((await gateway.next("resume")).via, "gateway");
});

test("Shard counts resumes that die over a close and a connect that keep the session", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.1);
  await using it = await rig({ memory: true, gateway: { sessionTtlMs: 3_600_000 } });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  gateway.brickResumes();
  gateway.drop();
  for (let passed = 0; passed < 200_000 && gateway.identifies.length === 1; passed += 20_000) {
    await shard.close({ cleanup: false });
    await shard.connect();
    await time.pass(20_000);
  }
  assertEquals([gateway.identifies.length, shard.phase], [2, "ready"]);
});

test("Shard counts resumes that die anew after one that did not, whatever ended the connection", async () => {
  using time = fakeTime();
  using _ = fixedRandom(0.5);
  await using it = await rig({ memory: true, gateway: { sessionTtlMs: 3_600_000 } });
  const { shard, gateway } = it;
  await shard.connect();
  await shard.ready;
  const { sessionId } = shard;
  gateway.brickResumes();
  gateway.drop();
  await time.pass(70_000);
  assertGreater(gateway.resumes.length, 4);
  gateway.brickResumes(false);
  await time.pass(60_000);
  assertEquals([shard.phase, shard.sessionId], ["ready", sessionId]);
  await shard.close({ cleanup: false });
  gateway.brickResumes();
  await shard.connect();
  await time.pass(10_000);
  assertEquals(shard.sessionId, sessionId);
});
