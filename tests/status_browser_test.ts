import { assertEquals, assertLessOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium, readAxe, WITHOUT_CHROMIUM } from "./chromium.ts";
import { runtime, test } from "./harness.ts";
import { fixedRandom } from "./shard_rig.ts";
import { statusRig } from "./status_rig.ts";
import { serveStatus, type StatusServer } from "./status_server.ts";

/** A browser takes its time on a machine that is busy. */
const TIMEOUT_MS = 120_000;

const OPTIONS = { skip: WITHOUT_CHROMIUM, timeoutMs: TIMEOUT_MS };

/** For what is all in the page: to see it once is enough. */
const ONCE = { ...OPTIONS, skip: WITHOUT_CHROMIUM || runtime === "bun" && "the page is the same, and Deno shows it" };

/** A page, and what it complained about. */
class Visit implements AsyncDisposable {
  readonly page: Page;
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(TIMEOUT_MS / 2);
    page.on("pageerror", (error) => this.errors.push(`${error}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.errors.push(message.text());
    });
  }

  static async to(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const visit = new Visit(await browser.newPage(options));
    await visit.page.goto(url);
    return visit;
  }

  /** Waits for a shard to be shown in a phase. */
  async shows(id: number, phase: string): Promise<void> {
    await this.page.locator(`.cell[data-id="${id}"][data-phase="${phase}"]`).waitFor({ state: "attached" });
  }

  /** Waits until a text is there. */
  async reads(selector: string, text: string | RegExp): Promise<void> {
    await this.page.locator(selector).filter({ hasText: text }).first().waitFor({ state: "attached" });
  }

  /** Waits until something holds in the page, whose policy forbids what Playwright does for this. */
  async until(expression: string): Promise<void> {
    await this.page.evaluate(
      `new Promise((resolve) => { (function check() { (${expression}) ? resolve() : requestAnimationFrame(check); })(); })`,
    );
  }

  /** What axe-core has against the page as it is; of the cells, which are all alike, against the first few. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(readAxe());
    const found = await this.page.evaluate("axe.run({ exclude: ['.cell:nth-child(n+9)'] })") as {
      violations: { id: string; nodes: { html: string }[] }[];
    };
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

test("status page follows shards through connect, zombie, resume and rescale", async () => {
  using _ = fixedRandom(0.1);
  const gateway = { shards: 2, guilds: 4, maxConcurrency: 16, identifyWindowMs: 0, heartbeatIntervalMs: 400 };
  await using status = await statusRig({ gateway });
  const { gateway: discord, manager } = status.rig;
  await using server = serveStatus(status.handler);
  await using browser = await launchChromium();
  await using visit = await Visit.to(browser, server.url);
  await visit.reads("#state", "Not connected");

  discord.withholdReady();
  void manager.connect();
  await visit.shows(0, "identifying");
  await visit.reads("#start-label", "All connected in");
  discord.withholdReady(false);
  await visit.shows(0, "ready");
  await visit.shows(1, "ready");
  await visit.reads("#ready", "2 of 2");
  await visit.reads("#start-label", "All connected after");
  await visit.reads("#identifies", "998");
  await visit.reads('.cell[data-id="0"] .guilds', "2 guilds");
  await visit.reads('.cell[data-id="0"] .latency', /^\d+ ms$/);
  assertEquals(await visit.page.title(), "2/2 ready – Gateway status");

  // The connection stays open and carries nothing more: a zombie.
  discord.rejectUpgrade(503, 1);
  discord.freeze({ shardId: 1 });
  await visit.reads('.cell[data-id="1"] .last', "it does not answer heartbeats any more");
  await visit.shows(1, "ready");
  await visit.page.locator('.cell[data-id="1"]').click();
  await visit.reads("#d-sessions", "1, 1");
  await visit.reads("#live", "2 of 2 shards ready");
  for (let count = 0; count < 50; count++) discord.user("Ann").says("hello");
  await visit.reads("#d-rate-caption", /at most/);
  await visit.reads("#rate-caption", /^Events\/s, 15 minutes: [\d.]+ now, [\d.]+ at most$/);
  assertMatch(await visit.page.locator("#rate-chart path").getAttribute("d") ?? "", /^M[\d.]+ /);

  const rescaled = manager.rescaleShards(3);
  await visit.reads("#state", "rescaling to 3");
  await visit.reads("#ready", "3 of 3");
  await visit.shows(2, "ready");
  // The one that was looked at has a successor.
  await visit.reads("#details-title", "Shard 1");
  await Promise.allSettled([manager.close(), rescaled]);
  await visit.reads("#state", "Not connected");
  await visit.shows(2, "closed");
  assertEquals(visit.errors, []);
}, OPTIONS);

test("status page says of a shard that waits when its turn is, and how many identifies are left", async () => {
  await using status = await statusRig({ memory: true, gateway: { shards: 6, maxConcurrency: 2 } });
  await using server = serveStatus(status.handler);
  await using browser = await launchChromium();
  await using visit = await Visit.to(browser, server.url);
  void status.rig.manager.connect();
  await visit.shows(0, "ready");
  await visit.shows(1, "ready");
  for (const [id, seconds] of [[2, "5.3"], [3, "5.3"], [4, "11"], [5, "11"]]) {
    await visit.reads(`.cell[data-id="${id}"] .turn`, `In about ${seconds} s; 998 identifies left today`);
  }
  assertEquals(await visit.page.locator('.cell[data-id="0"] .turn').textContent(), "");
  await visit.page.locator('.cell[data-id="5"]').click();
  await visit.reads("#d-turn", "In about 11 s");
  await visit.page.locator('.cell[data-id="0"]').click();
  assertEquals(await visit.page.locator("#d-turn").isVisible(), false);
  assertEquals(await visit.violations(), []);
  assertEquals(visit.errors, []);
}, ONCE);

test("status page has no accessibility violation, light or dark, on a phone, with few shards or many", async () => {
  await using few = await statusRig({ memory: true, unlimited: true, gateway: { shards: 5 } });
  await using many = await statusRig({ memory: true, unlimited: true, gateway: { shards: 70 } });
  await using fewServer = serveStatus(few.handler);
  await using manyServer = serveStatus(many.handler);
  await Promise.all([few.rig.up(), many.rig.up()]);
  many.rig.gateway.rejectUpgrade(503, 1_000);
  many.rig.gateway.disconnect(4000, { shardId: 3 });
  await using browser = await launchChromium();
  const visits: [server: StatusServer, options: BrowserContextOptions][] = [
    [fewServer, {}],
    [fewServer, { colorScheme: "dark" }],
    [manyServer, { colorScheme: "dark", viewport: { width: 375, height: 700 } }],
  ];
  for (const [{ url }, options] of visits) {
    await using visit = await Visit.to(browser, url, options);
    await visit.shows(0, "ready");
    await visit.page.locator(".cell").first().click();
    await visit.reads("#details-title", "Shard 0");
    assertEquals(await visit.violations(), []);
    const isWithin = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    assertEquals(await visit.page.evaluate(isWithin), true);
    assertEquals(visit.errors, []);
  }
}, ONCE);

test("status page works with the keyboard alone, and tells of changes in words", async () => {
  await using status = await statusRig({ memory: true, unlimited: true, gateway: { shards: 5 } });
  await using server = serveStatus(status.handler);
  await status.rig.up();
  await using browser = await launchChromium();
  await using visit = await Visit.to(browser, server.url);
  const { page } = visit;
  const focused = () =>
    page.evaluate("document.activeElement.dataset.id ?? document.activeElement.id") as Promise<string>;
  await visit.shows(4, "ready");
  // From the filters, a radio group, the next stop is the grid as a whole.
  await page.locator('[value="all"]').focus();
  await page.keyboard.press("Tab");
  assertEquals(await focused(), "0");
  const steps = [["ArrowRight", "1"], ["End", "4"], ["ArrowRight", "4"], ["Home", "0"], ["ArrowLeft", "0"]];
  for (const [key, id] of [...steps, ["ArrowRight", "1"]]) {
    await page.keyboard.press(key ?? "");
    assertEquals([key, await focused()], [key, id]);
  }
  await page.keyboard.press("Enter");
  await visit.reads("#details-title", "Shard 1");
  assertEquals(await page.locator('[aria-selected="true"]').getAttribute("data-id"), "1");
  await page.keyboard.press("Tab");
  assertEquals(await focused(), "close");
  await page.keyboard.press("Escape");
  assertEquals([await focused(), await page.locator("#details").isHidden()], ["1", true]);

  status.rig.gateway.rejectUpgrade(503, 1_000);
  status.rig.gateway.disconnect(4000, { shardId: 1 });
  await visit.reads("#live", "Shard 1 is backing off. 4 of 5 shards ready");
  // A filter hides the others from the keys as well, and counts are in words.
  await page.locator('[value="backing_off"]').check();
  assertEquals(await page.locator(".cell:visible").count(), 1);
  await page.keyboard.press("Tab");
  assertEquals(await focused(), "1");
  await page.locator('[value="closed"]').check();
  assertEquals(await page.locator("#none").isVisible(), true);
  assertEquals(visit.errors, []);
}, ONCE);

test("status page asks for the token, and keeps it out of its address", async () => {
  const token = "let-me-in";
  await using status = await statusRig({ memory: true, unlimited: true, status: { token } });
  await using server = serveStatus(status.handler);
  await status.rig.up();
  await using browser = await launchChromium();
  await using visit = await Visit.to(browser, server.url);
  const { page } = visit;
  await page.locator("#token").fill("wrong");
  await page.keyboard.press("Enter");
  await visit.reads("#problem", "That is not the token");
  assertEquals(await visit.violations(), []);
  assertEquals(await page.locator("#content").isHidden(), true);
  await page.locator("#token").fill(token);
  await page.keyboard.press("Enter");
  await visit.shows(0, "ready");
  assertEquals(page.url(), server.url);
  await page.reload();
  await visit.shows(0, "ready");
  // The browser itself reports that it was refused twice.
  assertEquals(visit.errors.filter((error) => !error.includes("401")), []);
}, OPTIONS);

test("status page shows 1,000 shards, writes only what has changed, and lays out once an update", async () => {
  // Nothing is to be told but what happens here: a heartbeat changes a latency.
  const gateway = { shards: 1_000, guilds: 1_000, heartbeatIntervalMs: 86_400_000 };
  await using status = await statusRig({ memory: true, unlimited: true, gateway });
  await using server = serveStatus(status.handler);
  {
    using _ = fixedRandom(0.5);
    await status.rig.up();
  }
  await using browser = await launchChromium();
  await using visit = await Visit.to(browser, server.url);
  const { page } = visit;
  await visit.reads("#ready", "1,000 of 1,000");
  assertEquals(await page.locator(".cell").count(), 1_000);
  // Where few shards change, few cells are touched; but for their rates, which have their own time.
  await page.evaluate(`
    globalThis.touched = new Set();
    new MutationObserver((records, observer) => {
      for (const { target } of records) {
        const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
        if (element.closest(".rate") === null) touched.add(element.closest(".cell")?.dataset.id);
      }
    }).observe(grid, { subtree: true, childList: true, attributes: true, characterData: true });
  `);
  for (const shardId of [3, 500, 999]) status.rig.gateway.disconnect(4000, { shardId });
  await visit.until("document.querySelectorAll('.cell .last:not(:empty)').length === 3");
  await visit.reads("#ready", "1,000 of 1,000");
  assertEquals(await page.evaluate("[...touched]"), ["3", "500", "999"]);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const metrics = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value])) as Record<string, number>;
  };
  // A layout that a script asks for in between shows in their number, however fast the machine is.
  await page.evaluate(`
    globalThis.updates = globalThis.rewrites = 0;
    new MutationObserver((records) => {
      updates++;
      rewrites += records.filter(({ target, oldValue }) => oldValue !== null && target.data === oldValue).length;
    }).observe(document.body, {
      subtree: true, childList: true, attributes: true, characterData: true, characterDataOldValue: true,
    });
  `);
  const before = await metrics();
  // Every shard has an event, and then loses its connection.
  for (const { channels } of status.rig.gateway.guilds) {
    status.rig.gateway.user("Ann").says("hi", { channelId: channels[0]?.id });
  }
  await visit.until("updates > 0");
  status.rig.gateway.disconnect(4000);
  await visit.until("document.querySelectorAll('.cell .last:not(:empty)').length === 1000");
  await visit.reads("#ready", "1,000 of 1,000");
  const after = await metrics();
  const [updates, rewrites] = await page.evaluate("[updates, rewrites]") as [number, number];
  const layouts = (after.LayoutCount ?? 0) - (before.LayoutCount ?? 0);
  assertLessOrEqual(layouts, updates);
  assertEquals(rewrites, 0);
  assertStringIncludes(await page.locator("#live").textContent() ?? "", "shards");
  assertEquals(visit.errors, []);
}, ONCE);
