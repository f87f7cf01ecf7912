import { GatewayIntent, type RescaledData } from "../../mod.ts";
import { LocalGateway } from "../../lib/testing/mod.ts";
import { Random } from "../../lib/testing/random.ts";
import { Attempts } from "./attempts.ts";
import { memoryManager } from "./client.ts";
import { ProcessWatch } from "./process_watch.ts";
import { CANARY } from "../canary.ts";
import { Secrecy } from "./secrecy.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual_time.ts";

/** What came of a run. */
export interface RescaleReport {
  problems: readonly string[];
  /** The last happenings before the first problem. */
  lines: readonly string[];
  faults: number;
  events: number;
  commands: number;
  matched: number;
  unmatched: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

const SCALES = [[1, 2], [2, 1], [2, 3], [2, 4], [3, 2], [4, 4]] as const;

/** Shards of the same id in both sets are hit together. None of these ends a session: nothing may be lost. */
const FAULTS: Record<string, (gateway: LocalGateway, shardId: number) => void> = {
  "connection reset": (gateway, shardId) => gateway.drop({ shardId }),
  "op 7": (gateway, shardId) => gateway.reconnect({ shardId }),
  "op 9 true": (gateway, shardId) => {
    gateway.thaw({ shardId });
    gateway.invalidateSession(true, { shardId });
  },
  "close 4000": (gateway, shardId) => gateway.disconnect(4000, { shardId }),
  "mute": (gateway, shardId) => gateway.freeze({ shardId }),
  "stall": (gateway, shardId) => {
    gateway.freeze({ shardId });
    setTimeout(() => gateway.thaw({ shardId }), 500 + Math.random() * 10 * SECOND_MS);
  },
  "handshakes refused": (gateway, shardId) => {
    gateway.rejectUpgrade(503, 1 + Math.floor(Math.random() * 4));
    gateway.drop({ shardId });
  },
};

/**
 * Some rescales in a row under faults of both sets, one of them called off now and then. While two sets run, an event is
 * due once in all, which is what is counted; commands have to be sent, whatever becomes of the shard they were given to.
 */
export async function runRescaleWorld({ seed, rescales = 3 }: {
  seed: number;
  rescales?: number;
}): Promise<RescaleReport> {
  using time = new VirtualTime(seed);
  const random = new Random(seed);
  const trace = new Trace();
  using _watch = new ProcessWatch(trace);
  using secrecy = new Secrecy(trace);
  await using gateway = new LocalGateway({ token: CANARY, guilds: 4, maxConcurrency: 16, identifyWindowMs: 0, seed });
  const scale = SCALES[random.below(SCALES.length)] as readonly [number, number];
  const manager = memoryManager({
    ...{ gateway, time, secrecy, attempts: new Attempts(), compress: "none" },
    intents: GatewayIntent.Guilds | GatewayIntent.GuildMessages | GatewayIntent.MessageContent,
    options: { shardCount: scale[0] },
  });
  const heard = new Map<string, number>();
  const said: string[] = [];
  const counts = { faults: 0, commands: 0, matched: 0, unmatched: 0 };
  manager.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => {
    heard.set(content, (heard.get(content) ?? 0) + 1);
  });
  manager.dispatcher.listen("critical", (error) => trace.fail(`critical: ${error}`));
  manager.dispatcher.listen("phase", ({ phase }, { shardId }) => trace.note(`shard ${shardId}: ${phase}`));
  manager.dispatcher.listen("rescaled", (data: RescaledData) => {
    trace.note(`rescaled: ${JSON.stringify(data)}`);
    counts.matched += data.matched;
    counts.unmatched += data.unmatched;
  });

  function say(): void {
    const guild = gateway.guilds[random.below(4)] as (typeof gateway.guilds)[0];
    said.push(`${said.length}`);
    gateway.user("Ann").says(`${said.length - 1}`, { channelId: guild.channels[0]?.id });
    if (random.below(10) > 0) return;
    counts.commands++;
    const number = said.length;
    manager.shardFor(guild.id).requestSoundboardSounds([guild.id]).catch((error) =>
      trace.fail(`the command after ${number} failed: ${error}`)
    );
  }

  async function flow(ms: number, stepMs: number): Promise<void> {
    for (const untilMs = time.elapsedMs + ms; time.elapsedMs < untilMs;) {
      await time.run(stepMs);
      say();
    }
  }

  await time.complete(manager.connect());
  await time.run(MINUTE_MS, () => [...manager.shards.values()].every(({ phase }) => phase === "ready"));
  for (let index = 0; index < rescales; index++) {
    // Faults begin before it in some, so that it starts with shards that are behind.
    for (let ms = random.below(3) * SECOND_MS; ms > 0; ms -= SECOND_MS) {
      if (random.below(2) === 0) hurt();
      await flow(SECOND_MS, 200);
    }
    const calledOff = new AbortController();
    let isDone = false;
    const to = scale[(index + 1) % 2] as number;
    trace.note(`rescale to ${to}`);
    const rescaling = manager.rescaleShards(to, undefined, { signal: calledOff.signal }).catch((error) => {
      trace.note(`rescale: ${error}`);
      // New shards that do not keep their connections are a reason too.
      if (!calledOff.signal.aborted && (error as Error).name !== "TimeoutError") trace.fail(`rescale: ${error}`);
    }).finally(() => isDone = true);
    const isPatient = random.below(4) > 0;
    const startMs = time.elapsedMs;
    while (!isDone && time.elapsedMs - startMs < 15 * MINUTE_MS) {
      await flow(200 + random.below(2000), 200);
      if (time.elapsedMs - startMs > 30 * SECOND_MS) continue;
      if (random.below(3) === 0) hurt();
      if (!isPatient && random.below(12) === 0) {
        trace.note("called off");
        calledOff.abort();
      }
    }
    if (!isDone) trace.fail("the rescale does not end");
    await rescaling;
  }
  function hurt(): void {
    const names = Object.keys(FAULTS);
    const name = names[random.below(names.length)] as string;
    const shardId = random.below(Math.max(...scale));
    trace.note(`fault: ${name} of ${shardId}`);
    counts.faults++;
    FAULTS[name]?.(gateway, shardId);
  }
  // What was cut off and mute is found and replayed.
  await time.run(5 * MINUTE_MS);
  const missing = said.filter((content) => !heard.has(content));
  const doubled = [...heard].filter(([, times]) => times > 1).map(([content]) => content);
  if (missing.length > 0) trace.fail(`lost ${missing.length} events: ${brief(missing)}`);
  if (doubled.length > 0) trace.fail(`doubled ${doubled.length} events: ${brief(doubled)}`);
  // What is sent while one of them is on its way, held back by a stall, is no mistake of the client.
  for (const violation of gateway.violations) if (!/after op [79]/.test(violation)) trace.fail(violation);
  await time.complete(manager.close());
  return { ...counts, events: said.length, problems: trace.problems, lines: trace.lines };
}

function brief(contents: readonly string[]): string {
  return contents.length > 10 ? `${contents.slice(0, 10).join(", ")}, …` : contents.join(", ");
}
