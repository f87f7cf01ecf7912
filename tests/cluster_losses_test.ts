import { assertEquals, assertRejects } from "@std/assert";
import { Board } from "../lib/cluster/board.ts";
import { type Loss, LossCount, Losses, lossesOf } from "../lib/cluster/losses.ts";
import type { Shard } from "../mod.ts";
import { connectTo, natsTest, until } from "./cluster/rig.ts";
import { test } from "./harness.ts";

function lossOf(sessionId: string, sequence: number, missed: number | null, shardId = 0): Loss {
  return { shardId, missed, reason: "for a test", upTo: { sessionId, sequence } };
}

function shardOf(phase: string): Shard {
  return { shardId: 0, sessionId: "a", phase } as Shard;
}

function countOn(board: Board, shardCount: number, onError: (error: unknown) => void = () => {}): LossCount {
  return new LossCount({ board, shardCount, onError });
}

const { signal: SIGNAL } = new AbortController();

/** A board of one process, whose next writes fail after all, as they do where the answer is lost. */
class FailingBoard {
  readonly #entries = new Map<string, unknown>();
  failures = 0;

  get(key: string): unknown {
    return this.#entries.get(key);
  }

  under(): Iterable<[string, unknown]> {
    return this.#entries;
  }

  async write(key: string, value: unknown): Promise<boolean> {
    await Promise.resolve();
    this.#entries.set(key, value);
    if (this.failures-- > 0) throw new Error("No answer");
    return true;
  }

  asBoard(): Board {
    return this as unknown as Board;
  }
}

natsTest("LossCount counts each loss once, whichever nodes meet it", async (server) => {
  await using connection = await connectTo(server);
  await using board = await Board.open(connection.nats, "board", { timeoutMs: 5_000 });
  await using other = await Board.open(connection.nats, "board", { timeoutMs: 5_000 });
  // Two owners, one after the other, which have met nothing else.
  const add = async (loss: Loss) => {
    for (const one of [board, other]) await countOn(one, 4).add(loss, SIGNAL);
  };
  await add(lossOf("a", 10, 3));
  // Whoever takes over may receive less again, or all of it.
  await add(lossOf("a", 8, 1));
  await add(lossOf("a", 10, 3));
  assertEquals(lossesOf(board), { times: 1, events: 3 });
  await add(lossOf("a", Number.MAX_SAFE_INTEGER, null));
  await add(lossOf("b", 2, 5));
  await add(lossOf("a", 2, 1, 1));
  await until(() => lossesOf(other).times === 4);
  assertEquals([lossesOf(board), lossesOf(other)], [{ times: 4, events: 9 }, { times: 4, events: 9 }]);
});

natsTest("LossCount tries until a loss is counted, or it is somebody else's to do", async (server) => {
  await using connection = await connectTo(server);
  await using board = await Board.open(connection.nats, "board", { timeoutMs: 250 });
  const giveUp = new AbortController();
  const failed = Promise.withResolvers<unknown>();
  const count = countOn(board, 1, failed.resolve);
  await server.kill();
  const added = count.add(lossOf("a", 1, 2), SIGNAL);
  const left = count.add(lossOf("a", 1, 2, 1), giveUp.signal);
  await failed.promise;
  giveUp.abort(new Error("gone"));
  await assertRejects(() => left, Error, "gone");
  await server.start();
  await added;
  assertEquals(lossesOf(board), { times: 1, events: 2 });
});

test("LossCount counts all that one owner meets, in whatever order, and what others counted once", async () => {
  const board = new FailingBoard().asBoard();
  await countOn(board, 1).add(lossOf("a", 100, 1), SIGNAL);
  const count = countOn(board, 1);
  // An event is found to be too large after others behind it were left out.
  const losses = [
    lossOf("a", 50, 1),
    lossOf("a", 160, 3),
    lossOf("a", 120, 1),
    lossOf("a", 90, 1),
    lossOf("a", 130, 1),
  ];
  await Promise.all(losses.map((loss) => count.add(loss, SIGNAL)));
  assertEquals(lossesOf(board), { times: 4, events: 6 });
  await countOn(board, 1).add(lossOf("a", 160, 3), SIGNAL);
  assertEquals(lossesOf(board), { times: 4, events: 6 });
});

test("LossCount knows how far an owner has counted, also after what is found late of the session before", async () => {
  const board = new FailingBoard().asBoard();
  const count = countOn(board, 1);
  const end = lossOf("a", Number.MAX_SAFE_INTEGER, null);
  for (const loss of [end, lossOf("b", 9, 1), lossOf("a", 40, 1)]) await count.add(loss, SIGNAL);
  assertEquals(lossesOf(board), { times: 3, events: 2 });
  await countOn(board, 1).add(lossOf("b", 9, 1), SIGNAL);
  assertEquals(lossesOf(board), { times: 3, events: 2 });
});

test("LossCount counts a loss once whose write failed and came through, also where another follows", async () => {
  const failing = new FailingBoard();
  failing.failures = 1;
  const count = countOn(failing.asBoard(), 1);
  await Promise.all([lossOf("a", 10, 1), lossOf("a", 5, 2)].map((loss) => count.add(loss, SIGNAL)));
  assertEquals(lossesOf(failing.asBoard()), { times: 2, events: 3 });
});

test("Losses tells of what was lost, and of nothing that was left to others", async () => {
  const told: (number | null)[] = [];
  const losses = new Losses({
    tell: ({ missed }) => told.push(missed),
    count: () => Promise.resolve(),
    onCounted: () => {},
  });
  losses.find({ shardId: 0, id: "a", sequence: 1, resumeUrl: "", shardCount: 1, savedAt: 0 });
  losses.see(0, { sessionId: "a", sequence: 2 }, true);
  losses.see(0, { sessionId: "b", sequence: 1 }, false);
  losses.see(0, { sessionId: "b", sequence: 2 }, true);
  assertEquals(told, []);
  losses.see(0, { sessionId: "c", sequence: 1 }, true);
  assertEquals(told, [null]);
  // RESUMED has a number of its own.
  losses.gap(shardOf("resuming"), 1, 9);
  losses.gap(shardOf("ready"), 1, 9);
  losses.tooLarge("a:12", 2_000_000, "gangway.bot.events.GUILD_CREATE.0");
  assertEquals(told, [null, 1, 1]);
  await losses.counted;
});

test("Losses lets nothing follow a loss before it is counted", async () => {
  const counting = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let [asked, counted] = [0, 0];
  const losses = new Losses({
    tell: () => {},
    count: () => (counting[asked++] as PromiseWithResolvers<void>).promise,
    onCounted: () => counted++,
  });
  losses.gap(shardOf("ready"), 1, 9);
  losses.gap(shardOf("ready"), 1, 19);
  counting[1]?.resolve();
  await counting[1]?.promise;
  assertEquals([losses.isCounted, counted], [false, 0]);
  counting[0]?.resolve();
  await losses.counted;
  assertEquals([losses.isCounted, counted], [true, 1]);
});
