import { IdentifyQueue, MemorySessionStore, type Shard, type ShardManager } from "../../mod.ts";
import { LocalGateway, type LocalGuild } from "../../lib/testing/mod.ts";
import { Random } from "../../lib/testing/random.ts";
import { Attempts } from "./attempts.ts";
import { Checks } from "./checks.ts";
import { memoryManager } from "./client.ts";
import { Listeners } from "./listeners.ts";
import { HEARTBEAT_INTERVAL_MS, type Plan } from "./plan.ts";
import { connectionsOf } from "./probe.ts";
import { CANARY } from "../canary.ts";
import { Secrecy } from "./secrecy.ts";
import { SlowStore } from "./slow_store.ts";
import type { Trace } from "./trace.ts";
import { Traffic } from "./traffic.ts";
import type { VirtualTime } from "./virtual_time.ts";

const DAY_MS = 86_400_000;
/** When guilds are created, in milliseconds since Discord's epoch. */
const FIRST_GUILD_MS = 166_320_000_000;

/** A gateway, a manager, and what goes on between them. */
export class World implements AsyncDisposable {
  readonly plan: Plan;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly trace: Trace;
  readonly secrecy: Secrecy;
  readonly gateway: LocalGateway;
  readonly attempts = new Attempts();
  readonly checks: Checks;
  readonly traffic: Traffic;
  readonly listeners: Listeners;
  /** The one there is: a restart brings another. */
  manager: ShardManager;
  /** How often the bot's process was replaced by another. */
  restarts = 0;
  /** How often each fault was tried. */
  readonly faults = new Map<string, number>();
  /** How many requests were told to fail. */
  requestsToFail = 0;
  /** When a peer last spoke again after a silence. */
  silenceEndedMs = -Infinity;
  /** What outlives the bot's process. */
  readonly #kept = new MemorySessionStore();
  #store: SlowStore | undefined;
  readonly #limiter = new IdentifyQueue();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #active = new Map<string, () => void>();
  /** Connections that were frozen: what was sent both ways meanwhile crossed, and came all at once. */
  readonly #frozen = new Set<number>();
  /** Connections that carried bytes that may swallow what comes after them. */
  readonly #garbled = new Set<number>();

  /** Makes one; nothing is connected yet. */
  constructor(plan: Plan, time: VirtualTime, trace: Trace) {
    this.trace = trace;
    this.plan = plan;
    this.time = time;
    this.random = new Random(plan.seed ^ 0xc4a05);
    this.secrecy = new Secrecy(this.trace);
    this.gateway = new LocalGateway({
      token: CANARY,
      shards: plan.shards,
      guilds: guildsOf(plan),
      maxConcurrency: plan.maxConcurrency,
      sessionStartLimit: { total: plan.sessionStarts, resetAfterMs: DAY_MS },
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      heartbeatTimeoutMs: plan.heartbeatTimeoutMs,
      heartbeatTimeoutCode: plan.heartbeatTimeoutCode,
      guildOrder: "shuffled",
      chunkOrder: "shuffled",
      format: plan.format,
      seed: plan.seed,
    });
    this.checks = new Checks({
      gateway: this.gateway,
      trace: this.trace,
      secrecy: this.secrecy,
      maxConcurrency: plan.maxConcurrency,
      intervalMs: HEARTBEAT_INTERVAL_MS,
      isCaused: (violation) => this.#isCaused(violation),
    });
    this.traffic = new Traffic(this.gateway, this.checks.deliveries, plan.shards);
    this.listeners = new Listeners(this);
    this.manager = this.#start();
  }

