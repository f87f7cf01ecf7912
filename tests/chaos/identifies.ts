import type { IdentifyRecord, ResumeRecord } from "../../lib/testing/mod.ts";
import type { Trace } from "./trace.ts";

/** "Apps can identify once every 5 seconds" for each key. */
const WINDOW_MS = 5000;
/** A session is given up after this many resumes without an answer … */
const DEAD_RESUMES = 5;
/** … spread over at least this long. */
const DEAD_RESUMES_MS = 120_000;

/** How long a RESUME waits for an answer. */
const SILENCE_MS = 30_000;

/** Why an IDENTIFY was sent. */
export interface IdentifyCounts {
  /** It was the shard's first. */
  first: number;
  /** The one before had been sent, and its READY never arrived. */
  unanswered: number;
  /** The gateway had ended the session. */
  ended: number;
  /** Every RESUME of the session died. */
  bricked: number;
  /** The session store had failed, or was too slow for the end of its process. */
  unloaded: number;
  /** The session could have been resumed. */
  avoidable: number;
}

interface Resume {
  atMs: number;
  /** Whether it was the last one before the shard was closed: perhaps it did not die, but was closed. */
  isClosed: boolean;
}

interface Shard {
  identified: boolean;
  /** The session the client knows, as READY named it. */
  sessionId: string | null;
  /** Whether the client was told that the session is over. */
  toldEnd: boolean;
  /** Whether the client may have lost its session, or have found an older one in its store. */
  isLost: boolean;
  /** When it was tried to be resumed, without any event of it since; the shard may have been closed meanwhile. */
  deadResumes: Resume[];
}

/** Options of {@linkcode Identifies}. */
export interface IdentifiesOptions {
  /** How many shards may identify at once. */
  maxConcurrency: number;
  /** Whether the gateway would accept a RESUME of the session. */
  isResumable: (sessionId: string) => boolean;
  /** Called when the client has given a shard's sessions up. */
  onForget: (shardId: number, sessionId: string | null) => void;
}

/** Whether identifies keep their limit, and whether each of them was needed. */
export class Identifies {
  readonly counts: IdentifyCounts = { first: 0, unanswered: 0, ended: 0, bricked: 0, unloaded: 0, avoidable: 0 };
  /** The longest time for which a session was kept whose every RESUME died, in milliseconds. */
  longestBrickMs = 0;
  readonly #trace: Trace;
  readonly #options: IdentifiesOptions;
  readonly #shards = new Map<number, Shard>();
  readonly #identifiedAt = new Map<number, number>();

  /** Starts with no shard. */
  constructor(trace: Trace, options: IdentifiesOptions) {
    this.#trace = trace;
    this.#options = options;
  }

  /** The session a shard of the client has. */
  sessionOf(shardId: number): string | null {
    return this.#shard(shardId).sessionId;
  }

  /** The client has received READY. */
  onReady(shardId: number, sessionId: string): void {
    const shard = this.#shard(shardId);
    shard.sessionId = sessionId;
    shard.toldEnd = false;
    shard.isLost = false;
    shard.deadResumes = [];
  }

  /** The client has received something of its session. */
  onEvent(shardId: number): void {
    const shard = this.#shard(shardId);
    if (shard.deadResumes.length > 0) shard.deadResumes = [];
    shard.isLost = false;
  }

  /** The shard was closed; opened again, it goes on counting. */
  onClose(shardId: number): void {
    const last = this.#shard(shardId).deadResumes.at(-1);
    if (last !== undefined) last.isClosed = true;
  }

  /** Another process will not know how often resumes died. */
  processEnded(): void {
    for (const shard of this.#shards.values()) shard.deadResumes = [];
  }

  /** The session store did not give the session, or may not have it. */
  onSessionLost(shardId: number): void {
    this.#shard(shardId).isLost = true;
  }

  /** The client has received that its session is over. */
  onToldEnd(shardId: number): void {
    this.#shard(shardId).toldEnd = true;
  }

  /** The gateway has received a RESUME. */
  onResume({ sessionId, atMs, shardId }: ResumeRecord): void {
    for (const [id, shard] of this.#shards) {
      if (shard.sessionId !== sessionId) continue;
      if (shard.toldEnd) this.#trace.fail(`shard ${id} resumes a session of which it was told that it is over`);
      const died = shard.deadResumes.filter(({ isClosed }) => !isClosed);
      const [, second] = died;
      const last = died.at(-1)?.atMs ?? atMs;
      // The first of them had died by the time of the second.
      if (died.length >= DEAD_RESUMES && second !== undefined && last - second.atMs >= DEAD_RESUMES_MS) {
        this.#trace.fail(`shard ${id} resumes again after ${died.length} resumes died unanswered`);
      }
      shard.deadResumes.push({ atMs, isClosed: false });
      return;
    }
    this.#trace.fail(`shard ${shardId} resumed session ${sessionId}, which it was never given`);
  }

  /** The gateway has received an IDENTIFY. */
  onIdentify({ shard: [shardId], atMs }: IdentifyRecord): void {
    this.#checkWindow(shardId, atMs);
    const shard = this.#shard(shardId);
    const reason = this.#reason(shard, atMs);
    this.counts[reason]++;
    this.#trace.note(`shard ${shardId} identifies: ${reason}`);
    if (reason === "avoidable") this.#trace.fail(`shard ${shardId} identified although its session could be resumed`);
    this.#options.onForget(shardId, shard.sessionId);
    shard.identified = true;
    shard.sessionId = null;
  }

  #reason(shard: Shard, atMs: number): keyof IdentifyCounts {
    if (!shard.identified) return "first";
    if (shard.sessionId === null) return "unanswered";
    if (!this.#options.isResumable(shard.sessionId)) return "ended";
    if (shard.isLost) return "unloaded";
    const { deadResumes } = shard;
    const first = deadResumes[0]?.atMs ?? atMs;
    // What was sent died at once, or after a silence.
    const deadMs = (deadResumes.at(-1)?.atMs ?? first) - first + SILENCE_MS;
    if (deadResumes.length < DEAD_RESUMES || deadMs < DEAD_RESUMES_MS) return "avoidable";
    this.longestBrickMs = Math.max(this.longestBrickMs, atMs - first);
    return "bricked";
  }

  #checkWindow(shardId: number, atMs: number): void {
    const key = shardId % this.#options.maxConcurrency;
    const before = this.#identifiedAt.get(key);
    if (before !== undefined && atMs - before < WINDOW_MS) {
      this.#trace.fail(`shard ${shardId} identified ${atMs - before} ms after another of key ${key}`);
    }
    this.#identifiedAt.set(key, atMs);
  }

  #shard(shardId: number): Shard {
    let shard = this.#shards.get(shardId);
    if (shard === undefined) {
      shard = { identified: false, sessionId: null, toldEnd: false, isLost: false, deadResumes: [] };
      this.#shards.set(shardId, shard);
    }
    return shard;
  }
}
