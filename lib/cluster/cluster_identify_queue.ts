import { onAbort } from "../abortable.ts";
import { delay } from "../delay.ts";
import type { SessionStartLimit } from "../payload.ts";
import { settled } from "../settled.ts";
import { identifyKeyOf } from "../sharding.ts";
import type { IdentifyPermit, IdentifyRateLimiter, IdentifyRequest } from "../times_per.ts";
import { type BudgetLimited, IdentifyBudget } from "./identify_budget.ts";
import { IdentifySlots, type IdentifySlotsOptions } from "./identify_slots.ts";
import { isRenewal } from "./membership.ts";
import { Rounds } from "./rounds.ts";

/** Options of a {@linkcode ClusterIdentifyQueue}. */
export interface ClusterIdentifyQueueOptions extends IdentifySlotsOptions {
  /** How many identifies of the day are never used. */
  reserve: number;
  /** Called when nobody may identify before the budget is renewed. */
  onLimited: (limited: BudgetLimited) => void;
  /** Called when NATS could not be asked; it is tried again. */
  onError: (error: unknown) => void;
}

interface Waiter {
  readonly shardId: number;
  readonly priority: number;
  readonly grant: (permit: IdentifyPermit) => void;
}

/** How long to wait before something is tried again, in milliseconds. */
const RETRY_MS = 250;

/**
 * The identify limit of a whole cluster: one identify in five seconds for each key `shard_id % max_concurrency`, lowest
 * ids first, and one budget for the day, whichever node asks.
 *
 * For each key there is a slot on the board, and a note of each node with the lowest shard that waits there. A node
 * takes a slot that is free where no node that is alive has noted a lower shard.
 */
export class ClusterIdentifyQueue implements IdentifyRateLimiter, AsyncDisposable {
  readonly #options: ClusterIdentifyQueueOptions;
  readonly #slots: IdentifySlots;
  readonly #budget: IdentifyBudget;
  readonly #rounds: Rounds;
  readonly #over = new AbortController();
  /** What permits have still to say to the other nodes. */
  readonly #writing = new Set<Promise<void>>();
  #waiters: Waiter[] = [];

  /** Makes a queue in which nobody waits. */
  constructor(options: ClusterIdentifyQueueOptions) {
    this.#options = options;
    this.#budget = new IdentifyBudget(options.board, options.reserve);
    this.#slots = new IdentifySlots(options);
    this.#rounds = new Rounds({ round: () => this.#round(), onError: options.onError });
    options.board.onChange((change) => {
      if (isRenewal(change)) return;
      this.#slots.observe();
      if (this.#waiters.length > 0) this.#rounds.ask();
    }, this.#over.signal);
  }

  /** How many wait on this node. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** How many identifies are left that may be used; infinite where that is not known. */
  get available(): number {
    return this.#budget.available;
  }

  /** Takes in what `GET /gateway/bot` said; resolves when the other nodes can know it. */
  async updateBudget(limits: SessionStartLimit): Promise<void> {
    // What was promised to a shard and not used yet is not in what the gateway has counted.
    await this.#budget.update(limits, this.#slots.unused);
    this.#rounds.ask();
  }

  /** Resolves with a permit once the shard may identify; rejects with the signal's reason. */
  acquire({ shardId, priority = shardId, signal }: IdentifyRequest): Promise<IdentifyPermit> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const waiter: Waiter = {
        shardId,
        priority,
        grant: (permit) => {
          stop();
          resolve(permit);
        },
      };
      const stop = onAbort(signal, (reason) => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        this.#rounds.ask();
        reject(reason);
      });
      this.#waiters.push(waiter);
      this.#waiters.sort((one, other) => one.priority - other.priority);
      queueMicrotask(() => this.#rounds.ask());
    });
  }

  /** Ends it, when the others know of the permits that were used or given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#rounds[Symbol.asyncDispose]();
    await Promise.all(this.#writing);
  }

  /** Gives each key's lowest waiter its turn where it can have one; tells when to look again, in milliseconds. */
  async #round(): Promise<number> {
    const { maxConcurrency } = this.#budget;
    const first = new Map<number, Waiter>();
    for (const waiter of this.#waiters) {
      const key = identifyKeyOf(waiter.shardId, maxConcurrency);
      if (!first.has(key)) first.set(key, waiter);
    }
    await this.#slots.note(new Map([...first].map(([key, { priority }]) => [key, priority])));
    let waitMs = Infinity;
    for (const [key, waiter] of first) {
      const ms = this.#slots.freeInMs(key, waiter.priority);
      waitMs = Math.min(waitMs, ms > 0 ? ms : await this.#give(key, waiter));
    }
    return waitMs;
  }

  async #give(key: number, waiter: Waiter): Promise<number> {
    const grant = await this.#slots.take(key, waiter.shardId);
    if (grant === null) return RETRY_MS;
    let limited: BudgetLimited | null;
    try {
      limited = await this.#budget.take();
    } catch (error) {
      await this.#slots.release(key, grant, false);
      throw error;
    }
    if (limited !== null) {
      await this.#slots.release(key, grant, false);
      this.#options.onLimited(limited);
      return limited.retryAfterMs;
    }
    if (!this.#waiters.includes(waiter)) {
      await Promise.all([this.#slots.release(key, grant, false), this.#budget.giveBack()]);
      return Infinity;
    }
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.grant(this.#permit(key, grant));
    this.#rounds.ask();
    return Infinity;
  }

  #permit(key: number, grant: string): IdentifyPermit {
    let isSent = false;
    let isHeld = true;
    let work: Promise<void> = Promise.resolve();
    const then = (step: () => Promise<void>) => {
      const done = work = work.then(step).catch(this.#options.onError).finally(() => this.#writing.delete(done));
      this.#writing.add(done);
    };
    // The others wait for it: as long as this node is there, nobody else may free its slot.
    const insist = (step: () => Promise<void>) => then(() => this.#insist(step));
    return {
      sent: () => {
        if (isSent || !isHeld) return;
        isSent = true;
        insist(() => this.#slots.sent(key, grant));
      },
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        if (!isSent) then(() => this.#budget.giveBack());
        insist(() => this.#slots.release(key, grant, isSent));
      },
    };
  }

  /** Tries until it succeeds, or the queue ends. */
  async #insist(step: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        this.#options.onError(error);
        if (this.#over.signal.aborted) return;
        // An end cuts the rest short, and is the last try.
        await settled(delay(RETRY_MS, { signal: this.#over.signal }));
      }
    }
  }
}
