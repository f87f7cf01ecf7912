/**
 * Looks at a manager as its owner would: metrics are collected all the time, and a browser has the status page open.
 *
 * @module
 */

import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { statusHandler } from "../../../lib/status/mod.ts";
import { instrument } from "../../../lib/telemetry.ts";
import type { ShardManager } from "../../../mod.ts";

/** Often, because a run is short. */
const INTERVAL_MS = 500;

/** Begins to look. */
export function watch(manager: ShardManager): void {
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: INTERVAL_MS,
    exportTimeoutMillis: INTERVAL_MS,
  });
  instrument(manager, { meterProvider: new MeterProvider({ readers: [reader] }) });
  const handler = statusHandler(manager);
  void follow(handler(new Request("http://127.0.0.1/events"), { remoteAddr: { hostname: "127.0.0.1" } }));
}

async function follow(answer: Promise<Response>): Promise<void> {
  const { body, ok, status } = await answer;
  if (!ok || body === null) throw new Error(`The status page answers with ${status}`);
  for await (const _part of body);
}
