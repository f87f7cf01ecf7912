import { IDENTIFY_WINDOW_MS } from "../sharding.ts";
import type { Board } from "./board.ts";

/** Options of {@linkcode IdentifySlots}. */
export interface IdentifySlotsOptions {
  /** Where the slots are. */
  board: Board;
  /** This node's id, which may change. */
  nodeId: () => string;
  /** Whether a node is, or may still be, there. */
  isMember: (id: string) => boolean;
  /**
   * How long after an identify the next one of its key may follow, in milliseconds.
   *
   * @default {5_250}
   */
  windowMs?: number;
}

/** The turn of one key, as it is on the board. */
export interface SlotRecord {
  /** Who had it last. */
  readonly node: string;
  /** For which shard. */
  readonly shardId: number;
  /** Tells one use of the slot from another. */
  readonly grant: string;
  /** Whether the shard has identified. */
  readonly isSent: boolean;
  /** Whether it is not given back yet. */
  readonly isHeld: boolean;
}

/** What the keys of turns begin with. */
export const SLOT_PREFIX = "slot.";

/** What the keys of notes about who waits begin with. */
export const WAIT_PREFIX = "wait.";

/**
 * Whose turn it is to identify, for each key of the limit, as all nodes see it. No clock is compared: what others did is
 * counted from when it was seen.
 */
export class IdentifySlots {
  readonly #options: IdentifySlotsOptions;
  /** When a use was first seen to have been sent, or its holder to be gone. */
  readonly #sentSeenAt = new Map<string, number>();
  /** The uses that this node knows to be its own. */
  readonly #grants = new Set<string>();
  /** What this node has noted, by key. */
  #noted = new Map<number, number>();

  /** Looks at a board. */
  constructor(options: IdentifySlotsOptions) {
    this.#options = options;
    this.observe();
  }

  /** How many slots are held by somebody who has not identified yet. */
  get unused(): number {
    return [...this.#options.board.under<SlotRecord>(SLOT_PREFIX)].filter(([, { isHeld, isSent }]) => isHeld && !isSent)
      .length;
  }

  /** Takes in what is on the board: to be called after every change. */
  observe(): void {
    const { board, isMember } = this.#options;
    const now = performance.now();
    const grants = new Set<string>();
    for (const [, { grant, isSent, isHeld, node }] of board.under<SlotRecord>(SLOT_PREFIX)) {
      grants.add(grant);
      // Whether a node that is gone had identified nobody knows.
      const isUsed = isSent || (isHeld && !isMember(node));
      if (isUsed && !this.#sentSeenAt.has(grant)) this.#sentSeenAt.set(grant, now);
    }
    for (const grant of this.#sentSeenAt.keys()) if (!grants.has(grant)) this.#sentSeenAt.delete(grant);
  }

  /** Notes on the board which priority waits here for which key. */
  async note(lowest: ReadonlyMap<number, number>): Promise<void> {
    const { board, nodeId, isMember } = this.#options;
    for (const [rest] of [...board.under(WAIT_PREFIX)]) {
      const node = rest.slice(rest.indexOf(".") + 1);
      // One that died cannot take its notes back.
      if (node !== nodeId() && !isMember(node)) await board.remove(WAIT_PREFIX + rest);
    }
    for (const [key, priority] of lowest) {
      const noteKey = `${WAIT_PREFIX}${key}.${nodeId()}`;
      if (board.get(noteKey) === priority) continue;
      while (!await board.write(noteKey, priority));
    }
    for (const key of this.#noted.keys()) {
      if (!lowest.has(key)) await this.#removeNote(`${WAIT_PREFIX}${key}.${nodeId()}`);
    }
    this.#noted = new Map(lowest);
  }

  /** How long until a key's slot may be taken, in milliseconds; infinite where a change on the board has to come first. */
  freeInMs(key: number, priority: number): number {
    const { board, isMember, nodeId, windowMs = IDENTIFY_WINDOW_MS } = this.#options;
    for (const [node, other] of board.under<number>(`${WAIT_PREFIX}${key}.`)) {
      if (other < priority && node !== nodeId() && isMember(node)) return Infinity;
    }
    const slot = board.get<SlotRecord>(SLOT_PREFIX + key);
    if (slot === undefined) return 0;
    const { grant, node, isHeld, isSent } = slot;
    // A slot can be this node's without its knowledge, where the answer to its write was lost.
    const isLost = node === nodeId() && !this.#grants.has(grant);
    if (isHeld && !isLost && isMember(node)) return Infinity;
    if (!isSent && (!isHeld || isLost)) return 0;
    return Math.max(0, (this.#sentSeenAt.get(grant) ?? performance.now()) + windowMs - performance.now());
  }

  /** Takes a slot that is free; `null` where somebody was faster. */
  async take(key: number, shardId: number): Promise<string | null> {
    const { board, nodeId } = this.#options;
    const grant = crypto.randomUUID();
    const record: SlotRecord = { node: nodeId(), shardId, grant, isSent: false, isHeld: true };
    if (!await board.write(SLOT_PREFIX + key, record)) return null;
    this.#grants.add(grant);
    return grant;
  }

  /** The shard has identified. */
  async sent(key: number, grant: string): Promise<void> {
    this.#sentSeenAt.set(grant, performance.now());
    await this.#change(key, grant, { isSent: true });
  }

  /** The slot is given back. */
  async release(key: number, grant: string, isSent: boolean): Promise<void> {
    // One that was used stays this node's until all know of it: it would be taken for lost, and free at once.
    if (!isSent) this.#grants.delete(grant);
    await this.#change(key, grant, { isSent, isHeld: false });
    this.#grants.delete(grant);
  }

  async #change(key: number, grant: string, change: Partial<SlotRecord>): Promise<void> {
    const { board } = this.#options;
    for (;;) {
      const slot = board.get<SlotRecord>(SLOT_PREFIX + key);
      // Taken from a node that was thought dead.
      if (slot?.grant !== grant || await board.write(SLOT_PREFIX + key, { ...slot, ...change })) return;
    }
  }

  async #removeNote(key: string): Promise<void> {
    const { board } = this.#options;
    while (board.get(key) !== undefined && !await board.remove(key));
  }
}