  /** Where there is a session store, the process has ended: what it was at work with is not done. */
  endProcess(): void {
    if (this.#store === undefined) return;
    this.#store.end();
    this.checks.deliveries.processEnded();
    this.checks.identifies.processEnded();
  }

  /** Where there is a session store, replaces a manager that is closed by one that knows nothing but what is in there. */
  restart(): void {
    if (this.#store === undefined) return;
    this.trace.note("another process");
    this.restarts++;
    this.manager = this.#start();
  }

  #start(): ShardManager {
    const { gateway, time, secrecy, attempts, random, plan: { intents, compress, storeMs, storeFailures } } = this;
    if (storeMs !== null) {
      this.#store = new SlowStore({
        random,
        store: this.#kept,
        mostMs: storeMs,
        failures: storeFailures,
        onLost: (key) => this.checks.identifies.onSessionLost(Number(key.split("-")[0])),
      });
    }
    // Another process would not be up within the five seconds that the limit of the first looks back.
    const options = this.#store && { sessionStore: this.#store, identifyRateLimiter: this.#limiter };
    const manager = memoryManager({ gateway, time, secrecy, attempts, intents, compress, ...(options && { options }) });
    this.checks.watch(manager);
    this.listeners.listenTo(manager);
    return manager;
  }

  /** Ends everything that the run itself started. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.clearTimers();
    this.checks.liveness.spared();
    this.checks.deadlines.end();
    await this.gateway[Symbol.asyncDispose]();
    this.secrecy[Symbol.dispose]();
  }

  /** The shards that are usable now. */
  get ready(): Shard[] {
    return [...this.manager.shards.values()].filter(({ phase }) => phase === "ready");
  }

  /** Whether no peer has been silent lately: one whose ACKs were withheld may still be taken for dead. */
  get isCalm(): boolean {
    if (this.isActive("withheld ACKs") || this.isActive("freeze")) return false;
    return this.time.elapsedMs - this.silenceEndedMs > 3 * HEARTBEAT_INTERVAL_MS;
  }

  /** Any shard's id. */
  anyShard(): number {
    return this.random.below(this.plan.shards);
  }

  /** One of the two, or all shards: what a target of the gateway's verbs says. */
  target(): { shardId?: number } {
    return this.random.below(6) === 0 ? {} : { shardId: this.anyShard() };
  }

  /** A whole number from `least` to `most`, the small ones more often. */
  between(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.random.next());
  }

  /** Does something later. */
  after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  /** Forgets what was to be done later. */
  clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Whether something is going on. */
  isActive(name: string): boolean {
    return this.#active.has(name);
  }

  /** Lets something go on for a while, unless it does already. */
  during(name: string, ms: number, begin: () => void, end: () => void): void {
    if (this.isActive(name)) return;
    this.trace.note(`${name} begins for ${ms} ms`);
    const finish = () => {
      this.#active.delete(name);
      this.trace.note(`${name} ends`);
      end();
    };
    this.#active.set(name, finish);
    begin();
    this.after(ms, () => this.#active.get(name) === finish && finish());
  }

  /** Stops to carry what is sent on the connections of a shard, or on all. */
  freeze(target: { shardId?: number }): void {
    for (const id of connectionsOf(this.gateway, target.shardId)) this.#frozen.add(id);
    this.gateway.freeze(target);
  }

  /** Sends random bytes. */
  garble(target: { shardId?: number }): void {
    for (const id of connectionsOf(this.gateway, target.shardId)) this.#garbled.add(id);
    this.gateway.sendRaw(Uint8Array.from({ length: 40 }, () => this.random.below(256)), target);
  }

  #isCaused(violation: string): boolean {
    const [, id, rule = ""] = /^connection (\d+): (.*)/.exec(violation) ?? [];
    // The gateway may ask for a heartbeat at any time.
    if (rule === "op 1 was sent before HELLO") return true;
    return this.#frozen.has(Number(id)) && /^4008|after op 9/.test(rule) ||
      this.#garbled.has(Number(id)) && /^heartbeat \d+ came long after/.test(rule);
  }

  /** Ends everything that is going on. */
  endAll(): void {
    for (const finish of [...this.#active.values()]) finish();
  }
}

/** Guild i is on shard i % n, whatever the number of shards. */
function guildsOf({ guilds, shards }: Plan): LocalGuild[] {
  const first = BigInt(Math.ceil(FIRST_GUILD_MS / shards) * shards);
  return Array.from({ length: guilds }, (_, index) => ({ id: (first + BigInt(index) << 22n).toString() }));
}
