/**
 * Takes the pictures of the status page in `docs/`: a quarter of an hour of a bot's life on a fake clock, then a real
 * browser.
 *
 *     deno run -A --import-map tests/offline/import_map.json scripts/screenshots.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
import { type StatusHandler, statusHandler } from "@gangway/gateway/status";
import { LocalGateway } from "@gangway/gateway/testing";
import FakeTimers from "@sinonjs/fake-timers";
import type { Browser } from "playwright-core";
import { launchChromium } from "../tests/chromium.ts";
import { getChromium } from "./chromium.ts";
import { ROOT } from "./command.ts";

interface Scene {
  shards: number;
  guilds: number;
  seconds: number;
  /** What happens in a second of it. */
  play(gateway: LocalGateway, second: number): void;
}

const DAY: Scene = {
  shards: 24,
  guilds: 600,
  seconds: 960,
  play(gateway, second) {
    const talk = 0.06 + 0.04 * Math.sin(second / 90);
    for (const { channels } of gateway.guilds) {
      if (Math.random() < talk) gateway.user("Ann").says("hello", { channelId: channels[0]?.id });
    }
    if (second === 300) gateway.drop({ shardId: 7 });
    if (second === 480) gateway.freeze({ shardId: 11 });
    if (second === 700) gateway.reconnect({ shardId: 18 });
    if (second === 958) gateway.invalidateSession(false, { shardId: 21 });
    if (second === 959) gateway.rejectUpgrade(503, 1_000);
    if (second === 959) gateway.disconnect(4000, { shardId: 4 });
  },
};

const LARGE_START: Scene = {
  shards: 1_000,
  guilds: 3_000,
  seconds: 300,
  play(gateway) {
    for (const { channels } of gateway.guilds) {
      if (Math.random() < 0.05) gateway.user("Ann").says("hello", { channelId: channels[0]?.id });
    }
  },
};

/** Lets a scene pass and hands over what shows its end. */
async function live({ shards, guilds, seconds, play }: Scene): Promise<StatusHandler> {
  const clock = FakeTimers.install({
    now: Date.now() - seconds * 1_000,
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
  });
  try {
    const gateway = new LocalGateway({ shards, guilds, maxConcurrency: shards > 100 ? 16 : 4 });
    const httpClient = new HTTPClient({
      baseUrl: gateway.url,
      fetch: gateway.fetch as (url: string) => Promise<Response>,
      createWebSocket: (url) => distant(gateway.createWebSocket(url)),
    });
    const intents = GatewayIntent.Guilds | GatewayIntent.GuildMessages;
    const manager = new ShardManager(new BotAuthentication(gateway.token), intents, httpClient, { compress: "none" });
    const handler = statusHandler(manager);
    void manager.connect();
    for (let second = 0; second < seconds; second++) {
      play(gateway, second);
      await clock.tickAsync(1_000);
    }
    return handler;
  } finally {
    clock.uninstall();
  }
}

/** A gateway in the same process answers at once; what comes from Discord has been on its way for a while. */
function distant(socket: WebSocket): WebSocket {
  const add = socket.addEventListener.bind(socket);
  const delayMs = 25 + 30 * Math.random();
  let lastAt = 0;
  socket.addEventListener = (type: string, listener: unknown, options?: AddEventListenerOptions) => {
    const call = listener as (event: Event) => void;
    if (type !== "message") return add(type, call, options);
    add(type, (event) => {
      lastAt = Math.max(lastAt, performance.now() + delayMs * (0.8 + 0.5 * Math.random()));
      setTimeout(() => options?.signal?.aborted || call(event), lastAt - performance.now());
    }, options);
  };
  return socket;
}

interface Shot {
  name: string;
  width: number;
  height: number;
  colorScheme?: "light" | "dark";
  hasTouch?: boolean;
  shard?: number;
}

async function shoot(browser: Browser, handler: StatusHandler, shots: readonly Shot[]): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  for (const { name, width, height, colorScheme = "light", hasTouch = false, shard } of shots) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme, hasTouch, isMobile: hasTouch });
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await page.locator(".cell").first().waitFor();
    if (shard !== undefined) await page.locator(`.cell[data-id="${shard}"]`).click();
    await page.locator("#rate-caption").filter({ hasText: "at most" }).waitFor();
    if (shard !== undefined) await page.locator("#d-rate-caption").filter({ hasText: "at most" }).waitFor();
    const path = new URL(`docs/status_${name}.png`, ROOT);
    const { length } = await page.screenshot({ path: decodeURIComponent(path.pathname) });
    console.log(`docs/status_${name}.png: ${length} bytes`);
    await page.context().close();
  }
  handler[Symbol.dispose]();
}

if (!await getChromium()) {
  console.log("Install Chromium, or set CHROMIUM_PATH to where it is");
  Deno.exit(1);
}
const browser = await launchChromium();
await shoot(browser, await live(DAY), [
  { name: "light", width: 1040, height: 720 },
  { name: "dark", width: 1040, height: 940, colorScheme: "dark", shard: 11 },
  { name: "phone", width: 390, height: 844, colorScheme: "dark", hasTouch: true },
]);
await shoot(browser, await live(LARGE_START), [{ name: "1000", width: 1280, height: 800 }]);
await browser.close();
// What was left behind on the fake clock never ends.
Deno.exit(0);
