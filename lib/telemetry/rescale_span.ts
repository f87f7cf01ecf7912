import { type Attributes, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { RescaledData, RescalingData } from "../shard_events.ts";
import { fail } from "./shard_spans.ts";

/** The span of one rescale, from its first new shard to the end of the last old one. */
export class RescaleSpan implements Disposable {
  readonly #span: Span;

  constructor(tracer: Tracer, { shardCount, shardIds }: RescalingData, from: number | null, attributes: Attributes) {
    this.#span = tracer.startSpan("discord.gateway.rescale", {
      kind: SpanKind.INTERNAL,
      attributes: {
        ...attributes,
        "discord.shard.count": shardCount,
        "discord.shard.count.previous": from ?? 0,
        "discord.shard.ids": [...shardIds],
      },
    }, ROOT_CONTEXT);
  }

  /** The new shards have taken over. */
  succeed({ matched, unmatched }: RescaledData): void {
    this.#span.setAttributes({ "discord.rescale.matched": matched, "discord.rescale.unmatched": unmatched });
    this.#span.setStatus({ code: SpanStatusCode.OK });
    this.#span.end();
  }

  /** The old shards go on. */
  fail(error: Error): void {
    fail(this.#span, error);
    this.#span.end();
  }

  /** Ends it without a word; without effect on one that has ended. */
  [Symbol.dispose](): void {
    if (this.#span.isRecording()) this.#span.end();
  }
}
