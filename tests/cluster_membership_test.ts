import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Board } from "../lib/cluster/board.ts";
import { Membership, type NodeRecord } from "../lib/cluster/membership.ts";
import type { NatsServer } from "../scripts/nats_server.ts";
import { connectTo, natsTest, until } from "./cluster/rig.ts";

const LEASE_MS = 1_000;

interface Member extends AsyncDisposable {
  membership: Membership;
  board: Board;
  told: string[];
  /** Ends its connection, as a network does. */
  cut(): Promise<void>;
}

async function memberOf(server: NatsServer, name: string): Promise<Member> {
  const connection = await connectTo(server);
  const board = await Board.open(connection.nats, "board", { timeoutMs: 250 });
  const told: string[] = [];
  const membership = new Membership({
    board,
    name,
    leaseMs: LEASE_MS,
    onFence: () => told.push("fence"),
    onValid: () => told.push("valid"),
    onError: () => {},
  });
  await membership.join();
  return {
    membership,
    board,
    told,
    cut: () => connection.nats.close(),
    [Symbol.asyncDispose]: async () => {
      await membership.leave();
      await board[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

natsTest("Membership stays valid as long as it is renewed, and is gone when it leaves", async (server) => {
  await using one = await memberOf(server, "one");
  {
    await using other = await memberOf(server, "other");
    await until(() => one.membership.takers.length === 2);
    // More than a lease: a member renews four times in one.
    await until(() => [...one.board.under<NodeRecord>("node.")].every(([, { renewals }]) => renewals > 6));
    await one.membership.removeDead();
    assertEquals([one.membership.isValid, other.membership.isValid], [true, true]);
    assertEquals(other.told, ["valid"]);
    await other.membership.announceLeave();
    await until(() => one.membership.takers.length === 1);
    assert(one.membership.has(other.membership.id));
  }
  await until(() => [...one.board.under("node.")].length === 1);
});

natsTest("Membership that cannot be renewed is fenced before anybody takes it for dead", async (server) => {
  await using one = await memberOf(server, "one");
  await using other = await memberOf(server, "other");
  const { id } = other.membership;
  await until(() => one.membership.has(id));
  await other.cut();
  await until(async () => {
    await one.membership.removeDead();
    return !one.membership.has(id);
  });
  assertEquals([other.told, other.membership.isValid], [["valid", "fence"], false]);
  assert(one.membership.isGone(id, performance.now()));
});

natsTest("Membership that was taken for dead begins anew, under another id", async (server) => {
  await using one = await memberOf(server, "one");
  await using other = await memberOf(server, "other");
  const { id } = other.membership;
  await until(() => one.membership.has(id));
  await one.board.remove(`node.${id}`);
  await until(() => other.told.length === 3);
  assertEquals(other.told, ["valid", "fence", "valid"]);
  assertNotEquals(other.membership.id, id);
});

natsTest("Membership gives an owner that nobody has heard of the time of a lease", async (server) => {
  await using one = await memberOf(server, "one");
  assertEquals(one.membership.isGone("unknown-1", performance.now()), false);
  assertEquals(one.membership.isGone("unknown-1", performance.now() - LEASE_MS), true);
});

natsTest("Board refuses a write that does not follow what it was decided on", async (server) => {
  await using one = await memberOf(server, "one");
  await using other = await memberOf(server, "other");
  assertEquals(await one.board.write("key", 1), true);
  await until(() => other.board.get("key") === 1);
  const decidedOn = other.board.revisionOf("key");
  assertEquals(await one.board.write("key", 2), true);
  assertEquals(await other.board.write("key", 3, decidedOn), false);
  assertEquals(other.board.get("key"), 2);
  assertEquals(await other.board.remove("key", decidedOn), false);
  assertEquals(await other.board.remove("key"), true);
  await until(() => one.board.wasRemoved("key"));
  assertEquals(await one.board.write("key", 4), true);
});
