import { assertEquals } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { SessionSaver } from "../lib/session_saver.ts";
import type { Session, SessionStore } from "../lib/session_store.ts";
import { test } from "./harness.ts";

const SESSION: Session = { id: "a", sequence: 0, resumeUrl: "", shardId: 0, shardCount: 1, savedAt: 0 };

/** A saver of a session that the test changes, into a store that answers when the test says so. */
class Bench {
  session: Session | null = SESSION;
  /** What was saved, or was begun to be; `null` is a deletion. */
  readonly writes: (number | null)[] = [];
  readonly errors: unknown[] = [];
  readonly saver: SessionSaver;
  #answers: PromiseWithResolvers<void>[] = [];
  isSlow = false;

  constructor() {
    const store: SessionStore = {
      load: () => Promise.resolve(null),
      save: (_key, { sequence }) => this.#write(sequence),
      delete: () => this.#write(null),
    };
    this.saver = new SessionSaver({
      store,
      key: "0-1",
      current: () => this.session,
      onError: (error) => this.errors.push(error),
    });
  }

  at(sequence: number): void {
    this.session = { ...SESSION, sequence };
    this.saver.touch();
  }

  /** Lets the write that is under way end. */
  answer(error?: Error): void {
    const answer = this.#answers.shift();
    if (error === undefined) answer?.resolve();
    else answer?.reject(error);
  }

  #write(what: number | null): Promise<void> {
    this.writes.push(what);
    if (!this.isSlow) return Promise.resolve();
    const answer = Promise.withResolvers<void>();
    this.#answers.push(answer);
    return answer.promise;
  }
}

async function faked(body: (clock: FakeTimers.Clock) => Promise<void>): Promise<void> {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    await body(clock);
  } finally {
    clock.uninstall();
  }
}

test("SessionSaver gathers changes and saves the last state", async () => {
  await faked(async (clock) => {
    const bench = new Bench();
    for (let sequence = 1; sequence <= 100; sequence++) bench.at(sequence);
    assertEquals(bench.writes, []);
    await clock.tickAsync(1_000);
    assertEquals(bench.writes, [100]);
    bench.session = null;
    bench.saver.touch();
    await clock.tickAsync(1_000);
    assertEquals([bench.writes, clock.countTimers()], [[100, null], 0]);
  });
});

test("SessionSaver flushes at once and leaves no timer", async () => {
  await faked(async (clock) => {
    const bench = new Bench();
    bench.at(1);
    await bench.saver.flush();
    assertEquals([bench.writes, clock.countTimers()], [[1], 0]);
  });
});

test("SessionSaver writes nothing where nothing has changed, but waits for what is being written", async () => {
  await faked(async (clock) => {
    const bench = new Bench();
    await bench.saver.flush();
    assertEquals(bench.writes, []);
    bench.isSlow = true;
    bench.at(1);
    await clock.tickAsync(1_000);
    let flushed = false;
    const flush = bench.saver.flush().then(() => flushed = true);
    await clock.tickAsync(1_000);
    assertEquals(flushed, false);
    bench.answer();
    await flush;
    await bench.saver.flush();
    assertEquals(bench.writes, [1]);
  });
});

test("SessionSaver writes one at a time, and only the last state after a slow one", async () => {
  await faked(async (clock) => {
    const bench = new Bench();
    bench.isSlow = true;
    for (let sequence = 1; sequence <= 40; sequence++) {
      bench.at(sequence);
      await clock.tickAsync(1_000);
    }
    assertEquals(bench.writes, [1]);
    let flushed = false;
    const flush = bench.saver.flush().then(() => flushed = true);
    bench.answer();
    await clock.tickAsync(0);
    assertEquals([bench.writes, flushed], [[1, 40], false]);
    bench.answer();
    await flush;
    assertEquals(bench.writes, [1, 40]);
  });
});

test("SessionSaver reports what the store throws and tries again with the next change", async () => {
  await faked(async (clock) => {
    const bench = new Bench();
    bench.isSlow = true;
    bench.at(1);
    await clock.tickAsync(1_000);
    const error = new Error("disk full");
    bench.answer(error);
    // It has failed, which is an end as well.
    await bench.saver.flush();
    bench.isSlow = false;
    bench.at(2);
    await clock.tickAsync(1_000);
    assertEquals([bench.writes, bench.errors], [[1, 2], [error]]);
  });
});
