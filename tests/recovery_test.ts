import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  afterClose,
  afterConnection,
  type ConnectionLife,
  INITIAL_RECOVERY,
  isSessionDead,
  reconnectDelayMs,
  type Recovery,
  trustsResumeUrl,
} from "../lib/recovery.ts";
import { test } from "./harness.ts";

/** What connections come to. */
const REFUSED: ConnectionLife = { onResumeUrl: false, greeted: false, sent: null, answered: false, usableAt: null };
const REFUSED_RESUME: ConnectionLife = { ...REFUSED, onResumeUrl: true };
const GREETED: ConnectionLife = { ...REFUSED, greeted: true };
const DEAD_RESUME: ConnectionLife = { ...GREETED, onResumeUrl: true, sent: "resume" };
const DEAD_IDENTIFY: ConnectionLife = { ...GREETED, sent: "identify" };

function resumed(usableAt: number | null): ConnectionLife {
  return { ...DEAD_RESUME, answered: true, usableAt };
}

function identified(usableAt: number): ConnectionLife {
  return { ...DEAD_IDENTIFY, answered: true, usableAt };
}

/** What is remembered after the lives, each of which ended at its time. */
function after(
  lives: readonly (readonly [life: ConnectionLife, endedAt: number])[],
  start = INITIAL_RECOVERY,
): Recovery {
  return lives.reduce((recovery, [life, endedAt]) => afterConnection(recovery, life, endedAt), start);
}

const RESUMES = { identifies: false, shardCount: 1 };
const IDENTIFIES = { identifies: true, shardCount: 1 };

function times(count: number, life: ConnectionLife, everyMs = 1_000): [ConnectionLife, number][] {
  return Array.from({ length: count }, (_, index) => [life, index * everyMs]);
}

// Attempts

test("afterConnection counts the connections that end", () => {
  assertEquals(after(times(1, REFUSED)).attempt, 1);
  assertEquals(after(times(7, REFUSED)).attempt, 7);
  assertEquals(after(times(7, DEAD_RESUME)).attempt, 7);
});

test("afterConnection begins to count anew after a connection that was usable for 30 seconds, and not sooner", () => {
  const failed = after(times(6, REFUSED));
  assertEquals(afterConnection(failed, resumed(100_000), 130_000).attempt, 1);
  assertEquals(afterConnection(failed, identified(100_000), 200_000).attempt, 1);
  assertEquals(afterConnection(failed, resumed(100_000), 129_999).attempt, 7);
  assertEquals(afterConnection(failed, resumed(null), 200_000).attempt, 7);
  // The clock may begin at zero.
  assertEquals(afterConnection(failed, resumed(0), 30_000).attempt, 1);
});

// The resume URL

test("trustsResumeUrl gives the URL up after two handshakes in a row that failed on it", () => {
  assertEquals(trustsResumeUrl(INITIAL_RECOVERY), true);
  assertEquals(trustsResumeUrl(after(times(1, REFUSED_RESUME))), true);
  assertEquals(trustsResumeUrl(after(times(2, REFUSED_RESUME))), false);
  assertEquals(trustsResumeUrl(after(times(3, REFUSED_RESUME))), false);
});

test("trustsResumeUrl is told nothing by what fails on the normal URL", () => {
  assertEquals(trustsResumeUrl(after(times(9, REFUSED))), true);
  assertEquals(trustsResumeUrl(after(times(2, REFUSED), after(times(2, REFUSED_RESUME)))), false);
});

test("trustsResumeUrl trusts again once the gateway sent anything", () => {
  assertEquals(trustsResumeUrl(after([[REFUSED_RESUME, 0], [GREETED, 1], [REFUSED_RESUME, 2]])), true);
  assertEquals(trustsResumeUrl(after([[REFUSED_RESUME, 0], [REFUSED_RESUME, 1], [GREETED, 2]])), true);
  assertEquals(trustsResumeUrl(after([[REFUSED_RESUME, 0], [DEAD_RESUME, 1], [REFUSED_RESUME, 2]])), true);
});

// Sessions that are of no use any more

