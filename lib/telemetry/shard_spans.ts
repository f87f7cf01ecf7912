import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { GatewayEvent } from "../gateway_event.ts";
import type { Shard } from "../shard.ts";
import type { ShardEvents, ShardPhase } from "../shard_events.ts";
import { errorAttributes, SHARD_ID } from "./attributes.ts";

/** Follows the connections of one shard: a span for each, and one inside it for IDENTIFY or RESUME. */
export class ShardSpans implements Disposable {
  readonly #tracer: Tracer;
  readonly #attributes: Attributes;
  #connect: Span | null = null;
  #start: Span | null = null;

  constructor({ shardId, shardCount }: Shard, tracer: Tracer, attributes: Attributes) {
    this.#tracer = tracer;
    this.#attributes = { ...attributes, [SHARD_ID]: shardId, "discord.shard.count": shardCount };
  }

  /** Takes in what the shard tells about itself. */
  onEvent({ type, detail }: GatewayEvent): void {
    if (type === "phase") this.#onPhase((detail as ShardEvents["phase"]).phase);
    else if (type === "reconnecting") this.#end((detail as ShardEvents["reconnecting"]).error);
    else if (type === "critical") this.#end(detail);
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    this.#end(null);
  }

  #onPhase(phase: ShardPhase): void {
    switch (phase) {
      case "connecting":
        this.#end(null);
        this.#connect = this.#tracer.startSpan("discord.gateway.connect", {
          kind: SpanKind.CLIENT,
          attributes: this.#attributes,
        }, ROOT_CONTEXT);
        return;
      case "identifying":
        return this.#onStart("identify");
      case "resuming":
        return this.#onStart("resume");
      case "ready":
        for (const span of [this.#start, this.#connect]) span?.setStatus({ code: SpanStatusCode.OK });
        return this.#end(null);
      case "closed":
        // Not a failure: one comes as an error before.
        return this.#end(null);
    }
  }

  #onStart(how: "identify" | "resume"): void {
    this.#start?.end();
    const parent = this.#connect;
    parent?.setAttribute("discord.session.start", how);
    this.#start = this.#tracer.startSpan(
      `discord.gateway.${how}`,
      { kind: SpanKind.CLIENT, attributes: this.#attributes },
      parent === null ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent),
    );
  }

  #end(error: unknown): void {
    for (const span of [this.#start, this.#connect]) {
      if (span !== null && error !== null) fail(span, error);
      span?.end();
    }
    this.#start = this.#connect = null;
  }
}

/** Says on a span what went wrong. */
export function fail(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.setAttributes(errorAttributes(error));
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
