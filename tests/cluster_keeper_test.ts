import { assertEquals } from "@std/assert";
import { Board } from "../lib/cluster/board.ts";
import { LeaseKeeper } from "../lib/cluster/lease_keeper.ts";
import type { LeaseRunner } from "../lib/cluster/lease_runner.ts";
import { Membership } from "../lib/cluster/membership.ts";
import { ensurePlan, leaseKeyOf, type LeaseRecord } from "../lib/cluster/plan.ts";
import { connectTo, natsTest, until } from "./cluster/rig.ts";

natsTest("LeaseKeeper gives up what it owns, does not run and is not to have", async (server) => {
  await using stack = new AsyncDisposableStack();
  const members = [];
  for (const name of ["one", "other"]) {
    const { nats } = stack.use(await connectTo(server));
    const board = stack.use(await Board.open(nats, "board", { timeoutMs: 5_000 }));
    const membership = new Membership({
      board,
      name,
      leaseMs: 60_000,
      onFence: () => {},
      onValid: () => {},
      onError: () => {},
    });
    await membership.join();
    stack.defer(() => membership.leave());
    members.push({ board, membership });
  }
  const { board, membership } = members[0] as (typeof members)[number];
  await until(() => membership.takers.length === 2);
  const { generation } = await ensurePlan(board, 2, 1);
  const keys = [leaseKeyOf(generation, 0), leaseKeyOf(generation, 1)];
  // As after a fence, or after a handing over whose last write was lost.
  for (const key of keys) await board.write(key, { node: membership.id, epoch: 3, state: "running" });
  const runner = { isMovable: true, start: async () => {}, fence: async () => {}, handOver: async () => {} };
  const keeper = new LeaseKeeper({
    board,
    membership,
    intervalMs: 60_000,
    makeRunner: () => runner as unknown as LeaseRunner,
    onRound: () => Promise.resolve(),
    emit: () => {},
  });
  keeper.ask();
  const records = () => keys.map((key) => board.get<LeaseRecord>(key) as LeaseRecord);
  await until(() => records().some(({ node }) => node === null) && [...keeper.held].length === 1);
  assertEquals(
    records().map(({ node, epoch }) => [node, epoch]).toSorted(),
    [[null, 3], [membership.id, 4]].toSorted(),
  );
  await keeper.leave(true);
});
