import type { Trace } from "./trace.ts";

/** An event that was received. */
export interface Delivery {
  sessionId: string;
  shardId: number;
  sequence: number;
  type: string;
  /** The number it was emitted under, or `null` for one that was not numbered. */
  number: number | null;
}

/** One session, as far as the client has received it. */
interface SessionLog {
  readonly shardId: number;
  /** What was emitted to it and has not been received, oldest first, from `#next` on. */
  expected: { number: number; sequence: number }[];
  next: number;
  lastSequence: number;
}

/**
 * Whether every event arrives exactly once and in order: it is told of each event emitted to a session and of each one
 * that reaches a listener.
 */
export class Deliveries {
  /** How many events reached the listeners. */
  received = 0;
  /** How many of those were numbered ones. */
  numbered = 0;
  /** How many were lost with sessions that ended by the rules. */
  lost = 0;
  readonly #trace: Trace;
  #gap = { sessionId: "", sequence: 0 };
  readonly #logs = new Map<string, SessionLog>();

  /** Starts with no session. */
  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** An event was numbered for a session. */
  emitted(sessionId: string, shardId: number, sequence: number, number: number): void {
    this.#log(sessionId, shardId).expected.push({ number, sequence });
  }

  /** The client reported that numbers were skipped before an event. */
  gapReported(sessionId: string, sequence: number): void {
    this.#gap = { sessionId, sequence };
  }

  /** An event reached the listeners. */
  onEvent({ sessionId, shardId, sequence, type, number }: Delivery): void {
    this.received++;
    const log = this.#log(sessionId, shardId);
    const what = `${type} ${number ?? ""} (sequence ${sequence}) of shard ${shardId}`;
    if (log.shardId !== shardId) this.#trace.fail(`${what} came through the session of shard ${log.shardId}`);
    if (sequence <= log.lastSequence) {
      return this.#trace.fail(`${what} came after sequence ${log.lastSequence}: twice, or out of order`);
    }
    const isReported = this.#gap.sessionId === sessionId && this.#gap.sequence === sequence;
    if (sequence > log.lastSequence + 1 && !isReported) {
      this.#trace.fail(`${what} came after sequence ${log.lastSequence}, and the gap was not reported`);
    }
    log.lastSequence = sequence;
    const due = log.expected[log.next];
    if (number === null) {
      if (due !== undefined && due.sequence < sequence) this.#trace.fail(`${what} came, ${due.number} is missing`);
      return;
    }
    this.numbered++;
    if (due === undefined) this.#trace.fail(`${what} came, and was not emitted to this session`);
    else if (due.number !== number || due.sequence !== sequence) {
      this.#trace.fail(`${what} came in place of ${due.number} (sequence ${due.sequence})`);
    }
    log.next++;
    if (log.next < 512) return;
    log.expected = log.expected.slice(log.next);
    log.next = 0;
  }

  /** The client is done with a session that nobody could have resumed. */
  forget(sessionId: string): void {
    const log = this.#logs.get(sessionId);
    if (log !== undefined) this.lost += log.expected.length - log.next;
    this.#logs.delete(sessionId);
  }

  /** Everything that was emitted to a session has to have been received by now. */
  complete(sessionId: string): void {
    const log = this.#logs.get(sessionId);
    if (log === undefined || log.next === log.expected.length) return;
    const missing = log.expected.slice(log.next).map(({ number }) => number);
    this.#trace.fail(
      `shard ${log.shardId} never received ${missing.length} events: ${missing.slice(0, 10).join(", ")}`,
    );
  }

  #log(sessionId: string, shardId: number): SessionLog {
    let log = this.#logs.get(sessionId);
    if (log === undefined) {
      log = { shardId, expected: [], next: 0, lastSequence: 0 };
      this.#logs.set(sessionId, log);
    }
    return log;
  }
}
