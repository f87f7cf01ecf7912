import type { Session } from "../session_store.ts";
import type { Shard } from "../shard.ts";
import type { Board } from "./board.ts";
import type { EventsLostData } from "./cluster_events.ts";
import type { EventPlace } from "./names.ts";

/** What a cluster has lost since it began, as it is on the board. */
export interface ClusterLosses {
  /** How often events were lost. */
  readonly times: number;
  /** How many events that were, at least: how many a session has missed that could not be resumed nobody knows. */
  readonly events: number;
}

/** The key of what was lost. */
const LOSSES_KEY = "losses";

/** What the cluster has lost. */
export function lossesOf(board: Board): ClusterLosses {
  return board.get<ClusterLosses>(LOSSES_KEY) ?? { times: 0, events: 0 };
}

/** Counts what a node notices, on the board: the count outlives the node. */
export class LossCount {
  readonly #board: Board;
  #times = 0;
  #events = 0;

  /** Counts on a board. */
  constructor(board: Board) {
    this.#board = board;
  }

  /** Takes in a loss. */
  add({ missed }: EventsLostData): void {
    this.#times++;
    this.#events += missed ?? 0;
  }

  /** Adds to what is on the board. */
  async store(): Promise<void> {
    while (this.#times > 0) {
      const [newTimes, newEvents] = [this.#times, this.#events];
      const { times, events } = lossesOf(this.#board);
      if (!await this.#board.write(LOSSES_KEY, { times: times + newTimes, events: events + newEvents })) continue;
      this.#times -= newTimes;
      this.#events -= newEvents;
    }
  }
}

/** Notices what nobody will ever receive, and tells. */
export class Losses {
  readonly #tell: (lost: EventsLostData) => void;
  /** The newest place of each shard that is known: what comes in another session follows a gap. */
  readonly #places = new Map<number, EventPlace>();

  /** Tells of each loss once. */
  constructor(tell: (lost: EventsLostData) => void) {
    this.#tell = tell;
  }

  /** How far each shard is, as of now. */
  get places(): ReadonlyMap<number, EventPlace> {
    return new Map(this.#places);
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
