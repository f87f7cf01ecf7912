import type { SessionStartLimit } from "../payload.ts";
import type { Board } from "./board.ts";

/** Why there is no identify left. */
export interface BudgetLimited {
  /** How many are left. */
  remaining: number;
  /** How many of them are kept back. */
  reserve: number;
  /** How long until there are more, in milliseconds. */
  retryAfterMs: number;
}

/** The budget, as it is on the board. */
export interface BudgetRecord {
  /** How many there are in a day. */
  readonly total: number;
  /** How many are left. */
  readonly remaining: number;
  /** When there are more, in milliseconds since 1970. */
  readonly resetAt: number;
  /** How many shards may identify at the same time. */
  readonly maxConcurrency: number;
}

/** The budget's key. */
export const BUDGET_KEY = "budget";

const DAY_MS = 86_400_000;

/** The day's identifies, which all nodes take from. */
export class IdentifyBudget {
  readonly #board: Board;
  readonly #reserve: number;

  /** Keeps `reserve` of them back. */
  constructor(board: Board, reserve: number) {
    this.#board = board;
    this.#reserve = reserve;
  }

  /** How many shards may identify at the same time. */
  get maxConcurrency(): number {
    return Math.max(1, this.#record?.maxConcurrency ?? 1);
  }

  /** How many may be used; infinite where that is not known. */
  get available(): number {
    const record = this.#record;
    if (record === undefined) return Infinity;
    return Math.max(0, (Date.now() < record.resetAt ? record.remaining : record.total) - this.#reserve);
  }

  /** Writes down what the gateway says; `unused` were taken and not used. */
  async update(limits: SessionStartLimit, unused: number): Promise<void> {
    const { total, remaining, reset_after, max_concurrency: maxConcurrency } = limits;
    await this.#change(() => ({
      total,
      remaining: Math.max(0, remaining - unused),
      resetAt: Date.now() + reset_after,
      maxConcurrency,
    }));
  }

  /** Takes one; tells why not where there is none. */
  async take(): Promise<BudgetLimited | null> {
    let limited: BudgetLimited | null = null;
    await this.#change((record) => {
      limited = null;
      if (record === undefined) return null;
      const now = Date.now();
      const current = now < record.resetAt ? record : { ...record, remaining: record.total, resetAt: now + DAY_MS };
      const { remaining, resetAt } = current;
      if (remaining > this.#reserve) return { ...current, remaining: remaining - 1 };
      limited = { remaining, reserve: this.#reserve, retryAfterMs: resetAt - now };
      return null;
    });
    return limited;
  }

  /** Gives back one that was not used. */
  async giveBack(): Promise<void> {
    await this.#change((record) => record === undefined ? null : { ...record, remaining: record.remaining + 1 });
  }

  get #record(): BudgetRecord | undefined {
    return this.#board.get<BudgetRecord>(BUDGET_KEY);
  }

  async #change(change: (record: BudgetRecord | undefined) => BudgetRecord | null): Promise<void> {
    for (;;) {
      const record = change(this.#record);
      if (record === null || await this.#board.write(BUDGET_KEY, record)) return;
    }
  }
}
