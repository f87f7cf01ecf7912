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
  /** The session could have been resumed. */
  avoidable: number;
}

interface Shard {
  identified: boolean;
  /** The session the client knows, as READY named it. */
  sessionId: string | null;
  /** Whether the client was told that the session is over. */
  toldEnd: boolean;
  /** When it was tried to be resumed, without any event of it since. */
  deadResumes: number[];
  /** The same, from before the shard was closed and opened again, once or more often. */
  formerDeadResumes: number[][];
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
  readonly counts: IdentifyCounts = { first: 0, unanswered: 0, ended: 0, bricked: 0, avoidable: 0 };
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
    shard.deadResumes = [];
    shard.formerDeadResumes = [];
  }

  /** The client has received something of its session. */
  onEvent(shardId: number): void {
    const shard = this.#shard(shardId);
    if (shard.deadResumes.length > 0) shard.deadResumes = [];
    if (shard.formerDeadResumes.length > 0) shard.formerDeadResumes = [];
  }

  /** The shard was closed: opened again, it counts anew. */
  onClose(shardId: number): void {
    const shard = this.#shard(shardId);
    shard.formerDeadResumes.push(shard.deadResumes);
    shard.deadResumes = [];
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
      const [, second] = shard.deadResumes;
      const last = shard.deadResumes.at(-1) ?? atMs;
      // The first of them had died by the time of the second.
      if (shard.deadResumes.length >= DEAD_RESUMES && second !== undefined && last - second >= DEAD_RESUMES_MS) {
        this.#trace.fail(`shard ${id} resumes again after ${shard.deadResumes.length} resumes died unanswered`);
      }
      shard.deadResumes.push(atMs);
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
    for (const [first = atMs, ...others] of [shard.deadResumes, ...shard.formerDeadResumes]) {
      // What was sent died at once, or after a silence.
      const deadMs = (others.at(-1) ?? first) - first + SILENCE_MS;
      if (others.length + 1 < DEAD_RESUMES || deadMs < DEAD_RESUMES_MS) continue;
      this.longestBrickMs = Math.max(this.longestBrickMs, atMs - first);
      return "bricked";
    }
    return "avoidable";
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
      shard = { identified: false, sessionId: null, toldEnd: false, deadResumes: [], formerDeadResumes: [] };
      this.#shards.set(shardId, shard);
    }
    return shard;
  }
}
