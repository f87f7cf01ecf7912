/**
 * Everything that is measured, and the targets.
 *
 * @module
 */

import type { Contestant, Line, Runtime, Scenario } from "./scenario.ts";
import { idOf } from "./scenario.ts";

/** What {@linkcode scenarios} makes them for. */
export interface ScenariosOptions {
  /** Less of everything: figures of the right order, and no more. */
  quick: boolean;
  /** The packages to run beside, with the runtimes that they are known to work on. */
  peers: Readonly<Record<string, readonly Runtime[]>>;
}

/** What the library runs on. */
const OURS: readonly Runtime[] = ["deno", "bun"];
const FASTEST_PEER = "cloudstorm";
const ZLIB = "zlib-stream";

/** All scenarios. */
export function scenarios(options: ScenariosOptions): Scenario[] {
  return [
    flood(options),
    zstd(options),
    uncompressed(options),
    guilds(options),
    paced(options),
    latency(options),
    shards(options),
    startUp(),
  ];
}

function flood({ quick, peers }: ScenariosOptions): Scenario {
  const others = peerContestants(peers);
  return {
    name: "flood",
    traffic: { ...amount(quick, 60_000, 20_000), compress: [ZLIB] },
    contestants: [
      ...OURS.flatMap((runtime) => [
        floor(runtime),
        peek(runtime),
        naive(runtime),
        ours(runtime, "heard"),
        ours(runtime, "unheard"),
        { ...ours(runtime, "node"), name: "./node, heard" },
        ours(runtime, "watched"),
      ]),
      { ...ours("deno", "heard"), name: "heard, for size", optimizeForSize: true },
      ...others,
    ],
    lines: OURS.flatMap((runtime): Line[] => {
      const heard = { measure: "cpuUs", ours: `heard@${runtime}` } as const;
      const unheard = { measure: "cpuUs", ours: `unheard@${runtime}` } as const;
      const peak = { measure: "peakKiB", ours: `heard@${runtime}` } as const;
      // The name itself stands for one that is not run: without anything to compare with, the line would be a figure of its own.
      const beside = (name: string) => [name, ...others.filter((peer) => peer.name === name).map(idOf)];
      return [
        { ...heard, what: "every event heard", against: [`floor@${runtime}`], target: runtime === "deno" ? 1.1 : 1.05 },
        { ...heard, what: "every event heard", against: [`naive@${runtime}`] },
        { ...heard, what: "every event heard", against: [`${FASTEST_PEER}@${runtime}`], target: 1 },
        { ...heard, what: "every event heard", against: beside("@discordjs/ws"), target: 1 / 3 },
        { ...heard, what: "every event heard", against: beside("@discordeno/gateway") },
        { ...heard, what: "every event heard", against: beside("oceanic.js") },
        { ...unheard, what: "no event heard", against: [`peek@${runtime}`] },
        { ...unheard, what: "no event heard", against: [`floor@${runtime}`] },
        { ...unheard, what: "no event heard", against: [`${FASTEST_PEER}@${runtime}`], target: 0.65 },
        { ...peak, what: "peak memory", against: [`floor@${runtime}`] },
        { ...peak, what: "peak memory", against: [`${FASTEST_PEER}@${runtime}`], target: 1.1 },
        { ...heard, what: "./node, heard", ours: `./node, heard@${runtime}`, against: [`heard@${runtime}`] },
        { ...heard, what: "--optimize-for-size", ours: `heard, for size@${runtime}`, against: [`heard@${runtime}`] },
        { ...heard, what: "watched, heard", ours: `watched@${runtime}`, against: [`heard@${runtime}`] },
      ];
    }),
  };
}