test("isSessionDead gives a session up after 5 resumes that died over 2 minutes, and not sooner", () => {
  assertEquals(isSessionDead(after(times(5, DEAD_RESUME, 30_000))), true);
  assertEquals(isSessionDead(after([...times(4, DEAD_RESUME, 30_000), [DEAD_RESUME, 119_999]])), false);
  assertEquals(isSessionDead(after(times(4, DEAD_RESUME, 1_000_000))), false);
  assertEquals(isSessionDead(after(times(9, DEAD_RESUME, 1_000))), false);
  assertEquals(isSessionDead(INITIAL_RECOVERY), false);
});

test("isSessionDead counts from the end of the first dead resume, also where the clock is far from zero", () => {
  const lives = times(4, DEAD_RESUME, 30_000).map(([life, at]) => [life, at + 1_000_000] as const);
  assertEquals(isSessionDead(after([...lives, [DEAD_RESUME, 1_119_999]])), false);
  assertEquals(isSessionDead(after([...lives, [DEAD_RESUME, 1_120_000]])), true);
});

test("isSessionDead is not brought about by a network that fails after resumes that died in quick succession", () => {
  const lives = times(5, DEAD_RESUME, 1_000);
  for (const life of [REFUSED, REFUSED_RESUME, GREETED]) {
    assertEquals(isSessionDead(after([...lives, [life, 60_000], [life, 600_000]])), false);
  }
  assertEquals(isSessionDead(after([...lives, [REFUSED, 60_000], [DEAD_RESUME, 600_000]])), true);
});

test("isSessionDead keeps a session however often the network fails: refused, reset or silent before HELLO", () => {
  for (const life of [REFUSED, REFUSED_RESUME, GREETED]) {
    assertEquals(isSessionDead(after(times(50, life, 60_000))), false);
  }
});

test("isSessionDead is not helped by failures between dead resumes, which neither count nor clear", () => {
  const lives = times(5, DEAD_RESUME, 30_000).flatMap((
    [life, at],
  ) => [[life, at], [REFUSED, at + 1], [GREETED, at + 2]])
    .map(([life, at]) => [life as ConnectionLife, at as number] as const);
  assertEquals(after(lives).deadResumes, 5);
  assertEquals(isSessionDead(after(lives)), true);
});

test("isSessionDead begins anew after a single dispatch", () => {
  const four = after(times(4, DEAD_RESUME, 40_000));
  const answered = afterConnection(four, resumed(null), 160_000);
  assertEquals(answered.deadResumes, 0);
  const again = afterConnection(answered, DEAD_RESUME, 200_000);
  assertEquals({ count: again.deadResumes, since: again.deadSince }, { count: 1, since: 200_000 });
});

// Identifies

test("afterConnection counts identifies in a row that led to nothing lasting", () => {
  assertEquals(after(times(3, DEAD_IDENTIFY)).shortIdentifies, 3);
  assertEquals(after([[identified(0), 29_999], [DEAD_RESUME, 30_000], [DEAD_IDENTIFY, 40_000]]).shortIdentifies, 2);
  assertEquals(after([[DEAD_IDENTIFY, 0], [DEAD_IDENTIFY, 1], [identified(10), 30_010]]).shortIdentifies, 0);
  assertEquals(after([[DEAD_IDENTIFY, 0], [DEAD_IDENTIFY, 1], [resumed(10), 30_010]]).shortIdentifies, 0);
});

test("reconnectDelayMs is the backoff of the attempt where a session is resumed", () => {
  const recovery = { ...INITIAL_RECOVERY, attempt: 3, shortIdentifies: 9 };
  assertEquals([0, 0.5, 1].map((random) => reconnectDelayMs(recovery, RESUMES, random)), [0, 2_000, 4_000]);
});

test("reconnectDelayMs spreads the first attempts of a bot with many shards, and never by more than 60 seconds", () => {
  const windows = (shardCount: number) =>
    [1, 2, 3, 4, 5, 9].map((attempt) =>
      reconnectDelayMs({ ...INITIAL_RECOVERY, attempt }, { identifies: false, shardCount }, 1)
    );
  assertEquals(windows(1), [1_000, 2_000, 4_000, 8_000, 16_000, 60_000]);
  assertEquals(windows(200), windows(1));
  assertEquals(windows(1_000), [5_000, 5_000, 5_000, 8_000, 16_000, 60_000]);
  assertEquals(windows(100_000), Array(6).fill(60_000));
  const one = { ...INITIAL_RECOVERY, attempt: 1 };
  const delays = [0, 0.5, 1].map((random) => reconnectDelayMs(one, { identifies: false, shardCount: 1_000 }, random));
  assertEquals(delays, [0, 2_500, 5_000]);
});

