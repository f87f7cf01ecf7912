/**
 * Shows a bot's shards to OpenTelemetry: metrics and spans, on whatever SDK is set up. On Deno that is `OTEL_DENO=true`;
 * elsewhere any SDK for JavaScript that registers itself, or one that is given.
 *
 * ```sh
 * OTEL_DENO=true deno run -A bot.ts
 * ```
 *
 * Metrics, all of them read at the moment of collection:
 *
 * | name                                   | kind            | unit           | attributes                           |
 * | -------------------------------------- | --------------- | -------------- | ------------------------------------ |
 * | `discord.gateway.shard.count`          | up-down counter | `{shard}`      | `discord.shard.phase`                |
 * | `discord.gateway.latency`              | gauge           | `s`            | shard                                |
 * | `discord.gateway.events`               | counter         | `{event}`      | shard                                |
 * | `discord.gateway.events.missed`        | counter         | `{event}`      | shard                                |
 * | `discord.gateway.sessions`             | counter         | `{session}`    | shard, `discord.session.start`       |
 * | `discord.gateway.disconnects`          | counter         | `{disconnect}` | shard, `error.type`, `discord.close_code` |
 * | `discord.gateway.listener.errors`      | counter         | `{error}`      | `discord.event`, `error.type`        |
 * | `discord.gateway.identifies.remaining` | gauge           | `{identify}`   |                                      |
 *
 * "shard" is `discord.shard.id`; `discord.session.start` is `identify` or `resume`.
 *
 * Spans: `discord.gateway.connect` from the handshake until the shard is usable, in it `discord.gateway.identify` or
 * `discord.gateway.resume`, and `discord.gateway.rescale`. One that failed has the status ERROR, the error as an exception
 * event, and its `error.type`.
 *
 * Nothing is added to the path of events: they are counted by the numbers that the gateway gives them. Of a session that is
 * lost, what came after its last heartbeat or collection is not counted. There is neither a token nor the content of any
 * event in what is exported.
 *
 * @example With an SDK of one's own
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { instrument } from "@gangway/gateway/telemetry";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
 * import { assertEquals } from "@std/assert";
 *
 * const exporter = new InMemorySpanExporter();
 * const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * await using manager = new ShardManager(new BotAuthentication(discord.token), GatewayIntent.Guilds, httpClient);
 * using _telemetry = instrument(manager, { tracerProvider });
 * await manager.connect();
 * await manager.eventDispatcher.waitFor("GUILD_CREATE");
 * await tracerProvider.forceFlush();
 * const names = exporter.getFinishedSpans().map(({ name }) => name);
 * assertEquals(names, ["discord.gateway.identify", "discord.gateway.connect"]);
 * ```
 *
 * @module
 */
import {
  type Attributes as ApiAttributes,
  type MeterProvider as ApiMeterProvider,
  metrics,
  trace,
  type TracerProvider as ApiTracerProvider,
} from "@opentelemetry/api";
import { GatewayError } from "./errors.ts";
import type { GatewayEvent } from "./gateway_event.ts";
import type { Shard } from "./shard.ts";
import type { ShardManager } from "./shard_manager.ts";
import { ManagerMetrics } from "./telemetry/metrics.ts";
import { ManagerSpans } from "./telemetry/manager_spans.ts";
import { VERSION } from "./version.ts";

/** What OpenTelemetry calls attributes. */
export type Attributes = ApiAttributes;

/** Where metrics go. */
export type MeterProvider = ApiMeterProvider;

/** Where spans go. */
export type TracerProvider = ApiTracerProvider;

/** Options of {@linkcode instrument}. */
export interface InstrumentOptions {
  /** Added to every metric and every span, such as the bot's name where there are several. */
  attributes?: Attributes;
  /**
   * Where metrics go.
   *
   * @default The one that is registered when `instrument` is called.
   */
  meterProvider?: MeterProvider;
  /**
   * Where spans go.
   *
   * @default The one that is registered.
   */
  tracerProvider?: TracerProvider;
}

const NAME = "@gangway/gateway";

/**
 * Shows a manager's shards to OpenTelemetry, from now on until what it returns is disposed. The SDK is to be set up before.
 *
 * @param manager Need not be connected yet.
 * @returns What ends it when disposed; spans that are under way end with it.
 *
 * @example On Deno's own export, or on what another SDK has registered
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { instrument } from "@gangway/gateway/telemetry";
 *
 * const manager = new ShardManager(new BotAuthentication("token"), GatewayIntent.Guilds, new HTTPClient());
 * using _telemetry = instrument(manager, { attributes: { "service.instance.id": "bot-1" } });
 * ```
 */
export function instrument(manager: ShardManager, options: InstrumentOptions = {}): Disposable {
  const { attributes = {}, meterProvider = metrics, tracerProvider = trace } = options;
  const listening = new AbortController();
  const { signal } = listening;
  const measured = new ManagerMetrics(manager, meterProvider.getMeter(NAME, VERSION), attributes);
  const spans = new ManagerSpans(manager, tracerProvider.getTracer(NAME, VERSION), attributes);
  const hear = (shard: Shard | null, event: GatewayEvent) => {
    measured.onEvent(shard, event);
    spans.onEvent(shard, event);
  };
  let following: AbortController | null = null;
  // Not by names: who listens to `critical` and `listener_error` is taken for somebody who deals with them.
  manager.dispatcher.listenAll((event) => {
    const shard = event.shardId === null ? null : manager.shards.get(event.shardId) ?? null;
    if (shard !== null || event.shardId === null) hear(shard, event);
    if (event.type !== "rescaling" && event.type !== "rescaled") return;
    following?.abort();
    following = event.type === "rescaled"
      ? null
      : followRescale(manager, hear, (error) => spans.onRescaleFailure(error));
  }, { signal });
  return {
    [Symbol.dispose]: () => {
      listening.abort();
      following?.abort();
      measured[Symbol.dispose]();
      spans[Symbol.dispose]();
    },
  };
}

/** Follows the shards of a rescale until they take over or are given up: up to then the manager hears nothing of them. */
function followRescale(
  manager: ShardManager,
  hear: (shard: Shard, event: GatewayEvent) => void,
  onFailure: (error: Error) => void,
): AbortController {
  const following = new AbortController();
  const { signal } = following;
  const isIncoming = (shard: Shard) => manager.shards.get(shard.shardId) !== shard;
  const incoming = manager.pendingShards.filter(isIncoming);
  for (const shard of incoming) {
    shard.dispatcher.listenAll((event) => {
      if (!isIncoming(shard)) return following.abort();
      hear(shard, event);
      if (incoming.some(({ phase }) => phase !== "closed")) return;
      following.abort();
      void reasonOf(incoming).then(onFailure);
    }, { signal });
  }
  return following;
}

/** Why shards were given up: the first critical error of one. */
async function reasonOf(shards: readonly Shard[]): Promise<Error> {
  // `closed` would tell as well, but who asks for it is taken for somebody who deals with what it rejects with.
  const ends = await Promise.allSettled(shards.map(({ ready }) => ready));
  const reasons = ends.map((end) => end.status === "rejected" ? end.reason : undefined);
  return reasons.find((reason) => reason instanceof GatewayError) ?? new Error("The rescale was called off");
}
