/** A value in the middle, and the interval in which the true one probably is. */
export interface Estimate {
  /** The median. */
  median: number;
  /** The lower end of the interval. */
  low: number;
  /** The upper end of the interval. */
  high: number;
}

/** How sure an interval is to hold the true median, at least, where there are enough values. */
const CONFIDENCE = 0.9;

/** The middle of some values; `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (at(sorted, Math.ceil(half) - 1) + at(sorted, Math.floor(half))) / 2;
}

/**
 * The median with a confidence interval from order statistics, which supposes nothing about how the values are spread:
 * the narrowest pair of ranks between which the true median lies nine times in ten. Of fewer than five values it is the
 * least and the greatest, which is less sure.
 */
export function estimate(values: readonly number[]): Estimate {
  const sorted = values.toSorted((a, b) => a - b);
  const { length } = sorted;
  let rank = 0;
  // The median is outside of the pair of ranks when at most `rank` of the values are on one side of it.
  for (let outside = 0; rank < length / 2; rank++) {
    outside += 2 * chances(length, rank) / 2 ** length;
    if (1 - outside < CONFIDENCE) break;
  }
  const skipped = Math.max(0, rank - 1);
  return { median: median(sorted), low: at(sorted, skipped), high: at(sorted, length - 1 - skipped) };
}

/** The ratios of values that were measured side by side; where one of a pair is missing there is no ratio. */
export function pairedRatios(
  values: readonly (number | undefined)[],
  against: readonly (number | undefined)[],
): number[] {
  return values.flatMap((value, index) => {
    const other = against[index];
    return value === undefined || other === undefined ? [] : [value / other];
  });
}

/** In how many ways `chosen` can be taken of `total`. */
function chances(total: number, chosen: number): number {
  let ways = 1;
  for (let taken = 0; taken < chosen; taken++) ways = ways * (total - taken) / (taken + 1);
  return ways;
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? NaN;
}