/** Only Bun's `DecompressionStream` has it; `./node` has it everywhere. */
function zstd({ quick }: ScenariosOptions): Scenario {
  const compress = "zstd-stream";
  return {
    name: "zstd",
    traffic: { ...amount(quick, 60_000, 20_000), compress: [ZLIB, compress] },
    contestants: [
      ours("bun", "heard"),
      { ...ours("bun", "heard"), name: "heard, zstd", compress },
      ours("bun", "unheard"),
      { ...ours("bun", "unheard"), name: "unheard, zstd", compress },
      ours("deno", "heard"),
      ...OURS.map((runtime) => ({ ...ours(runtime, "node"), name: "./node, zstd", compress })),
    ],
    lines: [
      { what: "zstd-stream, heard", measure: "cpuUs", ours: "heard, zstd@bun", against: ["heard@bun"], target: 0.9 },
      { what: "zstd-stream, not heard", measure: "cpuUs", ours: "unheard, zstd@bun", against: ["unheard@bun"] },
      ...OURS.map((runtime): Line => ({
        what: "./node, zstd-stream, heard",
        measure: "cpuUs",
        ours: `./node, zstd@${runtime}`,
        against: [`heard@${runtime}`],
      })),
    ],
  };
}

function uncompressed({ quick }: ScenariosOptions): Scenario {
  const compress = "none";
  return {
    name: "none",
    traffic: { ...amount(quick, 60_000, 20_000), compress: [compress] },
    contestants: OURS.flatMap((runtime) => [
      { ...floor(runtime), compress },
      { ...ours(runtime, "heard"), compress },
      { ...ours(runtime, "unheard"), compress },
    ]),
    lines: OURS.flatMap((runtime): Line[] => [
      { what: "no compression, heard", measure: "cpuUs", ours: `heard@${runtime}`, against: [`floor@${runtime}`] },
      {
        what: "no compression, not heard",
        measure: "cpuUs",
        ours: `unheard@${runtime}`,
        against: [`floor@${runtime}`],
      },
    ]),
  };
}

function guilds({ quick }: ScenariosOptions): Scenario {
  return {
    name: "guild",
    traffic: { ...amount(quick, 600, 200), only: "GUILD_CREATE", compress: [ZLIB] },
    contestants: OURS.flatMap((runtime) => [floor(runtime), ours(runtime, "heard"), ours(runtime, "unheard")]),
    lines: OURS.flatMap((runtime): Line[] => {
      const against = [`floor@${runtime}`];
      return [
        { what: "GUILD_CREATE, heard", measure: "cpuUs", ours: `heard@${runtime}`, against, target: 1.1 },
        { what: "GUILD_CREATE, not heard", measure: "cpuUs", ours: `unheard@${runtime}`, against, target: 0.4 },
        { what: "GUILD_CREATE, peak memory", measure: "peakKiB", ours: `heard@${runtime}`, against },
      ];
    }),
  };
}

function paced({ quick, peers }: ScenariosOptions): Scenario {
  const fastest = peerContestants(peers).filter(({ name }) => name === FASTEST_PEER);
  return {
    name: "paced",
    // Engines go on compiling for as many events as they do in a flood, however long these take to come.
    traffic: { ...amount(quick, 8_000, 12_000), perSecond: 2_000, compress: [ZLIB] },
    contestants: [
      ...OURS.flatMap((runtime) => [
        floor(runtime),
        naive(runtime),
        ours(runtime, "heard"),
        { ...ours(runtime, "node"), name: "./node, heard" },
      ]),
      ...fastest,
    ],
    lines: OURS.flatMap((runtime): Line[] => [
      { what: "2,000 events/s", measure: "cpuUs", ours: `heard@${runtime}`, against: [`floor@${runtime}`] },
      { what: "2,000 events/s", measure: "cpuUs", ours: `heard@${runtime}`, against: [`naive@${runtime}`] },
      {
        what: "2,000 events/s, ./node",
        measure: "cpuUs",
        ours: `./node, heard@${runtime}`,
        against: [`heard@${runtime}`],
      },
      {
        what: "2,000 events/s",
        measure: "cpuUs",
        ours: `heard@${runtime}`,
        against: [`${FASTEST_PEER}@${runtime}`],
        target: 1,
      },
    ]),
  };
}

