import { connect, type NatsConnection } from "@nats-io/transport-node";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { LocalGateway } from "../../lib/testing/mod.ts";
import { NatsServer } from "../../scripts/nats_server.ts";
import { Child } from "../child.ts";
import { Flow } from "./flow.ts";
import { checkStreams, type Spread, spreadOf, type StreamReport } from "./stream_check.ts";

/** Options of {@linkcode ClusterWorld.start}. */
export interface ClusterWorldOptions {
  /** The path of `nats-server`. */
  natsServer: string;
  /** How many shards. */
  shards: number;
  /** How many may identify at once; all of them, where it is left out. */
  maxConcurrency?: number;
  /** Of how long a lease, in milliseconds. */
  leaseMs: number;
  /** Further options of the nodes, as plain data. */
  node?: Record<string, unknown>;
  /** Further options of the workers, as plain data. */
  worker?: Record<string, unknown>;
  /** Whether nodes listen as well, which costs them time: for {@linkcode ClusterReport.toNodeMs}. */
  nodesListen?: boolean;
  /** Called with whatever a process tells. */
  onTold?: (name: string, told: Told) => void;
}

/** What a process told. */
export interface Told {
  event: string;
  shardId?: number | null;
  detail?: unknown;
  error?: string;
}

/** What a run came to. */
export interface ClusterReport extends StreamReport {
  /** Messages of the flow. */
  emitted: number;
  /** How many those were a second. */
  perSecond: number;
  /** Messages that some worker has handled, each counted once. */
  handled: number;
  /** How many of them were handled more often than once: those whose worker died before it could say so. */
  handledAgain: number;
  /** From when a message was sent until a worker's listener had it. */
  toWorkerMs: Spread;
  /** From when it was sent until a listener in the node had it, where nodes listen. */
  toNodeMs: Spread;
  identifies: number;
  resumes: number;
  violations: readonly string[];
  /** What nodes counted as lost. */
  reportedLost: unknown[];
}

/** How long to wait for the end of what is under way, in milliseconds. */
const SETTLE_MS = 30_000;

