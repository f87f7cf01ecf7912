import type { GatewayError } from "./errors.ts";
import type { IdentifyLimited } from "./identify_queue.ts";
import type { ListenerErrorData } from "./listener_error.ts";
import type { SentPayload } from "./payload.ts";

/**
 * What a shard is doing:
 *
 * - `idle`: it was never connected;
 * - `waiting`: it needs to identify and waits for its turn;
 * - `connecting`: it opens a connection, or waits for the gateway's HELLO;
 * - `identifying`, `resuming`: it has sent one or the other and waits for the answer;
 * - `ready`: it is usable;
 * - `backing_off`: it waits before it connects again;
 * - `closed`: it was closed, or failed for good.
 */
export type ShardPhase =
  | "idle"
  | "waiting"
  | "connecting"
  | "identifying"
  | "resuming"
  | "ready"
  | "backing_off"
  | "closed";

/** Data of `reconnecting`. */
export interface ReconnectingData {
  /** How many connections ended since one was last usable for half a minute, from 1; of a manager: how many requests. */
  attempt: number;
  /** How long until the next one, in milliseconds; waiting for a turn to identify comes on top. */
  delayMs: number;
  /** Why the last one ended. */
  error: GatewayError;
}

/** Data of `rescaling`. */
export interface RescalingData {
  /** How many shards there are to be. */
  shardCount: number;
  /** Those that this manager is to run; until they take over they are among its `pendingShards`. */
  shardIds: number[];
}

/** Data of `rescaled`. */
export interface RescaledData {
  /** How many shards there are now. */
  shardCount: number;
  /** Those that this manager runs. */
  shardIds: number[];
  /** Events that came from both sets of shards and were delivered once. */
  matched: number;
  /** Events of the overlap that only one of the sets received. They were delivered. */
  unmatched: number;
}

/** What a shard tells about itself on its `dispatcher`, by name. */
export interface ShardEvents {
  /** It cannot go on, and will not try again. */
  critical: Error;
  /** A connection ended that was not meant to: the close code, or `null` where the gateway gave none. */
  disconnect: number | null;
  /** `close()` was called: whether the session was ended as well. */
  client_disconnect: boolean;
  /** A payload was sent. IDENTIFY and RESUME come without their token. */
  sent: SentPayload;
  /** A new session began. */
  ready: { sessionId: string };
  /** A session goes on; all that was missed has been delivered. */
  resumed: { sessionId: string };
  /**
   * The next connection is about to be tried. From the manager itself (`event.shardId` is `null`): it asks
   * `GET /gateway/bot`, without which nobody can connect, and has to ask again.
   */
  reconnecting: ReconnectingData;
  /** A listener failed. */
  listener_error: ListenerErrorData;
  /** `rescaleShards` has made the new shards, none of which has connected yet. */
  rescaling: RescalingData;
  /** `rescaleShards` has finished. */
  rescaled: RescaledData;
  /** The shard does something else now. */
  phase: { phase: ShardPhase; previous: ShardPhase };
  /** The gateway acknowledged a heartbeat: the round trip, in seconds. */
  heartbeat: { latency: number };
  /** A heartbeat was late, because the process was blocked or asleep: by how much, in milliseconds. */
  lag: { lagMs: number };
  /** Sequence numbers were skipped: dispatches that the gateway did not deliver. */
  sequence_gap: { sequence: number; missed: number };
  /** The day's identifies are used up, or only the reserve is left: nobody identifies before the renewal. */
  identify_limited: IdentifyLimited;
  /** The session store failed. The shard goes on. */
  session_store_error: { error: unknown };
}
