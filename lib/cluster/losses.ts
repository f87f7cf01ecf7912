import { delay } from "../delay.ts";
import { type Session, sessionKeyOf } from "../session_store.ts";
import type { Shard } from "../shard.ts";
import type { Board } from "./board.ts";
import type { EventsLostData } from "./cluster_events.ts";
import { type EventPlace, type EventSubject, parseEventSubject, parseMessageId } from "./names.ts";

/** What a cluster has lost since it began, as it is on the board. */
export interface ClusterLosses {
  /** How often events were lost. */
  readonly times: number;
  /** How many events that were, at least: how many a session has missed that could not be resumed nobody knows. */
  readonly events: number;
}

/** What a shard has lost. */
interface ShardLosses extends ClusterLosses {
  /** Up to where that is counted: whoever takes over meets the same loss again. */
  readonly upTo: EventPlace;
  /** Who counted last, and which of its losses that was. */
  readonly by?: { readonly run: string; readonly count: number };
}

/** What the keys of losses begin with. */
const LOSSES_PREFIX = "losses.";

/** Behind every sequence number of a session. */
const SESSION_END = Number.MAX_SAFE_INTEGER;

/** How long to wait before a loss is written down again, in milliseconds. */
const RETRY_MS = 250;

/** What the cluster has lost. */
export function lossesOf(board: Board): ClusterLosses {
  let [times, events] = [0, 0];
  for (const [, losses] of board.under<ClusterLosses>(LOSSES_PREFIX)) {
    times += losses.times;
    events += losses.events;
  }
  return { times, events };
}

/** Options of a {@linkcode LossCount}. */
export interface LossCountOptions {
  /** Where it counts. */
  board: Board;
  /** How many shards there are. */
  shardCount: number;
  /** Told of a write that failed, which is tried again. */
  onError: (error: unknown) => void;
}

/** Counts the losses that the owner of a lease meets on the board, where the count outlives the node. */
export class LossCount {
  readonly #options: LossCountOptions;
  readonly #run = crypto.randomUUID();
  #count = 0;
  /** One at a time for each shard: a write that failed may have come through, and is not found behind another. */
  readonly #last = new Map<number, Promise<void>>();
  /** Up to where others have counted. */
  readonly #counted = new Map<number, EventPlace>();
  /** The sessions that had others after them. */
  readonly #ended = new Set<string>();

  /** Counts on a board. */
  constructor(options: LossCountOptions) {
    this.#options = options;
  }

