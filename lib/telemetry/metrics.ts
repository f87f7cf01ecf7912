import type { Attributes, BatchObservableResult, Meter, Observable } from "@opentelemetry/api";
import type { GatewayEvent } from "../gateway_event.ts";
import { identifiesLeft } from "../identify_queue.ts";
import { latencyOf } from "../observation.ts";
import type { Shard } from "../shard.ts";
import type { ShardEvents } from "../shard_events.ts";
import type { ShardManager } from "../shard_manager.ts";
import { errorAttributes, SHARD_ID } from "./attributes.ts";
import { EventCounter } from "./event_counter.ts";
import { Tally } from "./tally.ts";

/** The metrics of a manager. All of them are read when they are collected; what is counted meanwhile is rare. */
export class ManagerMetrics implements Disposable {
  readonly #manager: ShardManager;
  readonly #meter: Meter;
  readonly #attributes: Attributes;
  readonly #events = new EventCounter();
  readonly #missed = new Tally();
  readonly #sessions = new Tally();
  readonly #disconnects = new Tally();
  readonly #listenerErrors = new Tally();
  readonly #instruments;
  readonly #collect = (result: BatchObservableResult): void => this.#observe(result);

  constructor(manager: ShardManager, meter: Meter, attributes: Attributes) {
    this.#manager = manager;
    this.#meter = meter;
    this.#attributes = attributes;
    this.#instruments = instrumentsOf(meter);
    meter.addBatchObservableCallback(this.#collect, Object.values(this.#instruments));
    for (const shard of manager.shards.values()) this.#events.look(shard);
  }

  /** Takes in what a shard, or the manager (`null`), tells about itself. */
  onEvent(shard: Shard | null, { type, detail }: GatewayEvent): void {
    const shardAttributes: Attributes = shard === null ? {} : { [SHARD_ID]: shard.shardId };
    switch (type as keyof ShardEvents) {
      case "ready":
        if (shard !== null) this.#events.begin(shard, (detail as ShardEvents["ready"]).sessionId);
        return this.#sessions.add({ ...shardAttributes, "discord.session.start": "identify" });
      case "resumed":
        return this.#sessions.add({ ...shardAttributes, "discord.session.start": "resume" });
      case "heartbeat":
        // A session that is lost takes its number with it: this bounds what is missed of it.
        if (shard !== null) this.#events.look(shard);
        return;
      case "reconnecting":
        return this.#disconnects.add({
          ...shardAttributes,
          ...errorAttributes((detail as ShardEvents["reconnecting"]).error),
        });
      case "critical":
        return this.#disconnects.add({ ...shardAttributes, ...errorAttributes(detail) });
      case "sequence_gap":
        return this.#missed.add(shardAttributes, (detail as ShardEvents["sequence_gap"]).missed);
      case "listener_error":
        return this.#onListenerError(detail as ShardEvents["listener_error"]);
    }
  }

  /** Ends the collecting. */
  [Symbol.dispose](): void {
    this.#meter.removeBatchObservableCallback(this.#collect, Object.values(this.#instruments));
  }

  #onListenerError({ error, event }: ShardEvents["listener_error"]): void {
    this.#listenerErrors.add({ "discord.event": event.type, ...errorAttributes(error) });
  }

  #observe(result: BatchObservableResult): void {
    const { shards, identifyRateLimiter } = this.#manager;
    const { shardCount, latency, events, missed, sessions, disconnects, listenerErrors, identifies } =
      this.#instruments;
    const observe = (instrument: Observable, value: number, attributes: Attributes = {}) =>
      result.observe(instrument, value, { ...this.#attributes, ...attributes });
    const phases = new Tally();
    for (const shard of shards.values()) {
      const attributes = { [SHARD_ID]: shard.shardId };
      phases.add({ "discord.shard.phase": shard.phase });
      observe(events, this.#events.look(shard), attributes);
      const seconds = latencyOf(shard);
      if (seconds !== null) observe(latency, seconds, attributes);
    }
    for (const { attributes, value } of phases.entries()) observe(shardCount, value, attributes);
    for (
      const [instrument, tally] of [
        [missed, this.#missed],
        [sessions, this.#sessions],
        [disconnects, this.#disconnects],
        [listenerErrors, this.#listenerErrors],
      ] as const
    ) {
      for (const { attributes, value } of tally.entries()) observe(instrument, value, attributes);
    }
    const left = identifiesLeft(identifyRateLimiter);
    if (left !== null) observe(identifies, left);
  }
}

function instrumentsOf(meter: Meter) {
  const counter = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(`discord.gateway.${name}`, { unit, description });
  return {
    shardCount: meter.createObservableUpDownCounter("discord.gateway.shard.count", {
      unit: "{shard}",
      description: "Shards of this process, by what they are doing",
    }),
    latency: meter.createObservableGauge("discord.gateway.latency", {
      unit: "s",
      description: "From the last heartbeat to its acknowledgement",
    }),
    identifies: meter.createObservableGauge("discord.gateway.identifies.remaining", {
      unit: "{identify}",
      description: "Identifies left until the budget is renewed",
    }),
    events: counter("events", "{event}", "Dispatches received"),
    missed: counter("events.missed", "{event}", "Sequence numbers that were skipped"),
    sessions: counter("sessions", "{session}", "Sessions that were begun or resumed"),
    disconnects: counter(
      "disconnects",
      "{disconnect}",
      "Connections, and attempts at one, that came to an unwanted end",
    ),
    listenerErrors: counter("listener.errors", "{error}", "Listeners that threw or rejected"),
  };
}
