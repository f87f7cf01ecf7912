import { roundTo } from "./history.ts";
import type { ShardRecord } from "./shard_record.ts";
import type { MonitorListener, StatusMonitor } from "./status_monitor.ts";
import { summarize, type Summary } from "./summary.ts";

/** How many may look on at the same time. */
export const MAX_STREAMS = 100;

const encoder = new TextEncoder();

/** What is sent at the beginning, and when there are other shards. */
export function snapshotMessage(monitor: StatusMonitor, summary: Summary): string {
  return message("snapshot", { summary, shards: [...monitor.records.values()] });
}

/**
 * Follows a monitor as server-sent events: a `snapshot`, then `update`s with what has changed since the one before. A
 * reader who is slow misses messages, not changes: at most one message waits for it, and the next one has everything.
 */
export function eventStream(monitor: StatusMonitor): ReadableStream<Uint8Array<ArrayBuffer>> {
  let stream: EventStream | undefined;
  return new ReadableStream({
    start: (controller) => {
      stream = new EventStream(monitor, controller);
    },
    cancel: () => stream?.stop(),
  });
}

class EventStream implements MonitorListener {
  readonly #monitor: StatusMonitor;
  readonly #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  readonly #listening: Disposable;
  /** What was sent last. */
  #revision = -1;
  #summary = "";
  #isStep = false;

  constructor(monitor: StatusMonitor, controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) {
    this.#monitor = monitor;
    this.#controller = controller;
    this.#listening = monitor.listen(this);
    this.onPublish(false, summarize(monitor));
  }

  onPublish(isStep: boolean, summary: Summary): void {
    this.#isStep ||= isStep;
    // It reads more slowly than this is sent.
    if ((this.#controller.desiredSize ?? 0) <= 0) return;
    const text = this.#nextMessage(summary);
    if (text !== null) this.#controller.enqueue(encoder.encode(text));
  }

  onEnd(): void {
    this.stop();
    this.#controller.close();
  }

  /** Sends nothing any more. */
  stop(): void {
    this.#listening[Symbol.dispose]();
  }

  #nextMessage(summary: Summary): string | null {
    const monitor = this.#monitor;
    const before = this.#revision;
    const summaryBefore = this.#summary;
    const isStep = this.#isStep;
    this.#revision = monitor.revision;
    this.#summary = JSON.stringify(summary);
    this.#isStep = false;
    if (before < monitor.generation) return snapshotMessage(monitor, summary);
    const shards: ShardRecord[] = [];
    const rates: Record<number, number> = {};
    for (const [id, record] of monitor.records) {
      if (record.changed > before) shards.push(record);
      else if (record.rateChanged > before) rates[id] = roundTo(record.rate, 10);
    }
    if (!isStep && shards.length === 0 && this.#summary === summaryBefore) return null;
    return message("update", { summary, shards, rates, step: isStep });
  }
}

function message(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
