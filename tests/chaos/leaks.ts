import { GatewayIntent, Shard, TimesPer } from "../../mod.ts";
import { LocalGateway } from "../../lib/testing/mod.ts";
import { Attempts } from "./attempts.ts";
import { memoryHttpClient } from "./client.ts";
import { usedHeap } from "./heap.ts";
import { forgetSessions } from "./probe.ts";
import { CANARY } from "../canary.ts";
import { Secrecy } from "./secrecy.ts";
import { SignalCensus } from "./signal_census.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual_time.ts";

/** What is there at one time. */
export interface Holdings {
  heapBytes: number;
  timers: number;
  abortListeners: number;
}

/** What was there before and after something was done many times. */
export interface LeakReport {
  times: number;
  before: Holdings;
  after: Holdings;
}

/** How many times something is done before the first look: caches and compiled code are no leak. */
const WARM_UP = 200;

/** Options of both. */
export interface LeakOptions {
  times: number;
  /** Whether listeners on abort signals are counted; what that takes is in the heap. */
  countsListeners?: boolean;
}

/** One shard that reconnects again and again, for every reason a connection can end. */
export function reconnectOften(options: LeakOptions): Promise<LeakReport> {
  return measure(options, async ({ gateway, time, makeShard }) => {
    const shard = makeShard();
    await time.complete(shard.connect());
    const ready = () => shard.phase === "ready";
    await time.run(60_000, ready);
    const ways = [
      () => gateway.drop(),
      () => gateway.reconnect(),
      () => gateway.invalidateSession(true),
      () => gateway.disconnect(4000),
      () => gateway.corrupt(),
      () => {
        gateway.rejectUpgrade(503);
        gateway.drop();
      },
    ];
    return {
      act: async (index) => {
        ways[index % ways.length]?.();
        await time.run(1);
        await time.run(600_000, ready);
        // Long enough for the next failure to be a new story.
        await time.run(31_000);
        if (!ready()) throw new Error("The shard did not come back");
      },
      end: () => time.complete(shard.close()),
    };
  });
}

/** Shards that are opened and closed again, one after the other. */
export function openAndClose(options: LeakOptions): Promise<LeakReport> {
  return measure(options, ({ gateway, time, makeShard }) =>
    Promise.resolve({
      act: async () => {
        const shard = makeShard();
        await time.complete(shard.connect());
        await time.complete(shard.ready);
        await time.complete(shard.close());
        forgetSessions(gateway);
      },
      end: () => Promise.resolve(),
    }));
}

interface Scene {
  gateway: LocalGateway;
  time: VirtualTime;
  makeShard: () => Shard;
}

interface Script {
  act(index: number): Promise<void>;
  end(): Promise<void>;
}

async function measure(
  { times, countsListeners = false }: LeakOptions,
  prepare: (scene: Scene) => Promise<Script>,
): Promise<LeakReport> {
  using time = new VirtualTime(1);
  using secrecy = new Secrecy(new Trace());
  using census = countsListeners ? new SignalCensus() : null;
  await using gateway = new LocalGateway({ token: CANARY, sessionStartLimit: { total: 1_000_000 } });
  const httpClient = memoryHttpClient({ gateway, time, secrecy, attempts: new Attempts() });
  const limiter = new TimesPer(1, 5);
  // Lives as long as a bot does.
  const { signal } = new AbortController();
  const makeShard = () =>
    new Shard(0, 1, GatewayIntent.Guilds, CANARY, limiter, httpClient, { compress: "none", signal });
  const script = await prepare({ gateway, time, makeShard });
  const look = async (): Promise<Holdings> => {
    gateway.clearRecords();
    return { heapBytes: await usedHeap(), timers: time.timers, abortListeners: census?.count ?? 0 };
  };
  const repeat = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      await script.act(index);
      if (index % 100 === 0) gateway.clearRecords();
    }
  };
  await repeat(Math.min(WARM_UP, times));
  const before = await look();
  await repeat(times);
  const after = await look();
  await script.end();
  return { times, before, after };
}
