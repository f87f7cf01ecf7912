import { BotAuthentication, GatewayIntent, HTTPClient, type IdentifyRateLimiter, ShardManager } from "@gangway/gateway";
import { instrument } from "@gangway/gateway/telemetry";
import { LocalGateway, type LocalGatewayOptions } from "@gangway/gateway/testing";
import { SpanStatusCode } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { assert, assertEquals, assertExists, assertGreater, assertStringIncludes } from "@std/assert";
import { test } from "./harness.ts";
import { fakeTime } from "./shard_rig.ts";

/** Collects when it is asked to. */
class OnDemandReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Keeps the spans that have ended; the SDK's own exporter starts a timer for each. */
class FinishedSpans implements SpanProcessor {
  readonly spans: ReadableSpan[] = [];
  #onEnd: (span: ReadableSpan) => void = () => {};

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.spans.push(span);
    this.#onEnd(span);
  }

  /** The next span of a name to end. */
  next(name: string): Promise<ReadableSpan> {
    return new Promise((resolve) => {
      this.#onEnd = (span) => {
        if (span.name === `discord.gateway.${name}`) resolve(span);
      };
    });
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Lets everybody identify, and starts no timer for it. */
const UNLIMITED: IdentifyRateLimiter = {
  acquire: () => Promise.resolve({ sent() {}, [Symbol.dispose]() {} }),
};

/** A bot on a gateway of its own, with SDKs that keep everything in memory. */
class Rig implements AsyncDisposable {
  readonly discord: LocalGateway;
  readonly manager: ShardManager;
  readonly finished = new FinishedSpans();
  readonly reader = new OnDemandReader();
  readonly telemetry: Disposable;

  private constructor(discord: LocalGateway, isLimited: boolean) {
    this.discord = discord;
    const { fetch, createWebSocket, token } = discord;
    const httpClient = new HTTPClient({ fetch, createWebSocket });
    const intents = GatewayIntent.Guilds | GatewayIntent.GuildMessages;
    this.manager = new ShardManager(new BotAuthentication(token), intents, httpClient, {
      // What waits is not what is looked at here.
      ...(isLimited ? {} : { identifyRateLimiter: UNLIMITED }),
      compress: "none",
    });
    this.telemetry = instrument(this.manager, {
      attributes: { bot: "test" },
      meterProvider: new MeterProvider({ readers: [this.reader] }),
      tracerProvider: new BasicTracerProvider({ spanProcessors: [this.finished] }),
    });
  }

  static async start(options: LocalGatewayOptions = {}, isLimited = false): Promise<Rig> {
    return new Rig(await LocalGateway.start({ listen: false, identifyWindowMs: 0, ...options }), isLimited);
  }

  /** Connects; resolves when all guilds have come. */
  async connect(): Promise<void> {
    let left = this.discord.guilds.length;
    const arrived = this.manager.eventDispatcher.waitFor("GUILD_CREATE", () => --left === 0);
    await this.manager.connect();
    await arrived;
  }

  /** The finished spans of a name. */
  named(name: string): ReadableSpan[] {
    return this.finished.spans.filter((span) => span.name === `discord.gateway.${name}`);
  }