test("reconnectDelayMs makes nobody wait for one or two identifies, but the backoff", () => {
  for (const shortIdentifies of [0, 1]) {
    assertEquals(reconnectDelayMs({ ...INITIAL_RECOVERY, attempt: 1, shortIdentifies }, IDENTIFIES, 0), 0);
  }
});

test("reconnectDelayMs doubles from 5 seconds to 10 minutes between short-lived identifies, jittered by half", () => {
  const delays = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((shortIdentifies) => {
    const recovery = { ...INITIAL_RECOVERY, attempt: 1, shortIdentifies };
    return [reconnectDelayMs(recovery, IDENTIFIES, 0), reconnectDelayMs(recovery, IDENTIFIES, 1)];
  });
  assertEquals(delays, [
    [2_500, 5_000],
    [5_000, 10_000],
    [10_000, 20_000],
    [20_000, 40_000],
    [40_000, 80_000],
    [80_000, 160_000],
    [160_000, 320_000],
    [300_000, 600_000],
    [300_000, 600_000],
  ]);
});

test("reconnectDelayMs is the longer of the two waits", () => {
  assertEquals(reconnectDelayMs({ ...INITIAL_RECOVERY, attempt: 7, shortIdentifies: 2 }, IDENTIFIES, 1), 60_000);
});

test("reconnectDelayMs keeps identifies that lead to nothing within a day's budget of 1000", () => {
  let recovery = INITIAL_RECOVERY;
  let now = 0;
  let identifies = 0;
  while (now < 86_400_000) {
    recovery = afterConnection(recovery, DEAD_IDENTIFY, now);
    now += reconnectDelayMs(recovery, IDENTIFIES, 0);
    identifies++;
  }
  assert(identifies < 500, `${identifies} identifies`);
});

// Anything in any order

const lives = fc.array(
  fc.tuple(
    fc.record({
      onResumeUrl: fc.boolean(),
      greeted: fc.boolean(),
      sent: fc.constantFrom("identify" as const, "resume" as const, null),
      answered: fc.boolean(),
      lasted: fc.option(fc.nat({ max: 60_000 })),
    }),
    fc.nat({ max: 100_000 }),
  ),
  { maxLength: 40 },
);

test("afterConnection keeps its counts and waits in their bounds, whatever connections come to", () => {
  const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const shardCounts = fc.integer({ min: 1 });
  fc.assert(fc.property(lives, fc.boolean(), shardCounts, randoms, (lives, identifies, shardCount, random) => {
    let recovery = INITIAL_RECOVERY;
    let now = 0;
    for (const [{ lasted, ...rest }, pause] of lives) {
      now += pause;
      const life = { ...rest, usableAt: lasted === null ? null : now - lasted };
      const before = Object.freeze(recovery);
      recovery = afterConnection(before, life, now);
      assert(recovery.attempt === 1 || recovery.attempt === before.attempt + 1);
      assert(recovery.deadResumes <= before.deadResumes + 1 && recovery.refusedResumes <= before.refusedResumes + 1);
      assert(recovery.deadSince <= now);
      assert(!life.answered || !isSessionDead(recovery));
      const delay = reconnectDelayMs(recovery, { identifies, shardCount }, random);
      assert(delay >= 0 && delay <= (identifies ? 600_000 : 60_000));
    }
  }));
});

test("afterClose remembers what concerns the session, and nothing else", () => {
  const recovery = after([...times(3, DEAD_RESUME), ...times(3, REFUSED_RESUME), ...times(3, DEAD_IDENTIFY)]);
  const { deadResumes, deadSince, deadUntil } = recovery;
  assertEquals(deadResumes, 3);
  assertEquals(afterClose(recovery), { ...INITIAL_RECOVERY, deadResumes, deadSince, deadUntil });
});
