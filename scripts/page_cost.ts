/**
 * What the status page costs a browser: how often, and for how long, it keeps the browser from anything else. The figures
 * in `docs/operating.md` are from here.
 *
 *     deno run -A --import-map tests/offline/import_map.json scripts/page_cost.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager, TimesPer } from "@gangway/gateway";
import { statusHandler } from "@gangway/gateway/status";
import { LocalGateway } from "@gangway/gateway/testing";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../tests/chromium.ts";
import { getChromium } from "./chromium.ts";

const SHARDS = [1, 100, 1_000];
const WATCH_MS = 30_000;

/** What a browser calls long: 50 ms in which it answers nobody. */
const OBSERVE = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longTasks.push(Math.round(duration));
  }).observe({ type: "longtask", buffered: true });
`;

async function main(): Promise<void> {
  const browser = await launchChromium();
  console.log(`Chromium ${browser.version()}, ${navigator.hardwareConcurrency} cores\n`);
  console.log("| shards | while | long tasks | longest | main thread busy |\n| -: | - | -: | -: | -: |");
  for (const shards of SHARDS) await measure(browser, shards);
  await browser.close();
}

async function measure(browser: Browser, shards: number): Promise<void> {
  await using gateway = await LocalGateway.start({ listen: false, shards, guilds: shards, identifyWindowMs: 0 });
  using httpClient = new HTTPClient({ fetch: gateway.fetch, createWebSocket: gateway.createWebSocket });
  const intents = GatewayIntent.Guilds | GatewayIntent.GuildMessages;
  await using manager = new ShardManager(new BotAuthentication(gateway.token), intents, httpClient, {
    compress: "none",
    identifyRateLimiter: new TimesPer(100, 0.001, { marginMs: 0 }),
  });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, statusHandler(manager));
  await manager.connect();
  await Promise.all([...manager.shards.values()].map((shard) => shard.ready));

  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(OBSERVE);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const busySeconds = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
  };
  const during = async (what: string, act: () => Promise<void>) => {
    const [before, start] = [await busySeconds(), performance.now()];
    await act();
    const busy = (await busySeconds() - before) * 1_000 / (performance.now() - start);
    const tasks = await page.evaluate("longTasks.splice(0)") as number[];
    const longest = tasks.length === 0 ? "–" : `${Math.max(...tasks)} ms`;
    console.log(`| ${shards} | ${what} | ${tasks.length} | ${longest} | ${(busy * 100).toFixed(0)} % |`);
  };

  await during("it is opened", async () => {
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await showsAll(page, shards);
  });
  await during(`every shard has events, for ${WATCH_MS / 1_000} s`, async () => {
    const talking = setInterval(() => {
      for (const { channels } of gateway.guilds) {
        if (Math.random() < 0.5) gateway.user("Ann").says("hello", { channelId: channels[0]?.id });
      }
    }, 1_000);
    await page.waitForTimeout(WATCH_MS);
    clearInterval(talking);
  });
  await during("all connections are lost and resumed", async () => {
    const resumed = new Promise<void>((resolve) => {
      let left = shards;
      manager.dispatcher.listen("resumed", () => {
        if (--left === 0) resolve();
      });
    });
    gateway.disconnect(4000);
    await resumed;
    await page.waitForTimeout(1_000);
    await showsAll(page, shards);
  });
  await page.context().close();
}

async function showsAll(page: Page, shards: number): Promise<void> {
  const count = shards.toLocaleString("en");
  await page.locator("#ready").filter({ hasText: `${count} of ${count}` }).waitFor();
}

if (!await getChromium()) {
  console.log("Install Chromium, or set CHROMIUM_PATH to where it is");
  Deno.exit(1);
}
await main();
