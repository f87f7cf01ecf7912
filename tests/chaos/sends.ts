import type { Trace } from "./trace.ts";

/** "120 gateway events per connection every 60 seconds". */
const LIMIT = 120;
const WINDOW_MS = 60_000;
/** How late a heartbeat may be: a late timer waits a moment for frames that are in the socket already. */
const LATE_MS = 400;

const HEARTBEAT = 1;
const IDENTIFY = 2;
const RESUME = 6;

interface Connection {
  /** When the last payloads were sent, oldest first. */
  sentAt: number[];
  /** When the last heartbeat was sent, or HELLO came; `null` before. */
  beatAt: number | null;
  /** Whether an event came since. */
  heard: boolean;
  /** Whether READY or RESUMED came. */
  usable: boolean;
}

/** What a client sends and when, one connection a shard: the limit, the heartbeats, and nothing else before READY. */
export class Sends {
  /** How many commands were sent. */
  commands = 0;
  /** The most payloads in one window. */
  mostInWindow = 0;
  /** By how much a heartbeat was late at most, in milliseconds. */
  latestBeatMs = 0;
  readonly #trace: Trace;
  readonly #intervalMs: number;
  readonly #connections = new Map<number, Connection>();
  #blockedAt = -Infinity;

  /** Expects heartbeats at this interval. */
  constructor(trace: Trace, intervalMs: number) {
    this.#trace = trace;
    this.#intervalMs = intervalMs;
  }

  /** The event loop was blocked: heartbeats could not be on time. */
  blocked(): void {
    this.#blockedAt = Date.now();
  }

  /** A shard opens a connection. */
  onConnecting(shardId: number): void {
    this.#connections.set(shardId, { sentAt: [], beatAt: null, heard: false, usable: false });
  }

  /** HELLO has come. */
  onHello(shardId: number): void {
    const connection = this.#connections.get(shardId);
    if (connection !== undefined) connection.beatAt ??= Date.now();
  }

  /** READY or RESUMED has come. */
  onUsable(shardId: number): void {
    const connection = this.#connections.get(shardId);
    if (connection !== undefined) connection.usable = true;
  }

  /** An event has come. */
  onEvent(shardId: number): void {
    const connection = this.#connections.get(shardId);
    if (connection !== undefined) connection.heard = true;
  }

  /** Whether an event has come since the last heartbeat. */
  hasHeard(shardId: number): boolean {
    return this.#connections.get(shardId)?.heard ?? false;
  }

  /** The connection has ended. */
  onEnd(shardId: number): void {
    const connection = this.#connections.get(shardId);
    if (connection === undefined) return;
    this.#checkBeat(shardId, connection);
    this.#connections.delete(shardId);
  }

  /** A shard has sent something. */
  onSent(shardId: number, op: number): void {
    const connection = this.#connections.get(shardId);
    if (connection === undefined) return this.#trace.fail(`shard ${shardId} sent op ${op} without a connection`);
    const now = Date.now();
    const { sentAt } = connection;
    while (sentAt.length > 0 && now - (sentAt[0] as number) > WINDOW_MS) sentAt.shift();
    sentAt.push(now);
    this.mostInWindow = Math.max(this.mostInWindow, sentAt.length);
    if (sentAt.length > LIMIT) this.#trace.fail(`shard ${shardId} sent ${sentAt.length} payloads within a minute`);
    if (op === HEARTBEAT) {
      this.#checkBeat(shardId, connection);
      connection.beatAt = now;
      connection.heard = false;
    } else if (op !== IDENTIFY && op !== RESUME) {
      this.commands++;
      if (!connection.usable) this.#trace.fail(`shard ${shardId} sent op ${op} before READY or RESUMED`);
    }
  }

  #checkBeat(shardId: number, { beatAt }: Connection): void {
    if (beatAt === null || this.#blockedAt >= beatAt) return;
    const lateMs = Date.now() - beatAt - this.#intervalMs;
    this.latestBeatMs = Math.max(this.latestBeatMs, lateMs);
    if (lateMs > LATE_MS) this.#trace.fail(`shard ${shardId} was ${lateMs} ms late with a heartbeat`);
  }
}
