import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { assertEquals } from "@std/assert";
import { Board } from "../lib/cluster/board.ts";
import { connectTo, natsTest, until } from "./cluster/rig.ts";

natsTest("Board forgets what was removed long ago, and so does its bucket", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  await using board = await Board.open(nats, "board", { timeoutMs: 5_000 });
  await using other = await Board.open(nats, "board", { timeoutMs: 5_000 });
  const manager = await jetstreamManager(nats);
  const messages = async () => (await manager.streams.info("KV_board")).state.messages;
  for (const key of ["a", "b", "c"]) {
    await board.write(key, 1);
    await board.remove(key);
  }
  await board.write("kept", 1);
  await until(() => other.get("kept") === 1);
  await board.tidy(true);
  await other.tidy(true);
  assertEquals(await messages(), 4);
  // One that was written again meanwhile is there, whatever the other one has seen of it.
  await board.write("a", 2);
  await other.tidy(true, 0);
  await until(() => other.get("a") === 2);
  assertEquals([await messages(), board.get("a")], [2, 2]);
  // The rest is forgotten here too, in time; and whoever knows the old revisions can write all the same.
  await board.tidy(false, 0);
  assertEquals([board.wasRemoved("b"), other.wasRemoved("b")], [false, false]);
  await board.write("b", 3);
  await until(() => other.get("b") === 3);
  assertEquals(await board.remove("b"), true);
  while (!await other.write("b", 4));
  await until(() => board.get("b") === 4);
});

natsTest("Board takes in what a server has that has forgotten what it had accepted", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  await using board = await Board.open(nats, "board", { timeoutMs: 5_000 });
  for (const value of [1, 2, 3]) await board.write("a", value);
  await (await jetstreamManager(nats)).streams.delete("KV_board");
  await (await new Kvm(nats).create("board", { history: 1 })).put("a", "1");
  assertEquals(await board.write("a", 4), false);
  assertEquals(board.get("a"), 1);
  assertEquals(await board.write("a", 4), true);
});
