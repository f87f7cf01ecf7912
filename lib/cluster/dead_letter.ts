import { jetstream, type JsMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import type { ClusterNames } from "./names.ts";
import type { NatsConnection } from "./nats.ts";
import type { WorkerEventData } from "./worker_events.ts";

/** An event that a group could not handle. */
export interface DeadLetter {
  /** As it came. */
  readonly message: JsMsg;
  /** What it is. */
  readonly data: WorkerEventData;
  /** Whose workers could not handle it. */
  readonly group: string;
  /** Why. */
  readonly error: unknown;
}

/** Puts an event aside for a human, once for each group; resolves when the stream of such events has it. */
export async function bury(
  nats: NatsConnection,
  names: ClusterNames,
  { message, data, group, error }: DeadLetter,
): Promise<void> {
  const fields = headers();
  for (const [name, values] of message.headers ?? []) {
    if (!name.startsWith("Nats-")) fields.set(name, values[0] ?? "");
  }
  fields.set("Gangway-Group", group);
  fields.set("Gangway-Deliveries", String(data.deliveries));
  fields.set("Gangway-Error", String(error).replace(/[\r\n]+/g, " ").slice(0, 300));
  await jetstream(nats).publish(names.dead(data.type, data.shardId), message.data, {
    headers: fields,
    msgID: `${group}:${message.info.stream}:${message.seq}:${message.info.timestampNanos}`,
  });
}
