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
  /** What listeners are at work with, and how many of them. */
  readonly handling: Map<number, number>;
  /** Up to where everything was handled when the process ended; `null` once the next one has received something. */
  handledBefore: number | null;
}

/** How much that was received is remembered at least: another process may be given it again. */
const MEMORY = 4096;

/**
 * Whether every event arrives exactly once and in order: it is told of each event emitted to a session and of each one
 * that reaches a listener.
 */
export class Deliveries {
  /** How many events reached the listeners. */
  received = 0;
  /** How many of those were numbered ones. */
  numbered = 0;
  /** How many were given to another process again. */
  again = 0;
  /** How many were lost with sessions that ended by the rules. */
  lost = 0;
  readonly #trace: Trace;
  #gap = { sessionId: "", sequence: 0, missed: 0 };
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
  gapReported(sessionId: string, sequence: number, missed: number): void {
    this.#gap = { sessionId, sequence, missed };
  }

  /** A listener has begun to work with an event; what it gives is to be called when it is done. */
  handling(sessionId: string, shardId: number, sequence: number): () => void {
    const { handling } = this.#log(sessionId, shardId);
    handling.set(sequence, (handling.get(sequence) ?? 0) + 1);
    return () => {
      const left = (handling.get(sequence) ?? 0) - 1;
      if (left > 0) handling.set(sequence, left);
      else handling.delete(sequence);
    };
  }

  /** The process has ended, and with it all work. */
  processEnded(): void {
    for (const log of this.#logs.values()) {
      log.handledBefore = Math.min(
        log.handledBefore ?? Infinity,
        log.lastSequence,
        ...[...log.handling.keys()].map((at) => at - 1),
      );
      log.handling.clear();
    }
  }

  /** The first event that another process receives: not a later one than the first that was not handled. */
  #resume(log: SessionLog, sequence: number, isReported: boolean, what: string): void {
    const from = sequence - (isReported ? this.#gap.missed : 0);
    const due = (log.handledBefore ?? 0) + 1;
    log.handledBefore = null;
    if (from > due) {
      return this.#trace.fail(`${what} was the first of another process, and sequence ${due} had not been handled`);
    }
    if (from > log.lastSequence) return;
    this.again += log.lastSequence - from + 1;
    log.lastSequence = from - 1;
    while (log.next > 0 && (log.expected[log.next - 1]?.sequence ?? 0) >= from) log.next--;
  }

  /** An event reached the listeners. */
  onEvent({ sessionId, shardId, sequence, type, number }: Delivery): void {
    this.received++;
    const log = this.#log(sessionId, shardId);
    const what = `${type} ${number ?? ""} (sequence ${sequence}) of shard ${shardId}`;
    if (log.shardId !== shardId) this.#trace.fail(`${what} came through the session of shard ${log.shardId}`);
    const isReported = this.#gap.sessionId === sessionId && this.#gap.sequence === sequence;
    if (log.handledBefore !== null) this.#resume(log, sequence, isReported, what);
    if (sequence <= log.lastSequence) {
      return this.#trace.fail(`${what} came after sequence ${log.lastSequence}: twice, or out of order`);
    }
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
    if (log.next < 2 * MEMORY) return;
    log.expected = log.expected.slice(log.next - MEMORY);
    log.next = MEMORY;
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
      log = { shardId, expected: [], next: 0, lastSequence: 0, handling: new Map(), handledBefore: null };
      this.#logs.set(sessionId, log);
    }
    return log;
  }
}
