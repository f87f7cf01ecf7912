/**
 * Shows what OpenTelemetry gets of a bot, on the console: no collector is needed. Without `DISCORD_TOKEN` the bot runs on a
 * Discord that this process brings along, and ends after a few seconds.
 *
 *     deno run -A examples/telemetry.ts
 *     bun run examples/telemetry.ts
 *
 * Deno exports by itself where it is told to; the SDK is left out then:
 *
 *     OTEL_DENO=true OTEL_EXPORTER_OTLP_PROTOCOL=console deno run -A examples/telemetry.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import { instrument } from "@gangway/gateway/telemetry";
import { LocalGateway } from "@gangway/gateway/testing";
import { metrics, trace } from "@opentelemetry/api";
import { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";

const INTERVAL_MS = 1_000;

/** Sets an SDK up that writes to the console. */
function startSdk(): AsyncDisposable {
  const exporter = new ConsoleMetricExporter();
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: INTERVAL_MS,
    exportTimeoutMillis: INTERVAL_MS,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
  });
  metrics.setGlobalMeterProvider(meterProvider);
  trace.setGlobalTracerProvider(tracerProvider);
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()]);
    },
  };
}

await using cleanup = new AsyncDisposableStack();
if (process.env.OTEL_DENO !== "true") cleanup.use(startSdk());

const { DISCORD_TOKEN, GANGWAY_API_URL } = process.env;
const local = DISCORD_TOKEN ? null : cleanup.use(await LocalGateway.start({ heartbeatIntervalMs: 400 }));
const authentication = new BotAuthentication(DISCORD_TOKEN || `${local?.token}`);
const httpClient = new HTTPClient({ baseUrl: local?.url ?? GANGWAY_API_URL });

const manager = cleanup.use(new ShardManager(authentication, GatewayIntent.Guilds, httpClient));
cleanup.use(instrument(manager, { attributes: { "discord.bot": "telemetry-example" } }));

if (local === null) {
  shutdownOnSignal(manager);
  void manager.connect();
  await manager.closed;
} else {
  await manager.connect();
  await manager.eventDispatcher.waitFor("GUILD_CREATE");
  console.log("Connected; now the connection is lost, and the shard resumes");
  const resumed = manager.dispatcher.waitFor("resumed");
  local.disconnect(4000);
  await resumed;
  await delay(2 * INTERVAL_MS);
}
