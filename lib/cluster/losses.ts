import type { Session } from "../session_store.ts";
import type { Shard } from "../shard.ts";
import type { EventsLostData } from "./cluster_events.ts";
import type { EventPlace } from "./names.ts";

/** Notices what nobody will ever receive, and tells. */
export class Losses {
  readonly #tell: (lost: EventsLostData) => void;
  /** The newest place of each shard that is known: what comes in another session follows a gap. */
  readonly #places = new Map<number, EventPlace>();

  /** Tells of each loss once. */
  constructor(tell: (lost: EventsLostData) => void) {
    this.#tell = tell;
  }

  /** A session is about to be resumed. */
  resume({ shardId, id, sequence }: Session): void {
    this.#places.set(shardId, { sessionId: id, sequence });
  }

  /** A dispatch came; where it is of another session, the one before could not be resumed. */
  see(shardId: number, place: EventPlace): void {
    const before = this.#places.get(shardId);
    this.#places.set(shardId, place);
    if (before === undefined || before.sessionId === place.sessionId) return;
    this.#tell({
      shardId,
      missed: null,
      reason: `Session ${before.sessionId} could not be resumed after sequence ${before.sequence}`,
    });
  }

  /** Sequence numbers were left out. */
  gap(shard: Shard, missed: number): void {
    // RESUMED has a number, and no replay brings it again.
    const lost = shard.phase === "resuming" ? missed - 1 : missed;
    if (lost < 1) return;
    this.#tell({ shardId: shard.shardId, missed: lost, reason: "The gateway left sequence numbers out" });
  }

  /** An event is too large for NATS. */
  tooLarge(messageId: string, bytes: number): void {
    this.#tell({
      shardId: null,
      missed: 1,
      reason: `Event ${messageId} has ${bytes} bytes when compressed, which NATS does not accept`,
    });
  }
}