  /**
   * Counts a loss, unless an owner before has counted it or what is further on: of what that one had received and not
   * published, an event that is too large is not counted then. Resolves when it is on the board; rejects once the signal
   * aborts.
   */
  add(loss: Loss, signal: AbortSignal): Promise<void> {
    const count = ++this.#count;
    const last = this.#last.get(loss.shardId) ?? Promise.resolve();
    const added = last.then(() => this.#add(loss, count, signal));
    this.#last.set(loss.shardId, added.catch(() => {}));
    return added;
  }

  async #add(loss: Loss, count: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      try {
        if (await this.#write(loss, count)) return;
      } catch (error) {
        this.#options.onError(error);
        await delay(RETRY_MS, { signal });
      }
    }
  }

  async #write({ shardId, missed, upTo }: Loss, count: number): Promise<boolean> {
    const { board, shardCount } = this.#options;
    const key = LOSSES_PREFIX + sessionKeyOf(shardId, shardCount);
    const before = board.get<ShardLosses>(key);
    const isOurs = before?.by?.run === this.#run;
    if (isOurs && (before?.by?.count ?? 0) >= count) return true;
    if (!isOurs && before !== undefined) this.#counted.set(shardId, before.upTo);
    if (isWithin(upTo, this.#counted.get(shardId))) return true;
    const { times, events } = before ?? { times: 0, events: 0 };
    const next: ShardLosses = {
      times: times + 1,
      events: events + (missed ?? 0),
      upTo: isOurs && this.#isBehind(upTo, before.upTo) ? before.upTo : upTo,
      by: { run: this.#run, count },
    };
    if (!await board.write(key, next)) return false;
    if (upTo.sequence === SESSION_END) this.#ended.add(upTo.sessionId);
    return true;
  }

  /** An event that is too large is found to be so when others behind it, also of the next session, may be counted. */
  #isBehind(place: EventPlace, bound: EventPlace): boolean {
    return isWithin(place, bound) || (place.sessionId !== bound.sessionId && this.#ended.has(place.sessionId));
  }
}

function isWithin(place: EventPlace, bound: EventPlace | undefined): boolean {
  return bound?.sessionId === place.sessionId && bound.sequence >= place.sequence;
}

/** A loss, and where in the life of the shard it is. */
export interface Loss extends EventsLostData {
  /** Everything up to there has come, or is lost. */
  readonly upTo: EventPlace;
}

/** Options of {@linkcode Losses}. */
export interface LossesOptions {
  /** Told of each loss. */
  tell: (lost: EventsLostData) => void;
  /** Writes a loss down, for good; rejects when that is somebody else's to do. */
  count: (loss: Loss) => Promise<void>;
  /** Called when all losses are written down. */
  onCounted: () => void;
}

/**
 * Notices what nobody will ever receive, and tells. As long as a loss is not counted, nothing that follows it may be
 * published or stored: if the node dies before, whoever takes over has to notice it as well.
 */
export class Losses {
  readonly #options: LossesOptions;
  /** The newest place of each shard that is known: what comes in another session follows a gap. */
  readonly #places = new Map<number, EventPlace>();
  #counted: Promise<void> = Promise.resolve();
  #uncounted = 0;

  /** Tells of each loss once. */
  constructor(options: LossesOptions) {
    this.#options = options;
  }

  /** How far each shard is, as of now. */
  get places(): ReadonlyMap<number, EventPlace> {
    return new Map(this.#places);
  }

  /** Whether all losses are written down. */
  get isCounted(): boolean {
    return this.#uncounted === 0;
  }

  /** Resolves when all losses are written down that there have been; rejects where they will not be. */
  get counted(): Promise<void> {
    return this.#counted;
  }

  /** A session was found, which is to be resumed or could not be. */
  find({ shardId, id, sequence }: Session): void {
    this.#places.set(shardId, { sessionId: id, sequence });
  }

  /**
   * A dispatch came; where it is of another session, the one before could not be resumed. That is no loss (`isOurs`)
   * while the events are left to other shards.
   */
  see(shardId: number, place: EventPlace, isOurs: boolean): void {
    const before = this.#places.get(shardId);
    this.#places.set(shardId, place);
    if (!isOurs || before === undefined || before.sessionId === place.sessionId) return;
    this.#lose({
      shardId,
      missed: null,
      reason: `Session ${before.sessionId} could not be resumed after sequence ${before.sequence}`,
      upTo: { sessionId: before.sessionId, sequence: SESSION_END },
    });
  }

  /** Sequence numbers were left out before one that came. */
  gap(shard: Shard, missed: number, sequence: number): void {
    // RESUMED has a number, and no replay brings it again.
    const lost = shard.phase === "resuming" ? missed - 1 : missed;
    if (lost < 1) return;
    this.#lose({
      shardId: shard.shardId,
      missed: lost,
      reason: "The gateway left sequence numbers out",
      upTo: { sessionId: shard.sessionId ?? "", sequence: sequence - 1 },
    });
  }

  /** An event is too large for NATS. */
  tooLarge(messageId: string, bytes: number, subject: string): void {
    this.#lose({
      shardId: (parseEventSubject(subject) as EventSubject).shardId,
      missed: 1,
      reason: `Event ${messageId} has ${bytes} bytes when compressed, which NATS does not accept`,
      upTo: parseMessageId(messageId) as EventPlace,
    });
  }

  #lose(loss: Loss): void {
    const { upTo: _, ...lost } = loss;
    this.#options.tell(lost);
    this.#uncounted++;
    const counted = this.#options.count(loss).then(() => {
      if (--this.#uncounted === 0) this.#options.onCounted();
    });
    this.#counted = Promise.all([this.#counted, counted]).then(() => {});
    this.#counted.catch(() => {});
  }
}
