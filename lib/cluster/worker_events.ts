import type { ListenerErrorData } from "../listener_error.ts";

/** Which event something is about. */
export interface WorkerEventData {
  /** The event's name. */
  type: string;
  /** The shard it came from. */
  shardId: number;
  /** `<session>:<sequence>` */
  messageId: string;
  /** How often it was delivered, this time included. */
  deliveries: number;
}

/** What a {@linkcode ClusterWorker} tells about itself on its `dispatcher`, by name. */
export interface ClusterWorkerEvents {
  /** A listener failed; the event will be delivered again. */
  event_failed: WorkerEventData & { error: unknown };
  /** An event has failed as often as it may, or ended two workers that tried it alone, and went to the dead letters. */
  dead_letter: WorkerEventData & { error: unknown };
  /** A listener failed: what it threw, with the event it was called with. */
  listener_error: ListenerErrorData;
  /** NATS did not do what was asked. It is tried again. */
  cluster_error: { error: unknown };
}
