import { assertEquals } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { Board } from "../lib/cluster/board.ts";
import { ClusterIdentifyQueue } from "../lib/cluster/cluster_identify_queue.ts";
import { IdentifySlots, SLOT_PREFIX, type SlotRecord } from "../lib/cluster/identify_slots.ts";
import type { IdentifyPermit } from "../mod.ts";
import type { NatsServer } from "../scripts/nats_server.ts";
import { connectTo, natsTest, until } from "./cluster/rig.ts";

const WINDOW_MS = 150;
const LIMITS = { total: 1_000, remaining: 1_000, reset_after: 60_000, max_concurrency: 1 };

/** Nodes that share the limit; who is in `alive` counts as there. */
class Nodes implements AsyncDisposable {
  readonly alive = new Set<string>();
  readonly limited: number[] = [];
  readonly errors: unknown[] = [];
  readonly #server: NatsServer;
  readonly #stack = new AsyncDisposableStack();

  constructor(server: NatsServer) {
    this.#server = server;
  }

  async add(id: string, reserve = 0, change: (board: Board) => void = () => {}): Promise<ClusterIdentifyQueue> {
    const { nats } = this.#stack.use(await connectTo(this.#server));
    const board = this.#stack.use(await Board.open(nats, "board", { timeoutMs: 5_000 }));
    change(board);
    this.alive.add(id);
    return this.#stack.use(
      new ClusterIdentifyQueue({
        board,
        nodeId: () => id,
        isMember: (id) => this.alive.has(id),
        reserve,
        windowMs: WINDOW_MS,
        onLimited: ({ retryAfterMs }) => this.limited.push(retryAfterMs),
        onError: (error) => this.errors.push(error),
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function identify(permit: IdentifyPermit): void {
  permit.sent();
  permit[Symbol.dispose]();
}

natsTest("ClusterIdentifyQueue serves the lowest ids of all nodes first", async (server) => {
  await using nodes = new Nodes(server);
  const queues = [await nodes.add("a"), await nodes.add("b"), await nodes.add("c")];
  await queues[0]?.updateBudget(LIMITS);
  const first = await queues[0]?.acquire({ shardId: 99, shardCount: 100 }) as IdentifyPermit;
  const served: number[] = [];
  const all = [5, 3, 4, 1, 2, 0].map(async (shardId, index) => {
    const permit = await queues[index % 3]?.acquire({ shardId, shardCount: 100 }) as IdentifyPermit;
    served.push(shardId);
    identify(permit);
  });
  // All have to have said that they wait.
  await using observer = await connectTo(server);
  await using board = await Board.open(observer.nats, "board", { timeoutMs: 5_000 });
  await until(() => [...board.under("wait.0.")].length === 3);
  first[Symbol.dispose]();
  await Promise.all(all);
  assertEquals(served, [0, 1, 2, 3, 4, 5]);
});

natsTest("ClusterIdentifyQueue says again what NATS did not take: a slot is used, a slot is free", async (server) => {
  await using nodes = new Nodes(server);
  let failures = 0;
  const one = await nodes.add("a", 0, (board) => {
    const write = board.write.bind(board);
    board.write = (...args) =>
      args[0].startsWith(SLOT_PREFIX) && failures-- > 0 ? Promise.reject(new Error("away")) : write(...args);
  });
  const other = await nodes.add("b");
  await one.updateBudget(LIMITS);
  const permit = await one.acquire({ shardId: 0, shardCount: 2 });
  failures = 2;
  identify(permit);
  using _next = await other.acquire({ shardId: 1, shardCount: 2 });
  assertEquals(nodes.errors.length, 2);
});

natsTest("IdentifySlots are free a window after everybody has seen that they were used", async (server) => {
  await using one = await connectTo(server);
  await using other = await connectTo(server);
  await using board = await Board.open(one.nats, "board", { timeoutMs: 5_000 });
  await using otherBoard = await Board.open(other.nats, "board", { timeoutMs: 5_000 });
  const options = { isMember: () => true, windowMs: WINDOW_MS };
  const user = new IdentifySlots({ ...options, board, nodeId: () => "a" });
  const observer = new IdentifySlots({ ...options, board: otherBoard, nodeId: () => "b" });
  const grant = await user.take(0, 0) as string;
  const isSeen = (isHeld: boolean) => otherBoard.get<SlotRecord>(`${SLOT_PREFIX}0`)?.isHeld === isHeld;
  await until(() => isSeen(true));
  assertEquals([user.freeInMs(0, 1), observer.freeInMs(0, 1)], [Infinity, Infinity]);
  await user.sent(0, grant);
  await user.release(0, grant, true);
  await until(() => isSeen(false));
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    observer.observe();
    clock.tick(WINDOW_MS - 1);
    assertEquals(observer.freeInMs(0, 1), 1);
    clock.tick(1);
    assertEquals(observer.freeInMs(0, 1), 0);
  } finally {
    clock.uninstall();
  }
});

natsTest("ClusterIdentifyQueue lets shards of different keys identify at once", async (server) => {
  await using nodes = new Nodes(server);
  const [one, other] = [await nodes.add("a"), await nodes.add("b")];
  await one.updateBudget({ ...LIMITS, max_concurrency: 4 });
  await until(() => other.available === 1_000);
  const permits = await Promise.all(
    [0, 1, 2, 3].map((shardId) => (shardId % 2 ? one : other).acquire({ shardId, shardCount: 4 })),
  );
  for (const permit of permits) permit[Symbol.dispose]();
});

natsTest("ClusterIdentifyQueue frees the slot of a node that died", async (server) => {
  await using nodes = new Nodes(server);
  const [one, other] = [await nodes.add("a"), await nodes.add("b")];
  await one.updateBudget(LIMITS);
  await one.acquire({ shardId: 0, shardCount: 2 });
  let isServed = false;
  const waiting = other.acquire({ shardId: 1, shardCount: 2 }).then((permit) => {
    isServed = true;
    identify(permit);
  });
  // Rounds begin when the budget changes, and have given nobody a turn.
  await other.updateBudget({ ...LIMITS, remaining: 500 });
  await until(() => one.available <= 500);
  assertEquals([other.waiting, isServed], [1, false]);
  nodes.alive.delete("a");
  // What tells the nodes is the record of the dead one, which goes.
  await other.updateBudget(LIMITS);
  await waiting;
});

natsTest("ClusterIdentifyQueue takes what all nodes use from one budget, and keeps the reserve", async (server) => {
  await using nodes = new Nodes(server);
  const queues = [await nodes.add("a", 2), await nodes.add("b", 2)];
  await queues[0]?.updateBudget({ ...LIMITS, remaining: 5, max_concurrency: 16 });
  await until(() => queues[1]?.available === 3);
  const giveUp = new AbortController();
  let served = 0;
  const all = Array.from({ length: 6 }, async (_, shardId) => {
    const permit = await queues[shardId % 2]?.acquire({ shardId, shardCount: 6, signal: giveUp.signal });
    served++;
    if (permit !== undefined) identify(permit);
  });
  await until(() => nodes.limited.length >= 2);
  assertEquals([served, queues[0]?.available], [3, 0]);
  giveUp.abort();
  await Promise.allSettled(all);
});

natsTest("ClusterIdentifyQueue gives back what was not used, at once", async (server) => {
  await using nodes = new Nodes(server);
  const [one, other] = [await nodes.add("a"), await nodes.add("b")];
  await one.updateBudget({ ...LIMITS, remaining: 1 });
  (await one.acquire({ shardId: 0, shardCount: 2 }))[Symbol.dispose]();
  const permit = await other.acquire({ shardId: 1, shardCount: 2 });
  identify(permit);
  await until(() => one.available === 0);
});

natsTest("ClusterIdentifyQueue lets go of a request that is taken back", async (server) => {
  await using nodes = new Nodes(server);
  const [one, other] = [await nodes.add("a"), await nodes.add("b")];
  await one.updateBudget(LIMITS);
  const held = await one.acquire({ shardId: 9, shardCount: 10 });
  const giveUp = new AbortController();
  const lowest = one.acquire({ shardId: 0, shardCount: 10, signal: giveUp.signal });
  const next = other.acquire({ shardId: 1, shardCount: 10 });
  giveUp.abort(new Error("not any more"));
  assertEquals(await lowest.catch((error: Error) => error.message), "not any more");
  held[Symbol.dispose]();
  (await next)[Symbol.dispose]();
});
