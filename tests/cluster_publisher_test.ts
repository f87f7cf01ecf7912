import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { assertEquals, assertRejects } from "@std/assert";
import { EventStream } from "../lib/cluster/event_stream.ts";
import { ClusterNames } from "../lib/cluster/names.ts";
import { onConnectionChange } from "../lib/cluster/nats.ts";
import { Publisher, type PublisherOptions } from "../lib/cluster/publisher.ts";
import { unshrink } from "../lib/cluster/shrink.ts";
import { connectTo, natsTest } from "./cluster/rig.ts";

const names = new ClusterNames("bot");
const encoder = new TextEncoder();

async function streamOf(nats: NatsConnection): Promise<EventStream> {
  return new EventStream(await jetstreamManager(nats), names, 0, 1, {});
}

interface Writer extends Disposable {
  publisher: Publisher;
  errors: string[];
  tooLarge: string[];
  /** Publishes what comes under these sequence numbers of one session. */
  write(from: number, to: number): Promise<void>;
}

async function writerOf(nats: NatsConnection, options: Partial<PublisherOptions> = {}): Promise<Writer> {
  const stream = await streamOf(nats);
  const errors: string[] = [];
  const tooLarge: string[] = [];
  const publisher = new Publisher({
    nats,
    lastSequence: () => stream.lastSequence(),
    mayPublish: () => true,
    window: 64,
    ackTimeoutMs: 1_000,
    onError: (error) => errors.push(String(error)),
    onTooLarge: (id) => tooLarge.push(id),
    onDrained: () => {},
    ...options,
  });
  const over = new AbortController();
  onConnectionChange(nats, {
    onDisconnect: () => publisher.disconnected(),
    onReconnect: () => publisher.reconnected(),
  }, over.signal);
  return {
    publisher,
    errors,
    tooLarge,
    write: async (from, to) => {
      const published: Promise<void>[] = [];
      for (let sequence = from; sequence <= to; sequence++) {
        published.push(publisher.publish(names.event("A", 0), `session:${sequence}`, encoder.encode(`${sequence}`)));
      }
      await Promise.all(published);
    },
    [Symbol.dispose]: () => {
      over.abort();
      publisher.stop();
    },
  };
}

async function contentOf(nats: NatsConnection): Promise<string[]> {
  const manager = await jetstreamManager(nats);
  const { state } = await manager.streams.info(names.stream(0));
  const content: string[] = [];
  const consumer = await jetstream(nats).consumers.get(names.stream(0));
  while (content.length < state.messages) {
    for await (const message of await consumer.fetch({ max_messages: 1_000, expires: 1_000 })) {
      content.push(new TextDecoder().decode(message.data));
      if (content.length === state.messages) break;
    }
  }
  return content;
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);
}

natsTest(
  "nats-server looks at the message id first, then at the sequence number that is to be last",
  async (server) => {
    await using connection = await connectTo(server);
    const { nats } = connection;
    await (await streamOf(nats)).lastSequence();
    const publish = (msgID: string, lastSequence: number) =>
      jetstream(nats).publish(names.event("A", 0), "", { msgID, expect: { lastSequence } });
    assertEquals((await publish("s:1", 0)).seq, 1);
    // Also where the sequence number is wrong by now: a message that is there already is acknowledged.
    assertEquals((await publish("s:1", 0)).duplicate, true);
    await assertRejects(() => publish("s:2", 0), Error, "wrong last sequence: 1");
  },
);

natsTest("nats-server tells the newest event of a shard, whatever its type", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  const stream = await streamOf(nats);
  await stream.lastSequence();
  assertEquals(await stream.lastEvent(0), null);
  for (const [type, id] of [["A", "s:1"], ["B", "s:2"]] as const) {
    await jetstream(nats).publish(names.event(type, 0), "", { msgID: id });
  }
  assertEquals(await stream.lastEvent(0), { sessionId: "s", sequence: 2 });
});

natsTest("Publisher publishes everything once and in order while the server is killed and started", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  using writer = await writerOf(nats);
  await writer.write(1, 100);
  const rest: Promise<void>[] = [];
  for (let kill = 0; kill < 3; kill++) {
    const from = 101 + kill * 1_000;
    const first = writer.write(from, from);
    rest.push(writer.write(from + 1, from + 499));
    // Others are under way then.
    await first;
    await server.kill();
    rest.push(writer.write(from + 500, from + 999));
    await server.start();
  }
  await Promise.all(rest);
  assertEquals(await contentOf(nats), numbers(1, 3_100));
});

natsTest("Publisher keeps the stream whole where two write the same session at once", async (server) => {
  await using one = await connectTo(server);
  await using other = await connectTo(server);
  using first = await writerOf(one.nats);
  using second = await writerOf(other.nats);
  await Promise.all([first.write(1, 600), second.write(1, 600), first.write(601, 900), second.write(601, 900)]);
  assertEquals(await contentOf(one.nats), numbers(1, 900));
});

natsTest("Publisher does not publish while it may not, and nothing after it was stopped", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  let mayPublish = true;
  using writer = await writerOf(nats, { mayPublish: () => mayPublish });
  await writer.write(1, 10);
  mayPublish = false;
  let isPublished = false;
  void writer.write(11, 20).then(() => isPublished = true);
  await nats.flush();
  writer.publisher.stop();
  mayPublish = true;
  writer.publisher.reconnected();
  await nats.flush();
  assertEquals([isPublished, await contentOf(nats)], [false, numbers(1, 10)]);
});

natsTest(
  "Publisher compresses what is too large, and tells of what still is, with the others in order",
  async (server) => {
    await using connection = await connectTo(server);
    const { nats } = connection;
    using writer = await writerOf(nats);
    const compressible = encoder.encode("all the same ".repeat(200_000));
    const random = new Uint8Array(2_000_000);
    for (let from = 0; from < random.length; from += 50_000) {
      crypto.getRandomValues(
        random.subarray(from, from + 50_000),
      );
    }
    const subject = names.event("A", 0);
    await Promise.all([
      writer.publisher.publish(subject, "s:1", encoder.encode("first")),
      writer.publisher.publish(subject, "s:2", compressible),
      writer.publisher.publish(subject, "s:3", random),
      writer.publisher.publish(subject, "s:4", encoder.encode("last")),
    ]);
    assertEquals(writer.tooLarge, ["s:3"]);
    const manager = await jetstreamManager(nats);
    const stored = [];
    for (let seq = 1; seq <= 3; seq++) stored.push(await manager.streams.getMessage(names.stream(0), { seq }));
    assertEquals(stored.map((message) => message?.header.get("Nats-Msg-Id")), ["s:1", "s:2", "s:4"]);
    assertEquals(stored[1]?.header.get("Content-Encoding"), "gzip");
    assertEquals(await unshrink(stored[1]?.data as Uint8Array), compressible);
  },
);
