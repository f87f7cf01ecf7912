const DISCORD_EPOCH_MS = 1_420_070_400_000;

let increment = 0;

/**
 * A new snowflake for a moment, unique in this process.
 *
 * @example
 * ```ts
 * import { sampleId } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const id = sampleId(1_700_000_000_000);
 * assertEquals(Number(BigInt(id) >> 22n) + 1_420_070_400_000, 1_700_000_000_000);
 * ```
 */
export function sampleId(atMs: number = Date.now()): string {
  increment = (increment + 1) % 4_194_304;
  return ((BigInt(Math.max(0, Math.floor(atMs) - DISCORD_EPOCH_MS)) << 22n) | BigInt(increment)).toString();
}

/** Begins to count anew, so that a run that found something can be played again. */
export function restartSampleIds(): void {
  increment = 0;
}
