/**
 * The bot of `ping_pong.ts` at work: on a Discord that this process brings along, or, where `DISCORD_TOKEN` is set, on the
 * real one until Ctrl-C.
 *
 *     deno task demo
 *     bun run demo
 *
 * @module
 */
// deno-lint-ignore-file no-console

import type { ShardManager } from "@gangway/gateway";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import { LocalGateway } from "@gangway/gateway/testing";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { showLatency, showMessages, showTroubles } from "./demo_report.ts";
import { Screen, style } from "./screen.ts";
import { showShards } from "./show_shards.ts";

const DEADLINE_MS = 30_000;
const PAUSE_MS = 200;

/** Who says what, and in which guild: that of index `i` belongs to shard `i`. */
const CONVERSATION: readonly (readonly [name: string, guild: number, text: string])[] = [
  ["Ann", 0, "Good morning"],
  ["Ben", 0, "Morning! Is the bot awake?"],
  ["Cleo", 2, "It is quiet over here"],
  ["Ann", 0, "ping"],
  ["Ben", 0, "It is"],
];

async function onThisMachine(screen: Screen): Promise<void> {
  // Ctrl-C ends the process wherever it is.
  process.exitCode = 1;
  // Of four shards two may identify at once: the others wait, as they would on Discord.
  await using gateway = await LocalGateway.start({
    shards: 4,
    guilds: 4,
    maxConcurrency: 2,
    heartbeatIntervalMs: 500,
  });
  process.env.DISCORD_TOKEN = gateway.token;
  process.env.GANGWAY_API_URL = gateway.url;
  const { manager } = await import("./ping_pong.ts");
  screen.line(`A bot of 4 shards on a Discord of its own, ${gateway.url}`);
  screen.line(style("dim", "Set DISCORD_TOKEN to run the same bot on the real one"));

  const failure = new AbortController();
  const deadline = setTimeout(
    () => failure.abort(new Error(`The demo was not done within ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  manager.dispatcher.listen("listener_error", ({ error }) => failure.abort(error));
  manager.closed.catch((error) => failure.abort(error));
  try {
    await play(gateway, manager, screen, failure.signal);
  } finally {
    clearTimeout(deadline);
    await manager.close();
  }
  const { identifies, violations } = gateway;
  if (violations.length > 0) throw new Error(`The bot broke a rule of Discord's: ${violations.join("; ")}`);
  screen.line(`Closed, with ${identifies.length} identifies spent and no rule of Discord's broken`);
  process.exitCode = 0;
}

async function play(gateway: LocalGateway, manager: ShardManager, screen: Screen, signal: AbortSignal): Promise<void> {
  showMessages(manager, screen);
  showTroubles(manager, screen);
  void manager.connect();
  await showShards(manager, screen, signal);
  screen.line();
  const pong = gateway.next("message", ({ content }) => content === "pong", { signal });
  for (const [name, guild, text] of CONVERSATION) {
    await delay(PAUSE_MS, undefined, { signal });
    const { id } = gateway.user(name).says(text, { channelId: gateway.guilds[guild]?.channels[0]?.id });
    await manager.eventDispatcher.waitFor("MESSAGE_CREATE", (message) => message.id === id, { signal });
    if (text === "ping") screen.line(`posted   ${style("bold", (await pong).content)}`);
  }
  screen.line();
  await showLatency(manager, screen, signal);
}

async function onDiscord(screen: Screen): Promise<void> {
  const { manager } = await import("./ping_pong.ts");
  screen.line("Ctrl-C ends it");
  shutdownOnSignal(manager, { exit: false });
  showMessages(manager, screen);
  showTroubles(manager, screen);
  const ended = new AbortController();
  const { signal } = ended;
  // What ends the bot also ends these; `closed` is where it is told.
  showShards(manager, screen, signal).then(() => showLatency(manager, screen, signal)).catch(() => {});
  void manager.connect();
  try {
    await manager.closed;
  } finally {
    ended.abort();
  }
  screen.line("Closed");
}

const screen = new Screen();
try {
  await (process.env.DISCORD_TOKEN ? onDiscord(screen) : onThisMachine(screen));
} catch (error) {
  const isStopped = (error as Error).name === "AbortError";
  screen.status("");
  console.error(style("red", isStopped ? "Stopped before the end" : `${error}`));
  process.exitCode = 1;
}
