import { connect, type NatsConnection } from "@nats-io/transport-node";
import {
  ClusterNode,
  type ClusterNodeOptions,
  ClusterWorker,
  type ClusterWorkerOptions,
} from "../../lib/cluster/mod.ts";
import { LocalGateway, type LocalGatewayOptions } from "../../lib/testing/mod.ts";
import { BotAuthentication, GatewayIntent, HTTPClient } from "../../mod.ts";
import { findNatsServer, NATS_SERVER_HINT, NatsServer } from "../../scripts/nats_server.ts";
import { test, type TestOptions } from "../harness.ts";

const path = await findNatsServer();

/** Registers a test with a NATS server of its own; it is skipped where there is none to be had. */
export function natsTest(name: string, body: (server: NatsServer) => Promise<void>, options: TestOptions = {}): void {
  test(name, async () => {
    await using server = await NatsServer.start(path as string);
    await body(server);
  }, { ...options, skip: path === null ? NATS_SERVER_HINT : options.skip ?? false });
}

/** Connects, for as long as the scope lasts. */
export async function connectTo(server: { url: string }): Promise<{ nats: NatsConnection } & AsyncDisposable> {
  const nats = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  return { nats, [Symbol.asyncDispose]: () => nats.close() };
}

/** A cluster in this process: each node and worker has a connection of its own. */
export class ClusterRig implements AsyncDisposable {
  readonly server: NatsServer;
  readonly gateway: LocalGateway;
  readonly #stack = new AsyncDisposableStack();
  readonly #nodes: ClusterNode[] = [];

  private constructor(server: NatsServer, gateway: LocalGateway) {
    this.server = server;
    this.gateway = gateway;
  }

  /** Starts a Discord beside the server. */
  static async start(server: NatsServer, options: LocalGatewayOptions = {}): Promise<ClusterRig> {
    const gateway = await LocalGateway.start({
      shards: 4,
      guilds: 4,
      maxConcurrency: 4,
      identifyWindowMs: 0,
      ...options,
    });
    const rig = new ClusterRig(server, gateway);
    rig.#stack.use(gateway);
    return rig;
  }

  /** Makes a node, which is closed with the rig. */
  async makeNode(options: Partial<ClusterNodeOptions> = {}): Promise<ClusterNode> {
    const { nats } = this.#stack.use(await connectTo(this.server));
    const node = this.#stack.use(
      new ClusterNode({
        nats,
        authentication: new BotAuthentication(this.gateway.token),
        httpClient: new HTTPClient({ baseUrl: this.gateway.url }),
        intents: GatewayIntent.Guilds | GatewayIntent.GuildMessages | GatewayIntent.MessageContent,
        compress: "none",
        leaseMs: 3_000,
        ...options,
      }),
    );
    this.#nodes.push(node);
    return node;
  }

  /** Makes a node and lets it join. */
  async addNode(options: Partial<ClusterNodeOptions> = {}): Promise<ClusterNode> {
    const node = await this.makeNode(options);
    await node.connect();
    return node;
  }

  /** Makes a worker, which is closed with the rig. */
  async makeWorker(
    options: Partial<ClusterWorkerOptions> = {},
    server: { url: string } = this.server,
  ): Promise<ClusterWorker> {
    const { nats } = this.#stack.use(await connectTo(server));
    return this.#stack.use(new ClusterWorker({ nats, ...options }));
  }

  /** Resolves when so many shards are usable, and no other one has a connection. */
  async ready(count: number): Promise<void> {
    await until(() => {
      const shards = this.#nodes.flatMap((node) => [...node.shards.values()]);
      return this.gateway.openConnections === count && shards.length === count &&
        shards.every(({ phase }) => phase === "ready");
    });
  }

  /** A connection for the test itself. */
  async connect(): Promise<NatsConnection> {
    return this.#stack.use(await connectTo(this.server)).nats;
  }

  /** Somebody says something in a guild. */
  say(content: string, guild = 0): void {
    const { user, guilds } = { user: this.gateway.user("Ann"), guilds: this.gateway.guilds };
    user.says(content, { channelId: guilds[guild % guilds.length]?.channels[0]?.id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

// Taken before a test can fake it: one that has failed may go on looking.
const { setTimeout } = globalThis;

/** Resolves when something holds: it is looked at now and then, because nothing tells. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!await check()) await new Promise((resolve) => setTimeout(resolve, 20));
}
