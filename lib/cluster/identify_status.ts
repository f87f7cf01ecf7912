import type { Board } from "./board.ts";
import { BUDGET_KEY, type BudgetRecord } from "./identify_budget.ts";
import { SLOT_PREFIX, type SlotRecord, WAIT_PREFIX } from "./identify_slots.ts";

/** The identify limit, as it is on the board. */
export function readIdentifyStatus(board: Board): {
  remaining: number | null;
  resetAt: number | null;
  maxConcurrency: number;
  holding: number[];
  waiting: number;
} {
  const budget = board.get<BudgetRecord>(BUDGET_KEY);
  const holding = [...board.under<SlotRecord>(SLOT_PREFIX)].filter(([, { isHeld }]) => isHeld);
  return {
    remaining: budget?.remaining ?? null,
    resetAt: budget?.resetAt ?? null,
    maxConcurrency: budget?.maxConcurrency ?? 1,
    holding: holding.map(([, { shardId }]) => shardId).sort((one, other) => one - other),
    waiting: [...board.under(WAIT_PREFIX)].length,
  };
}