/** NATS, a Discord, and the processes of a cluster on this machine. */
export class ClusterWorld implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly gateway: LocalGateway;
  readonly flow: Flow;
  readonly nodes: Map<string, Child> = new Map();
  readonly workers: Map<string, Child> = new Map();
  readonly told: (Told & { from: string; atMs: number })[] = [];
  readonly #options: ClusterWorldOptions;
  readonly #folder: string;
  readonly #client: NatsConnection;
  #waiters: { check: () => boolean; resolve: () => void }[] = [];
  #count = 0;

  private constructor(
    options: ClusterWorldOptions,
    parts: { nats: NatsServer; gateway: LocalGateway; folder: string; client: NatsConnection },
  ) {
    this.#options = options;
    this.nats = parts.nats;
    this.gateway = parts.gateway;
    this.#folder = parts.folder;
    this.#client = parts.client;
    this.flow = new Flow(parts.gateway);
  }

  /** Starts all but the processes of the cluster. */
  static async start(options: ClusterWorldOptions): Promise<ClusterWorld> {
    const nats = await NatsServer.start(options.natsServer);
    const gateway = await LocalGateway.start({
      shards: options.shards,
      guilds: options.shards * 2,
      maxConcurrency: options.maxConcurrency ?? options.shards,
      identifyWindowMs: 5_000,
      replayLimit: 100_000,
    });
    const client = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    const folder = await mkdtemp(`${tmpdir()}/gangway-cluster-`);
    return new ClusterWorld(options, { nats, gateway, folder, client });
  }

  /** Starts a node; resolves when it has joined. */
  async addNode(): Promise<string> {
    const name = `node${++this.#count}`;
    const options = { leaseMs: this.#options.leaseMs, ...this.#options.node };
    const { url: gateway, token } = this.gateway;
    this.#spawn(this.nodes, name, "cluster/node_process.ts", {
      nats: this.nats.url,
      gateway,
      token,
      name,
      options,
      ...this.#options.nodesListen ? { log: `${this.#folder}/${name}` } : {},
    });
    await this.until(`${name} has joined`, () => this.has(name, "node_joined"));
    return name;
  }

  /** Starts a worker; resolves when it takes events. */
  async addWorker(): Promise<string> {
    const name = `worker${++this.#count}`;
    const options = { ackWaitMs: 3_000, ...this.#options.worker };
    const log = `${this.#folder}/${name}`;
    this.#spawn(this.workers, name, "cluster/worker_process.ts", { nats: this.nats.url, log, options });
    await this.until(`${name} is there`, () => this.has(name, "worker_ready"));
    return name;
  }

  /** Sends a signal to a process, and where that ends it, waits for the end. */
  async end(name: string, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.child(name);
    this.nodes.delete(name);
    this.workers.delete(name);
    child.signal(signal);
    await child.ended;
  }

  /** The process of a name. */
  child(name: string): Child {
    const child = this.nodes.get(name) ?? this.workers.get(name);
    if (child === undefined) throw new Error(`There is no ${name}`);
    return child;
  }

  /** Whether a process has told of an event since it was started. */
  has(name: string, event: string, from = 0): boolean {
    return this.told.some((told, index) => index >= from && told.from === name && told.event === event);
  }

  /** Resolves when every shard is usable, with a connection to the gateway each. */
  async allConnected(): Promise<void> {
    await this.until("all shards are connected", () => this.gateway.openConnections === this.#options.shards);
  }

  /** Waits until something holds; it is looked at again whenever a process tells something, and now and then. */
  async until(what: string, check: () => boolean, timeoutMs = SETTLE_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!check()) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms\n${this.#outputs()}`);
      const woken = new Promise<void>((resolve) => this.#waiters.push({ check, resolve }));
      const timer = new AbortController();
      await Promise.race([woken, delay(50, undefined, { signal: timer.signal }).catch(() => {})]);
      timer.abort();
    }
  }

  /** Ends the flow, waits until all of it is handled, and counts. */
  async finish(): Promise<ClusterReport> {
    this.flow.stop();
    const { sent } = this.flow;
    let log = await this.#logged("worker");
    const deadline = performance.now() + SETTLE_MS;
    while (log.size < sent && performance.now() < deadline) {
      await delay(100);
      log = await this.#logged("worker");
    }
    const handled = [...log.values()];
    const streams = await checkStreams(this.#client, "bot", sent);
    return {
      emitted: sent,
      perSecond: Math.round(this.flow.perSecond),
      ...streams,
      handled: handled.length,
      handledAgain: handled.filter(({ length }) => length > 1).length,
      toWorkerMs: spreadOf(handled.flat()),
      toNodeMs: spreadOf([...(await this.#logged("node")).values()].flat()),
      identifies: this.gateway.identifies.length,
      resumes: this.gateway.resumes.length,
      violations: this.gateway.violations,
      reportedLost: this.told.filter(({ event }) => event === "events_lost").map(({ detail }) => detail),
    };
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.flow.stop();
    await Promise.all(
      [...this.nodes.values(), ...this.workers.values()].map((child) => child[Symbol.asyncDispose]()),
    );
    await this.#client.close();
    await this.gateway[Symbol.asyncDispose]();
    await this.nats[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }

  /** What processes of a kind have written: how long each message took, each time that it came. */
  async #logged(kind: "node" | "worker"): Promise<Map<number, number[]>> {
    const logged = new Map<number, number[]>();
    for (const file of await readdir(this.#folder)) {
      if (!file.startsWith(kind)) continue;
      for (const line of (await readFile(`${this.#folder}/${file}`, "utf8")).split("\n")) {
        if (line === "") continue;
        const [number, tookMs] = line.split(" ").map(Number) as [number, number];
        const times = logged.get(number);
        if (times === undefined) logged.set(number, [tookMs]);
        else times.push(tookMs);
      }
    }
    return logged;
  }

  #spawn(kind: Map<string, Child>, name: string, script: string, args: unknown): void {
    kind.set(name, new Child(script, [JSON.stringify(args)], (line) => this.#onLine(name, line)));
  }

  #onLine(name: string, line: string): void {
    if (!line.startsWith("{")) return;
    const told = JSON.parse(line) as Told;
    this.told.push({ ...told, from: name, atMs: performance.now() });
    this.#options.onTold?.(name, told);
    const ready = this.#waiters.filter(({ check }) => check());
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }

  #outputs(): string {
    return [...this.nodes, ...this.workers].map(([name, { output }]) => `--- ${name}\n${output.slice(-3_000)}`)
      .join("\n");
  }
}
