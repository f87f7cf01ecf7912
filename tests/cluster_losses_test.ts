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

natsTest("LossCount counts each loss once, whichever nodes meet it", async (server) => {
  await using connection = await connectTo(server);
  await using board = await Board.open(connection.nats, "board", { timeoutMs: 5_000 });
  await using other = await Board.open(connection.nats, "board", { timeoutMs: 5_000 });
  const { signal } = new AbortController();
  const counts = [board, other].map((board) => new LossCount(board, () => {}));
  const add = (loss: Loss) => Promise.all(counts.map((count) => count.add(loss, 4, signal)));
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
  const count = new LossCount(board, failed.resolve);
  await server.kill();
  const added = count.add(lossOf("a", 1, 2), 1, new AbortController().signal);
  const left = count.add(lossOf("a", 1, 2, 1), 1, giveUp.signal);
  await failed.promise;
  giveUp.abort(new Error("gone"));
  await assertRejects(() => left, Error, "gone");
  await server.start();
  await added;
  assertEquals(lossesOf(board), { times: 1, events: 2 });
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
