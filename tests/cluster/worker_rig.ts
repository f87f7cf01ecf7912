import { type ConsumerInfo, jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { ClusterWorker, type ClusterWorkerOptions } from "../../lib/cluster/mod.ts";
import { NatsProxy } from "./nats_proxy.ts";
import { connectTo, until } from "./rig.ts";

const STREAM = "gangway_bot_events_0";

/** Workers, and a stream of events that the test itself writes: there are no nodes. */
export class WorkerRig implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #nats: NatsConnection;
  readonly #manager: JetStreamManager;
  /** The way of the workers to the server. */
  readonly proxy: NatsProxy;
  /** What was begun by a listener, in order. */
  readonly begun: string[] = [];
  /** What a listener has finished without an error, in order. */
  readonly handled: string[] = [];
  #sequence = 0;

  private constructor(
    stack: AsyncDisposableStack,
    parts: { nats: NatsConnection; manager: JetStreamManager; proxy: NatsProxy },
  ) {
    this.#stack = stack;
    this.#nats = parts.nats;
    this.#manager = parts.manager;
    this.proxy = parts.proxy;
  }

  static async start(server: { url: string }): Promise<WorkerRig> {
    const stack = new AsyncDisposableStack();
    const { nats } = stack.use(await connectTo(server));
    const manager = await jetstreamManager(nats);
    await manager.streams.add({ name: STREAM, subjects: ["gangway.bot.events.*.0"] });
    return new WorkerRig(stack, { nats, manager, proxy: stack.use(await NatsProxy.start(server)) });
  }

  /** Starts a worker, of which every message of a group's is told. */
  async addWorker(
    options: Partial<ClusterWorkerOptions>,
    listener: (content: string) => void | Promise<void> = () => {},
  ): Promise<ClusterWorker> {
    const { nats } = this.#stack.use(await connectTo(this.proxy));
    const worker = this.#stack.use(new ClusterWorker({ nats, ...options }));
    worker.eventDispatcher.listen("MESSAGE_CREATE", async ({ content }) => {
      this.begun.push(content);
      await listener(content);
      this.handled.push(content);
    });
    await worker.connect();
    return worker;
  }

  /** Writes a message to the stream; with an encoding, one that is none. */
  async say(content: string, encoding?: string): Promise<void> {
    const sequence = ++this.#sequence;
    const fields = headers();
    if (encoding !== undefined) fields.set("Content-Encoding", encoding);
    await jetstream(this.#nats).publish(
      "gangway.bot.events.MESSAGE_CREATE.0",
      JSON.stringify({ op: 0, t: "MESSAGE_CREATE", s: sequence, d: { content } }),
      { msgID: `session:${sequence}`, headers: fields },
    );
  }

  /** Has all that is in the stream delivered so often to somebody who gives it back, like a worker that is closed. */
  async deliver(times: number): Promise<void> {
    await this.#manager.consumers.add(
      STREAM,
      { durable_name: "workers", ack_policy: "explicit", deliver_policy: "all" } as never,
    );
    const consumer = await jetstream(this.#nats).consumers.get(STREAM, "workers");
    for (let time = 0; time < times; time++) {
      const max_messages = this.#sequence;
      for await (const message of await consumer.fetch({ max_messages, expires: 1_000 })) message.nak();
    }
    await this.#nats.flush();
  }

  /** Resolves when all that is in the stream is done with, in one way or the other. */
  async done(): Promise<void> {
    await this.#until(({ num_pending, num_ack_pending }) => num_pending === 0 && num_ack_pending === 0);
  }

  /** Resolves when so many messages are with workers. */
  async delivered(count: number): Promise<void> {
    await this.#until(({ num_ack_pending }) => num_ack_pending === count);
  }

  async #until(check: (info: ConsumerInfo) => boolean): Promise<void> {
    await until(() => this.#manager.consumers.info(STREAM, "workers").then(check, () => false));
  }

  /** How many events are in the stream of dead letters. */
  async dead(): Promise<number> {
    return (await this.#manager.streams.info("gangway_bot_dead")).state.messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
