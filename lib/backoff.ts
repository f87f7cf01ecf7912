const BASE_MS = 1_000;
const CAP_MS = 60_000;

/**
 * The window that the wait before the given attempt (from 1) is chosen from, in milliseconds: it doubles with every
 * attempt, from one second to 60.
 *
 * @param attempt How many connections ended since one was last usable for a while.
 * @param least The window of the first attempts, where a second is too short.
 */
export function backoffWindowMs(attempt: number, least = BASE_MS): number {
  return Math.min(CAP_MS, Math.max(least, BASE_MS * 2 ** (attempt - 1)));
}

/**
 * How long to wait before the given attempt (from 1): exponential with full jitter, at most 60 seconds. Full jitter,
 * because all shards lose their connections at the same moment when the gateway restarts.
 *
 * @param attempt How many connections ended since one was last usable for a while.
 * @param random A number from 0 up to 1.
 */
export function backoffMs(attempt: number, random: number): number {
  return random * backoffWindowMs(attempt);
}
