import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "../../mod.ts";
import { LocalGateway } from "../../lib/testing/mod.ts";
import { Random } from "../../lib/testing/random.ts";
import { Checks } from "./checks.ts";
import { type Compression, pick } from "./plan.ts";
import { dropGreeted } from "./probe.ts";
import { ProcessWatch } from "./process_watch.ts";
import { CANARY } from "../canary.ts";
import { Secrecy } from "./secrecy.ts";
import { Trace } from "./trace.ts";
import { Traffic } from "./traffic.ts";

/** What came of a run on sockets. */
export interface SocketReport {
  problems: readonly string[];
  lines: readonly string[];
  faults: number;
  emitted: number;
  received: number;
  resumes: number;
  resumed: number;
}

/** Options of {@linkcode runSocketWorld}. */
export interface SocketOptions {
  seed: number;
  /** How long things go wrong, in milliseconds of real time. */
  durationMs: number;
  shards: number;
  compress: Compression;
}

const FAULT_EVERY_MS = 150;
const EVENT_EVERY_MS = 4;
/** What a wait for the end may take at most. */
const PATIENCE_MS = 30_000;
/** Real time is dear: what the client waits for at random is this much shorter. */
const HASTE = 0.01;

/** Lives through one world on sockets of 127.0.0.1, where connections break as networks break them. */
export async function runSocketWorld({ seed, durationMs, shards, compress }: SocketOptions): Promise<SocketReport> {
  const random = new Random(seed);
  const trace = new Trace();
  using _haste = hasty(new Random(seed ^ 0x5eed));
  using _watch = new ProcessWatch(trace);
  using secrecy = new Secrecy(trace);
  await using gateway = await LocalGateway.start({
    token: CANARY,
    shards,
    guilds: shards,
    maxConcurrency: shards,
    heartbeatIntervalMs: 1000,
    format: { splitAt: compress === "none" ? "never" : "random" },
    seed,
  });
  // How long something takes says nothing on a machine that is busy, so time is not judged.
  const checks = new Checks({ gateway, trace, secrecy, maxConcurrency: shards, intervalMs: Infinity });
  const traffic = new Traffic(gateway, checks.deliveries, shards);
  const httpClient = new HTTPClient({ baseUrl: gateway.url });
  const intents = GatewayIntent.Guilds | GatewayIntent.GuildMessages;
  await using manager = new ShardManager(new BotAuthentication(CANARY), intents, httpClient, {
    compress,
    connectTimeoutMs: 1500,
  });
  checks.watch(manager);
  await manager.connect();
  await allReady(manager);

  let faults = 0;
  const emitting = setInterval(() => traffic.emit(pick(random, gateway.guilds).id), EVENT_EVERY_MS);
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const after = (ms: number, act: () => void): void => {
    timers.add(setTimeout(act, ms));
  };
  const breaking = setInterval(() => {
    faults++;
    strike({ gateway, traffic, random, trace, after });
  }, FAULT_EVERY_MS);
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  clearInterval(breaking);
  clearInterval(emitting);
  for (const timer of timers) clearTimeout(timer);
  trace.note("peace");
  gateway.withholdHello(false);
  gateway.pauseReplayAfter(null);
  gateway.reconnectBeforeHello(0);
  gateway.thaw();
  await gateway.startListening();
  await allComplete(manager, checks, traffic, gateway, trace);
  await manager.close();
  const { counts: { resumes, resumed }, deliveries: { received } } = checks;
  return { problems: trace.problems, lines: trace.lines, faults, emitted: traffic.emitted, received, resumes, resumed };
}

interface Scene {
  gateway: LocalGateway;
  traffic: Traffic;
  random: Random;
  trace: Trace;
  /** Does something later, unless peace comes first. */
  after(ms: number, act: () => void): void;
}

function strike({ gateway, traffic, random, trace, after }: Scene): void {
  const target = random.below(8) === 0 ? {} : { shardId: random.below(gateway.guilds.length) };
  const faults: Record<string, () => void> = {
    "reset": () => gateway.drop(target),
    "reset in a frame": () => gateway.cutAfter(1 + random.below(3000), target),
    "reset before HELLO": () => {
      gateway.withholdHello();
      gateway.drop(target);
      after(50, () => {
        dropGreeted(gateway);
        gateway.withholdHello(false);
      });
    },
    "reset in a replay": () => {
      gateway.pauseReplayAfter(random.below(10));
      gateway.drop(target);
      after(100, () => {
        gateway.cutAfter(random.below(500), target);
        gateway.pauseReplayAfter(null);
      });
    },
    "peer frozen": () => {
      gateway.freeze(target);
      if (random.below(2) === 0) after(random.below(1000), () => gateway.thaw(target));
    },
    "connections refused": () => {
      gateway.stopListening({ via: pick(random, [undefined, "gateway", "resume"]) });
      gateway.drop(target);
      after(100, () => void gateway.startListening());
    },
    "handshake refused": () => {
      gateway.rejectUpgrade(503, 1 + random.below(2));
      gateway.drop(target);
    },
    "corrupt bytes": () => gateway.corrupt(target),
    "close": () => gateway.disconnect(pick(random, [4000, 4001, 4008, 4900, 1000, 1012, null]), target),
    "op 7": () => gateway.reconnect(target),
    "op 7 before HELLO": () => {
      gateway.reconnectBeforeHello();
      gateway.drop(target);
    },
    "op 9 true": () => gateway.invalidateSession(true, target),
    "burst": () => {
      for (let count = 0; count < 300; count++) traffic.emit(pick(random, gateway.guilds).id);
    },
  };
  const name = pick(random, Object.keys(faults));
  trace.note(`fault: ${name} of shard ${target.shardId ?? "any"}`);
  faults[name]?.();
}

async function allReady(manager: ShardManager): Promise<void> {
  await Promise.all([...manager.shards.values()].map((shard) => shard.ready));
}

/** Waits until the last event of each guild has arrived, and then for nothing any more. */
async function allComplete(
  manager: ShardManager,
  checks: Checks,
  traffic: Traffic,
  gateway: LocalGateway,
  trace: Trace,
): Promise<void> {
  const last = new Map<string, number>();
  const arrived = Promise.withResolvers<void>();
  const timer = setTimeout(() => arrived.resolve(), PATIENCE_MS);
  await Promise.race([allReady(manager), arrived.promise]);
  for (const { id } of gateway.guilds) {
    traffic.emit(id);
    last.set(id, traffic.emitted);
  }
  manager.eventDispatcher.listen("MESSAGE_CREATE", ({ guild_id, nonce }) => {
    if (last.get(guild_id ?? "") === Number(nonce)) last.delete(guild_id ?? "");
    if (last.size === 0) arrived.resolve();
  });
  await arrived.promise;
  clearTimeout(timer);
  for (const { shardId } of manager.shards.values()) {
    const sessionId = checks.identifies.sessionOf(shardId);
    if (sessionId === null) trace.fail(`shard ${shardId} has no session at the end`);
    else checks.deliveries.complete(sessionId);
  }
  if (last.size > 0) trace.fail(`the last events of ${last.size} guilds never arrived`);
}

function hasty(random: Random): Disposable {
  const { random: original } = Math;
  Math.random = () => random.next() * HASTE;
  return {
    [Symbol.dispose]: () => {
      Math.random = original;
    },
  };
}