  /** The points of a metric: attributes without what all have, and value. */
  async points(name: string): Promise<[Record<string, unknown>, number][]> {
    const { resourceMetrics, errors } = await this.reader.collect();
    assertEquals(errors, []);
    const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    const metric = metrics.find(({ descriptor }) => descriptor.name === `discord.gateway.${name}`);
    return (metric?.dataPoints ?? []).map(({ attributes, value }) => {
      const { bot, ...rest } = attributes;
      assertEquals(bot, "test");
      return [rest, value as number];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.telemetry[Symbol.dispose]();
    await this.manager.close();
    await this.discord[Symbol.asyncDispose]();
  }
}

test("instrument counts what shards receive by their sequence numbers", async () => {
  await using rig = await Rig.start({ shards: 2, guilds: 2, maxConcurrency: 2 }, true);
  const { discord, manager } = rig;
  await rig.connect();
  let left = 10;
  const last = manager.eventDispatcher.waitFor("MESSAGE_CREATE", () => --left === 0);
  for (let index = 0; index < 10; index++) discord.user("Ann").says(`${index}`);
  await last;
  // READY and GUILD_CREATE, and the messages of the first guild.
  assertEquals(await rig.points("events"), [[{ "discord.shard.id": 0 }, 12], [{ "discord.shard.id": 1 }, 2]]);
  assertEquals(await rig.points("shard.count"), [[{ "discord.shard.phase": "ready" }, 2]]);
  assertEquals(await rig.points("sessions"), [
    [{ "discord.shard.id": 0, "discord.session.start": "identify" }, 1],
    [{ "discord.shard.id": 1, "discord.session.start": "identify" }, 1],
  ]);
  assertEquals(await rig.points("identifies.remaining"), [[{}, 998]]);
  assertEquals(await rig.points("disconnects"), []);
});

test("instrument goes on counting across a resume and a new session", async () => {
  using time = fakeTime();
  await using rig = await Rig.start();
  const { discord } = rig;
  await rig.connect();
  await rig.points("events");
  discord.disconnect(4000);
  discord.user("Ann").says("meanwhile");
  await time.pass(5_000);
  // READY, GUILD_CREATE, the message that was missed, RESUMED.
  assertEquals(await rig.points("events"), [[{ "discord.shard.id": 0 }, 4]]);
  discord.invalidateSession(false);
  await time.pass(10_000);
  assertEquals(await rig.points("events"), [[{ "discord.shard.id": 0 }, 6]]);
  assertEquals(await rig.points("sessions"), [
    [{ "discord.shard.id": 0, "discord.session.start": "identify" }, 2],
    [{ "discord.shard.id": 0, "discord.session.start": "resume" }, 1],
  ]);
  const disconnects = await rig.points("disconnects");
  const error = { "discord.shard.id": 0, "error.type": "DisconnectError" };
  assertEquals(disconnects, [[{ ...error, "discord.close_code": 4000 }, 1], [error, 1]]);
});

test("instrument counts from where it began for a bot that runs already", async () => {
  await using rig = await Rig.start();
  const { discord, manager } = rig;
  await rig.connect();
  const reader = new OnDemandReader();
  using _later = instrument(manager, { meterProvider: new MeterProvider({ readers: [reader] }) });
  const created = manager.eventDispatcher.waitFor("MESSAGE_CREATE");
  discord.user("Ann").says("hello");
  await created;
  const { resourceMetrics } = await reader.collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  const events = metrics.find(({ descriptor }) => descriptor.name === "discord.gateway.events");
  assertEquals(events?.dataPoints[0]?.value, 1);
});

test("instrument measures the latency in seconds", async () => {
  await using rig = await Rig.start({ heartbeatIntervalMs: 20 });
  await rig.connect();
  assertEquals(await rig.points("latency"), []);
  await rig.manager.dispatcher.waitFor("heartbeat");
  const [[attributes, seconds] = [{}, 0]] = await rig.points("latency");
  assertEquals(attributes, { "discord.shard.id": 0 });
  assertGreater(seconds, 0);
  assert(seconds < 60);
});

test("instrument shows identify inside of connect, and resume after a lost connection", async () => {
  using time = fakeTime();
  await using rig = await Rig.start();
  await rig.connect();
  const [[identify], [connect]] = [rig.named("identify"), rig.named("connect")];
  assertExists(identify);
  assertExists(connect);
  assertEquals(identify.parentSpanContext?.spanId, connect.spanContext().spanId);
  assertEquals(connect.parentSpanContext, undefined);
  assertEquals([identify, connect].map(({ status }) => status.code), [SpanStatusCode.OK, SpanStatusCode.OK]);
  assertEquals(connect.attributes, {
    bot: "test",
    "discord.shard.id": 0,
    "discord.shard.count": 1,
    "discord.session.start": "identify",
  });
  rig.discord.disconnect(4000);
  await time.pass(5_000);
  assertEquals(rig.named("resume").length, 1);
  assertEquals(rig.named("connect").map(({ attributes }) => attributes["discord.session.start"]), [
    "identify",
    "resume",
  ]);
});

test("instrument shows why a connection failed, as a status, an exception and attributes", async () => {
  await using rig = await Rig.start({ allowedIntents: GatewayIntent.Guilds });
  rig.manager.closed.catch(() => {});
  await rig.manager.connect().catch(() => {});
  await rig.manager.closed.catch(() => {});
  const [identify] = rig.named("identify");
  const [connect] = rig.named("connect");
  for (const span of [identify, connect]) {
    assertExists(span);
    assertEquals(span.status.code, SpanStatusCode.ERROR);
    assertStringIncludes(span.status.message ?? "", "privileged intent");
    assertEquals(span.attributes["error.type"], "DisallowedIntentsError");
    assertEquals(span.attributes["discord.close_code"], 4014);
    assertEquals(span.events.map(({ name }) => name), ["exception"]);
  }
  assertEquals(await rig.points("disconnects"), [
    [{ "discord.shard.id": 0, "error.type": "DisallowedIntentsError", "discord.close_code": 4014 }, 1],
  ]);
  const exported = JSON.stringify(
    rig.finished.spans.map(({ attributes, events, status }) => ({
      attributes,
      events,
      status,
    })),
  );
  assertEquals(exported.includes(rig.discord.token), false);
});

test("instrument counts failed listeners, and leaves them to be printed where nobody else takes them", async () => {
  await using rig = await Rig.start();
  const { dispatcher, eventDispatcher } = rig.manager;
  assertEquals(dispatcher.hasNamedListeners("listener_error"), false);
  assertEquals(dispatcher.hasNamedListeners("critical"), false);
  dispatcher.listen("listener_error", () => {});
  eventDispatcher.listen("MESSAGE_CREATE", () => {
    throw new TypeError("on purpose");
  });
  await rig.connect();
  const created = eventDispatcher.waitFor("MESSAGE_CREATE");
  rig.discord.user("Ann").says("hello");
  await created;
  assertEquals(await rig.points("listener.errors"), [
    [{ "discord.event": "MESSAGE_CREATE", "error.type": "TypeError" }, 1],
  ]);
});

test("instrument shows a rescale with the connections of the new shards", async () => {
  using time = fakeTime();
  await using rig = await Rig.start({ guilds: 2 });
  await rig.connect();
  const rescaled = rig.manager.rescaleShards(2);
  await time.pass(20_000);
  await rescaled;
  const [rescale] = rig.named("rescale");
  assertExists(rescale);
  assertEquals(rescale.status.code, SpanStatusCode.OK);
  assertEquals(rescale.attributes["discord.shard.count"], 2);
  assertEquals(rescale.attributes["discord.shard.count.previous"], 1);
  assertEquals(rig.named("connect").map(({ attributes }) => attributes["discord.shard.count"]), [1, 2, 2]);
  assertEquals((await rig.points("events")).map(([{ "discord.shard.id": id }]) => id), [0, 1]);
  assertEquals(await rig.points("shard.count"), [[{ "discord.shard.phase": "ready" }, 2]]);
  rig.discord.disconnect(4000, { shardId: 1 });
  await time.pass(5_000);
  assertEquals(rig.named("resume").length, 1);
});

test("instrument shows a rescale that was called off as failed", async () => {
  await using rig = await Rig.start();
  await rig.connect();
  const controller = new AbortController();
  rig.discord.withholdReady();
  let left = 2;
  const identified = rig.discord.next("identify", () => --left === 0);
  const rescaled = rig.manager.rescaleShards(2, undefined, { signal: controller.signal });
  rescaled.catch(() => {});
  await identified;
  const ended = rig.finished.next("rescale");
  controller.abort();
  const { status } = await ended;
  assertEquals(status, { code: SpanStatusCode.ERROR, message: "The rescale was called off" });
  assertEquals(rig.named("connect").length, 3);
  assertEquals(await rig.points("shard.count"), [[{ "discord.shard.phase": "ready" }, 1]]);
});

test("instrument shows why a rescale failed", async () => {
  await using rig = await Rig.start();
  await rig.connect();
  rig.discord.setAllowedIntents(0);
  const ended = rig.finished.next("rescale");
  const given = rig.manager.dispatcher.waitFor("rescaling").then(() => rig.manager.pendingShards.slice(-2));
  rig.manager.rescaleShards(2).catch(() => {});
  const { status, attributes } = await ended;
  assertEquals(status.code, SpanStatusCode.ERROR);
  assertEquals(attributes["error.type"], "DisallowedIntentsError");
  // Nothing is kept of the shards that were given up.
  assertEquals((await given).map(({ dispatcher }) => dispatcher.hasListeners("phase")), [false, false]);
});

test("instrument ends with what is under way when it is disposed", async () => {
  await using rig = await Rig.start();
  const { discord, manager } = rig;
  discord.withholdReady();
  const identified = discord.next("identify");
  await manager.connect();
  await identified;
  rig.telemetry[Symbol.dispose]();
  assertEquals(rig.named("connect").length, 1);
  discord.withholdReady(false);
  await manager.shards.get(0)?.ready;
  assertEquals(rig.named("connect").length, 1);
  assertEquals(await rig.points("shard.count"), []);
  assertEquals(manager.dispatcher.hasListeners("phase"), false);
});

test("instrument listens to no event of the gateway's", async () => {
  await using rig = await Rig.start();
  const { eventDispatcher, rawDispatcher } = rig.manager;
  for (const name of ["READY", "GUILD_CREATE", "MESSAGE_CREATE"]) {
    assertEquals(eventDispatcher.hasListeners(name), false);
  }
  for (const opcode of [0, 1, 11]) assertEquals(rawDispatcher.hasListeners(opcode), false);
});

test("instrument does nothing that shows without an SDK", async () => {
  await using discord = await LocalGateway.start({ listen: false });
  const { fetch, createWebSocket, token } = discord;
  const httpClient = new HTTPClient({ fetch, createWebSocket });
  await using manager = new ShardManager(new BotAuthentication(token), GatewayIntent.Guilds, httpClient);
  using telemetry = instrument(manager);
  await manager.connect();
  await manager.shards.get(0)?.ready;
  telemetry[Symbol.dispose]();
});
