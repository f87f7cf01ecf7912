import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
import { advance, LocalGateway } from "@gangway/gateway/testing";
import FakeTimers from "@sinonjs/fake-timers";
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "./harness.ts";

interface Clock extends Disposable {
  tick(ms: number): unknown;
}

/** No more than what fake clocks have in common. */
function fakeClock(): Clock {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return { tick: (ms) => clock.tick(ms), [Symbol.dispose]: () => clock.uninstall() };
}

test("advance lets timers that are set after promises settled fire in their turn", async () => {
  using clock = fakeClock();
  const seen: number[] = [];
  const start = Date.now();
  const work = (async () => {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      for (let turn = 0; turn < 20; turn++) await null;
      seen.push(Date.now() - start);
    }
  })();
  await advance(clock.tick, 2500);
  assertEquals(seen, [1000, 2000]);
  await advance(clock.tick, 450, { stepMs: 200 });
  assertEquals([seen.length, Date.now() - start], [2, 2950]);
  await advance(clock.tick, 50);
  await work;
  assertEquals(seen, [1000, 2000, 3000]);
});

test("advance waits for clocks that are asynchronous, and takes 0", async () => {
  const steps: number[] = [];
  const tick = async (ms: number) => {
    await null;
    steps.push(ms);
  };
  await advance(tick, 0);
  await advance(tick, 250);
  assertEquals(steps, [100, 100, 50]);
});

test("advance refuses times that are none", async () => {
  for (const ms of [-1, NaN, Infinity]) await assertRejects(() => advance(() => {}, ms), RangeError);
  for (const stepMs of [0, -1, NaN]) await assertRejects(() => advance(() => {}, 1, { stepMs }), RangeError);
});

test("advance drives a whole bot: reminders, heartbeats and a zombie connection", async () => {
  using clock = fakeClock();
  await using gateway = new LocalGateway();
  const authentication = new BotAuthentication(gateway.token);
  const { url: baseUrl, fetch, createWebSocket } = gateway;
  const httpClient = new HTTPClient({ baseUrl, fetch, createWebSocket });
  const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
  const bot = new ShardManager(authentication, intents, httpClient, { compress: "none" });
  bot.eventDispatcher.listen("MESSAGE_CREATE", ({ content, channel_id }) => {
    if (content !== "remind me") return;
    setTimeout(() => void httpClient.createMessage(authentication, channel_id, { content: "now" }), 60_000);
  });
  await bot.connect();
  await bot.eventDispatcher.waitFor("READY");
  gateway.user("Ann").says("remind me");
  await advance(clock.tick, 59_900);
  assertEquals(gateway.messages.length, 0);
  await advance(clock.tick, 200);
  assertEquals((await gateway.reply()).content, "now");
  gateway.withholdAcks();
  const resumed = gateway.next("resume");
  await advance(clock.tick, 130_000, { stepMs: 500 });
  assertEquals((await resumed).outcome, "resumed");
  await bot.close();
  assertEquals(gateway.violations, []);
});

test("LocalGateway takes no first answer after 3 seconds, and none at all after 15 minutes", async () => {
  using clock = fakeClock();
  await using gateway = new LocalGateway();
  const headers = { authorization: `Bot ${gateway.token}`, "user-agent": "DiscordBot (https://example.com, 1)" };
  const post = async (path: string, body: unknown) => {
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return (await gateway.fetch(`${gateway.url}${path}`, init)).status;
  };
  const late = gateway.user("Ann").uses("late");
  const early = gateway.user("Ann").uses("early");
  clock.tick(3000);
  assertEquals(await post(`/interactions/${early.id}/${early.token}/callback`, { type: 5 }), 204);
  clock.tick(1);
  assertEquals(await post(`/interactions/${late.id}/${late.token}/callback`, { type: 5 }), 404);
  clock.tick(896_999);
  const webhook = `/webhooks/${early.application_id}/${early.token}`;
  assertEquals(await post(webhook, { content: "just" }), 200);
  clock.tick(1);
  assertEquals(await post(webhook, { content: "gone" }), 401);
});
