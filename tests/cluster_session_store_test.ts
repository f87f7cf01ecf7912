import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { assertEquals, assertRejects } from "@std/assert";
import { ClusterSessionStore } from "../lib/cluster/cluster_session_store.ts";
import type { EventPlace } from "../lib/cluster/names.ts";
import type { Session } from "../mod.ts";
import { connectTo, natsTest } from "./cluster/rig.ts";

function sessionOf(id: string, sequence: number): Session {
  return { id, sequence, resumeUrl: "wss://resume", shardId: 0, shardCount: 1, savedAt: 1 };
}

async function storeOf(
  nats: NatsConnection,
  epoch: number,
  lastEvent: EventPlace | null = null,
  onFound: (session: Session) => void = () => {},
): Promise<ClusterSessionStore> {
  const kv = await new Kvm(nats).create("sessions", { history: 1 });
  const onError = () => {};
  return new ClusterSessionStore({
    kv,
    epoch,
    lastEvent: () => Promise.resolve(lastEvent),
    onFound,
    intervalMs: 60_000,
    onError,
  });
}

natsTest("ClusterSessionStore keeps a new session at once, and its sequence number when flushed", async (server) => {
  await using connection = await connectTo(server);
  const store = await storeOf(connection.nats, 1);
  assertEquals(await store.load("0-1"), null);
  await store.save("0-1", sessionOf("a", 1));
  await store.save("0-1", sessionOf("a", 7));
  const other = await storeOf(connection.nats, 1);
  assertEquals((await other.load("0-1"))?.sequence, 1);
  await store.flush();
  assertEquals(await other.load("0-1"), sessionOf("a", 7));
  await store.delete("0-1");
  assertEquals(await other.load("0-1"), null);
});

natsTest("ClusterSessionStore goes on after the newest event that is in the stream", async (server) => {
  await using connection = await connectTo(server);
  await (await storeOf(connection.nats, 1)).save("0-1", sessionOf("a", 5));
  const load = async (place: EventPlace) => (await (await storeOf(connection.nats, 2, place)).load("0-1"))?.sequence;
  assertEquals(await load({ sessionId: "a", sequence: 9 }), 9);
  // Not every event need be published, and the stream may end with another session.
  assertEquals(await load({ sessionId: "a", sequence: 3 }), 5);
  assertEquals(await load({ sessionId: "b", sequence: 9 }), 5);
});

natsTest("ClusterSessionStore of an owner of before cannot overwrite what a later one has stored", async (server) => {
  await using connection = await connectTo(server);
  const before = await storeOf(connection.nats, 1);
  await before.save("0-1", sessionOf("a", 1));
  const after = await storeOf(connection.nats, 2);
  await after.load("0-1");
  // The one before is slow, and its word still counts: the later one has not said anything.
  await before.save("0-1", sessionOf("a", 4));
  await before.flush();
  await after.save("0-1", sessionOf("b", 1));
  await before.save("0-1", sessionOf("a", 5));
  await assertRejects(() => before.flush(), DOMException, "another node owns it");
  await before.delete("0-1");
  assertEquals(await after.load("0-1"), sessionOf("b", 1));
});

natsTest("ClusterSessionStore remembers how far a refused session was, until the next one is kept", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  const store = await storeOf(nats, 1);
  // There is nothing to be remembered.
  await store.refuse("0-1");
  await store.save("0-1", sessionOf("a", 5));
  await store.refuse("0-1");
  const found: Session[] = [];
  const after = await storeOf(nats, 2, { sessionId: "a", sequence: 9 }, (session) => void found.push(session));
  assertEquals([await after.load("0-1"), found], [null, [sessionOf("a", 9)]]);
  // It may be refused again, by whoever has not begun another one.
  await after.refuse("0-1");
  assertEquals(await after.load("0-1"), null);
  await after.save("0-1", sessionOf("b", 1));
  assertEquals(await after.load("0-1"), sessionOf("b", 1));
  await after.refuse("0-1");
  await after.delete("0-1");
  found.length = 0;
  assertEquals([await after.load("0-1"), found], [null, []]);
});