function latency({ quick }: ScenariosOptions): Scenario {
  const mode = "latency";
  return {
    name: "latency",
    traffic: { ...amount(quick, 2_000, 500), perSecond: 500, compress: [ZLIB] },
    contestants: OURS.flatMap((runtime) => [
      { ...naive(runtime), mode },
      { ...floor(runtime), mode },
      { ...ours(runtime, "heard"), mode },
    ]),
    lines: OURS.flatMap((runtime): Line[] =>
      (["p50Us", "p99Us"] as const).flatMap((measure) => {
        const line = { what: `latency, ${measure.slice(0, 3)}`, measure, ours: `heard@${runtime}` };
        return [
          { ...line, against: [`naive@${runtime}`], target: 1.5 },
          { ...line, against: [`floor@${runtime}`] },
        ];
      })
    ),
  };
}

function shards({ quick }: ScenariosOptions): Scenario {
  const most = quick ? 200 : 1_000;
  const opened = (runtime: Runtime, mode: string, shards: number): Contestant => ({
    name: mode === "ours" ? `${shards} shards` : mode,
    runtime,
    client: "shards",
    mode,
    compress: ZLIB,
    shards,
  });
  return {
    name: "shards",
    traffic: { count: 0, warmUp: 0, compress: [ZLIB] },
    contestants: [
      ...OURS.flatMap((runtime) => [
        opened(runtime, "sockets", most),
        opened(runtime, "contexts", most),
        ...[most / 4, most / 2, most].map((shards) => opened(runtime, "ours", shards)),
      ]),
      { ...opened("deno", "ours", most), name: "for size", optimizeForSize: true },
    ],
    lines: OURS.flatMap((runtime): Line[] => {
      const all = `${most} shards@${runtime}`;
      const quarter = `${most / 4} shards@${runtime}`;
      const memory = { measure: "shardKiB", against: [] } as const;
      return [
        { ...memory, what: "memory a socket", ours: `sockets@${runtime}` },
        { ...memory, what: "… with inflate context", ours: `contexts@${runtime}` },
        { ...memory, what: "memory an idle shard, all in all", ours: all, target: runtime === "deno" ? 100 : 60 },
        { ...memory, what: "… --optimize-for-size", ours: `for size@${runtime}` },
        { what: "CPU to bring a shard up", measure: "cpuUs", ours: all, against: [`contexts@${runtime}`] },
        { what: "CPU to bring a shard up", measure: "cpuUs", ours: all, against: [quarter], target: 1.1 },
      ];
    }),
  };
}

/** Whole processes: from the start to the first line, and to the end. */
function startUp(): Scenario {
  const process = (name: "empty" | "import", runtime: Runtime): Contestant => ({
    name,
    runtime,
    client: name,
    mode: "",
    compress: "",
  });
  return {
    name: "start",
    traffic: null,
    often: 4,
    contestants: OURS.flatMap((runtime) => [process("empty", runtime), process("import", runtime)]),
    lines: OURS.map((runtime): Line => ({
      what: "import of mod.ts",
      measure: "processMs",
      ours: `import@${runtime}`,
      against: [`empty@${runtime}`],
      above: true,
      target: 15,
    })),
  };
}

function amount(quick: boolean, count: number, warmUp: number): { count: number; warmUp: number } {
  return quick ? { count: count / 4, warmUp: warmUp / 4 } : { count, warmUp };
}

function floor(runtime: Runtime): Contestant {
  return { name: "floor", runtime, client: "floor", mode: "parse", compress: ZLIB };
}

function naive(runtime: Runtime): Contestant {
  return { name: "naive", runtime, client: "naive", mode: "", compress: ZLIB };
}

function peek(runtime: Runtime): Contestant {
  return { name: "peek", runtime, client: "floor", mode: "peek", compress: ZLIB };
}

function ours(runtime: Runtime, mode: "heard" | "unheard" | "node" | "watched"): Contestant {
  return { name: mode, runtime, client: "ours", mode, compress: ZLIB };
}

function peerContestants(peers: ScenariosOptions["peers"]): Contestant[] {
  return Object.entries(peers).flatMap(([name, runtimes]) =>
    runtimes.map((runtime): Contestant => ({ name, runtime, client: "peer", mode: name, compress: ZLIB }))
  );
}
