import { onAbort } from "../abortable.ts";
import { invalidState } from "../check.ts";
import { checkShardCount } from "../sharding.ts";
import type { Board } from "./board.ts";
import { callOff, type NextPlan, type Plan, PLAN_KEY, planOf } from "./plan.ts";

/** Options of {@linkcode rescaleCluster}. */
export interface RescaleClusterOptions {
  /** Where the plan is. */
  board: Board;
  /** How many shards there are to be. */
  shardCount: number;
  /** How many identifies may be used. */
  available: number;
  /** Each of them ends the wait, and calls the rescale off as long as that is possible. */
  signals: readonly AbortSignal[];
}

/** Asks the cluster for another number of shards; resolves when it has them. */
export async function rescaleCluster(options: RescaleClusterOptions): Promise<void> {
  const { board, signals } = options;
  for (const signal of signals) signal.throwIfAborted();
  const plan = await begin(options);
  const { id } = plan.next;
  const done = Promise.withResolvers<void>();
  const waiting = new AbortController();
  const check = () => {
    const now = planOf(board);
    if (now === undefined || now.next?.id === id) return;
    if (now.generation > plan.generation) done.resolve();
    else done.reject(invalidState("rescale: it was called off"));
  };
  board.onChange(check, waiting.signal);
  for (const signal of signals) onAbort(signal, done.reject, waiting.signal);
  check();
  try {
    await done.promise;
  } catch (error) {
    await callOff(board, id);
    throw error;
  } finally {
    waiting.abort();
  }
}

async function begin({ board, shardCount, available }: RescaleClusterOptions): Promise<Plan & { next: NextPlan }> {
  checkShardCount(shardCount);
  const plan = planOf(board);
  if (plan === undefined) throw invalidState("rescale: the cluster has no shards yet");
  if (plan.next !== null) throw invalidState("rescale: another rescale is under way");
  if (plan.shardCount === shardCount) {
    throw new RangeError(`Cannot rescale: the cluster has ${shardCount} shards already`);
  }
  if (available < shardCount) {
    throw invalidState(`rescale: it takes ${shardCount} identifies, and ${available} can be used`);
  }
  const next = { shardCount, phase: "warming", id: crypto.randomUUID() } as const;
  const planned = { ...plan, latest: plan.latest + 1, next };
  if (!await board.write(PLAN_KEY, planned)) throw invalidState("rescale: another rescale is under way");
  return planned;
}
