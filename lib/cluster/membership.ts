import type { Board, BoardChange } from "./board.ts";
import { Deadline } from "./deadline.ts";

/** What a node tells about itself. */
export interface NodeRecord {
  /** What the node is called, for people. */
  readonly name: string;
  /** When it joined, in milliseconds since 1970 by its own clock. */
  readonly joinedAt: number;
  /** Whether it is about to leave, and takes nothing any more. */
  readonly leaving: boolean;
  /** Grows with every renewal. */
  readonly renewals: number;
}

/** Options of a {@linkcode Membership}. */
export interface MembershipOptions {
  /** Where the records are. */
  board: Board;
  /** What the node is called. */
  name: string;
  /** How long a member counts as there after its last renewal, in milliseconds. */
  leaseMs: number;
  /** The membership cannot be relied on from now on: all that rests on it has to end before anything else is done. */
  onFence: () => void;
  /** It can be relied on again, perhaps under another id. */
  onValid: () => void;
  /** A renewal failed; the next one follows. */
  onError: (error: unknown) => void;
}

/** What the records of nodes begin with. */
export const NODE_PREFIX = "node.";

/** How often a membership is renewed in the time that it lasts. */
const RENEWALS = 4;

/**
 * What part of its time a member relies on: it stops before anybody else may take it for dead. Others count from when
 * they saw the renewal, which is later than when it was sent.
 */
const TRUSTED_PART = 0.75;

/**
 * Being one of a cluster: a record that is renewed, and the view of everybody else's.
 *
 * No clock is compared with another machine's: a member is dead for an observer who has not seen its record change for
 * the whole lease, and only once that observer has removed the record in exactly the state it saw. A renewal that comes
 * after that finds no record to renew.
 */
export class Membership {
  readonly #options: MembershipOptions;
  #id: string;
  #record: NodeRecord;
  #deadline: Deadline | null = null;
  #renewTimer: ReturnType<typeof setTimeout> | undefined;
  #fenceTimer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  /** Whether the record was written under the present id. */
  #isJoined = false;
  #work: Promise<void> = Promise.resolve();

  /** Makes a membership that has not begun. */
  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#id = newId(options.name);
    this.#record = { name: options.name, joinedAt: Date.now(), leaving: false, renewals: 0 };
  }

  /** The member's id: another one after it was taken for dead. */
  get id(): string {
    return this.#id;
  }

  /** Whether it can be relied on at this moment. */
  get isValid(): boolean {
    return this.leftMs > 0;
  }

  /** How long it can be relied on if it is not renewed, in milliseconds. */
  get leftMs(): number {
    return Math.max(0, this.#deadline?.left ?? 0);
  }

  /** The members there are, this one included, that can be given something. */
  get takers(): string[] {
    const members = [...this.#options.board.under<NodeRecord>(NODE_PREFIX)];
    return members.filter(([, { leaving }]) => !leaving).map(([id]) => id);
  }

  /** Whether somebody is, or may still be, there. */
  has(id: string): boolean {
    return this.#options.board.get(NODE_PREFIX + id) !== undefined;
  }

  /**
   * Whether the owner of something is known to be gone. Somebody never heard of may be new: its record can come later
   * than what it did, which was seen at `seenAt`.
   */
  isGone(id: string, seenAt: number): boolean {
    const { board, leaseMs } = this.#options;
    if (this.has(id)) return false;
    return board.wasRemoved(NODE_PREFIX + id) || performance.now() - seenAt >= leaseMs;
  }

  /** Renews now: for when NATS can be reached again. */
  renew(): void {
    void this.#enqueue(() => this.#renew()).finally(() => this.#schedule());
  }

  /** Joins; rejects where the server cannot be asked. */
  async join(): Promise<void> {
    await this.#renew();
    if (!this.isValid) throw new Error("Cannot join the cluster: NATS does not answer in time");
    this.#schedule();
  }

  /** Says that it is about to leave. */
  async announceLeave(): Promise<void> {
    this.#record = { ...this.#record, leaving: true };
    await this.#enqueue(() => this.#renew());
  }

  /** Leaves: nothing that rests on it may be left. */
  async leave(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#fenceTimer);
    await this.#work;
    this.#deadline = null;
    try {
      await this.#options.board.remove(NODE_PREFIX + this.#id);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** Removes the records of members that have not been seen to renew for a whole lease. */
  async removeDead(): Promise<void> {
    const { board, leaseMs } = this.#options;
    const now = performance.now();
    for (const [id, , { seenAt, revision }] of [...board.under(NODE_PREFIX)]) {
      if (id !== this.#id && now - seenAt >= leaseMs) await board.remove(NODE_PREFIX + id, revision);
    }
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    return this.#work = this.#work.then(work, work);
  }

  #schedule(): void {
    const { leaseMs } = this.#options;
    clearTimeout(this.#renewTimer);
    if (this.#isOver) return;
    const everyMs = leaseMs / RENEWALS;
    this.#renewTimer = setTimeout(() => this.renew(), everyMs * (0.8 + 0.2 * Math.random()));
  }

  async #renew(): Promise<void> {
    const { board, leaseMs, onError } = this.#options;
    if (this.#isJoined && !this.has(this.#id)) this.#startAnew();
    // From before the request: it may be late, but never early.
    const deadline = new Deadline(leaseMs * TRUSTED_PART);
    const record = this.#record = { ...this.#record, renewals: this.#record.renewals + 1 };
    const key = NODE_PREFIX + this.#id;
    try {
      // A write that was answered too late may have been done: then the key is there, and nobody else writes to it.
      const isWritten = await board.write(key, record) || (this.has(this.#id) && await board.write(key, record));
      if (isWritten) this.#confirm(deadline);
      else if (this.#isJoined && !this.has(this.#id)) this.#startAnew();
    } catch (error) {
      onError(error);
    }
  }

  #confirm(deadline: Deadline): void {
    if (this.#isOver) return;
    const wasValid = this.isValid;
    this.#isJoined = true;
    this.#deadline = deadline;
    this.#watchDeadline();
    if (!wasValid && this.isValid) this.#options.onValid();
  }

  /** Somebody took it for dead: whatever it owned is somebody else's. */
  #startAnew(): void {
    this.#fence();
    this.#id = newId(this.#options.name);
    this.#isJoined = false;
    this.#record = { ...this.#record, joinedAt: Date.now(), renewals: 0 };
  }

  #watchDeadline(): void {
    clearTimeout(this.#fenceTimer);
    this.#fenceTimer = setTimeout(() => {
      if (this.isValid) this.#watchDeadline();
      else this.#fence();
    }, Math.max(0, Math.ceil(this.#deadline?.left ?? 0)));
  }

  #fence(): void {
    clearTimeout(this.#fenceTimer);
    if (this.#deadline === null) return;
    this.#deadline = null;
    this.#options.onFence();
  }
}

/** Whether a change says no more than that somebody is still there. */
export function isRenewal({ key, before, after }: BoardChange): boolean {
  if (!key.startsWith(NODE_PREFIX) || before === undefined || after === undefined) return false;
  return (before as NodeRecord).leaving === (after as NodeRecord).leaving;
}

function newId(name: string): string {
  return `${name}-${crypto.randomUUID().slice(0, 8)}`;
}
