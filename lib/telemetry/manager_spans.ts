import type { Attributes, Tracer } from "@opentelemetry/api";
import type { GatewayEvent } from "../gateway_event.ts";
import type { Shard } from "../shard.ts";
import type { ShardEvents } from "../shard_events.ts";
import type { ShardManager } from "../shard_manager.ts";
import { RescaleSpan } from "./rescale_span.ts";
import { ShardSpans } from "./shard_spans.ts";

/** The spans of a manager. */
export class ManagerSpans implements Disposable {
  readonly #manager: ShardManager;
  readonly #tracer: Tracer;
  readonly #attributes: Attributes;
  readonly #shards = new Map<Shard, ShardSpans>();
  #rescale: RescaleSpan | null = null;

  constructor(manager: ShardManager, tracer: Tracer, attributes: Attributes) {
    this.#manager = manager;
    this.#tracer = tracer;
    this.#attributes = attributes;
  }

  /** Takes in what a shard, or the manager (`null`), tells about itself. */
  onEvent(shard: Shard | null, event: GatewayEvent): void {
    if (shard !== null) return this.#spansOf(shard).onEvent(event);
    if (event.type === "rescaling") {
      const data = event.detail as ShardEvents["rescaling"];
      this.#rescale = new RescaleSpan(this.#tracer, data, this.#manager.shardCount, this.#attributes);
    } else if (event.type === "rescaled") {
      this.#rescale?.succeed(event.detail as ShardEvents["rescaled"]);
      this.#onRescaleEnd();
    }
  }

  /** The shards of a rescale were given up. */
  onRescaleFailure(error: Error): void {
    this.#rescale?.fail(error);
    this.#onRescaleEnd();
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    this.#rescale?.[Symbol.dispose]();
    for (const spans of this.#shards.values()) spans[Symbol.dispose]();
    this.#shards.clear();
  }

  #spansOf(shard: Shard): ShardSpans {
    let spans = this.#shards.get(shard);
    if (spans === undefined) {
      spans = new ShardSpans(shard, this.#tracer, this.#attributes);
      this.#shards.set(shard, spans);
    }
    return spans;
  }

  #onRescaleEnd(): void {
    this.#rescale = null;
    for (const [shard, spans] of this.#shards) {
      if (this.#manager.shards.get(shard.shardId) === shard) continue;
      spans[Symbol.dispose]();
      this.#shards.delete(shard);
    }
  }
}
