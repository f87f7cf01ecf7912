/**
 * From what was measured to the lines of the table.
 *
 * @module
 */

import type { Sample } from "./processes.ts";
import type { Outcome, Samples } from "./rounds.ts";
import type { Line, Measure } from "./scenario.ts";
import { type Estimate, estimate, median, pairedRatios } from "./statistics.ts";
import type { Cell } from "./table.ts";

/** A line with what came of it. */
export interface Row {
  cells: Cell[];
  /** Whether the target is met; `null` without one. */
  met: boolean | null;
  /** How many times the target the ratio is; `null` for figures that are no ratios, and without a target. */
  excess: number | null;
}

/** What the columns are called. */
export const HEAD: readonly Cell[] = ["what", "runtime", "Gangway", "against", "that", "ratio", "target", "met"];

const UNITS: Record<Measure, { unit: string; divisor: number; digits: number }> = {
  cpuUs: { unit: "µs", divisor: 1, digits: 1 },
  p50Us: { unit: "µs", divisor: 1, digits: 0 },
  p99Us: { unit: "µs", divisor: 1, digits: 0 },
  peakKiB: { unit: "MiB", divisor: 1_024, digits: 0 },
  shardKiB: { unit: "KiB", divisor: 1, digits: 0 },
  processMs: { unit: "ms", divisor: 1, digits: 0 },
};

/** The rows of a scenario; a line of which a side was not run, or failed, is left out. */
export function rowsOf(lines: readonly Line[], { samples }: Outcome): Row[] {
  return lines.flatMap((line) => {
    const ours = samples.get(line.ours) ?? [];
    if (!ours.some((sample) => sample !== undefined)) return [];
    if (line.against.length === 0) return [alone(line, ours)];
    const against = best(line, samples);
    return against === undefined ? [] : [beside(line, ours, against, samples.get(against) ?? [])];
  });
}

/** A figure of its own. */
function alone(line: Line, ours: readonly (Sample | undefined)[]): Row {
  const figure = estimate(present(ours, line.measure));
  const { target } = line;
  return row(line, [shown(ours, line.measure), "", "", ""], figure, target, withUnit(target, line.measure), false);
}

/** A ratio, or a difference, of the pairs of the same round. */
function beside(
  line: Line,
  ours: readonly (Sample | undefined)[],
  against: string,
  theirs: readonly (Sample | undefined)[],
): Row {
  const { measure, target, above = false } = line;
  const figures = [shown(ours, measure), against.endsWith(`@${runtimeOf(line.ours)}`) ? nameOf(against) : against];
  if (above) {
    const differences = ours.flatMap((sample, index) => {
      const other = theirs[index];
      return sample === undefined || other === undefined ? [] : [value(sample, measure) - value(other, measure)];
    });
    const difference = estimate(differences);
    const text = `+${interval(difference, UNITS[measure].digits)}`;
    return row(line, [...figures, shown(theirs, measure), text], difference, target, withUnit(target, measure), false);
  }
  const values = (samples: readonly (Sample | undefined)[]) =>
    samples.map((sample) => sample === undefined ? undefined : value(sample, measure));
  const ratio = estimate(pairedRatios(values(ours), values(theirs)));
  const bound = target === undefined ? "" : `≤ ${target.toFixed(2)}`;
  return row(line, [...figures, shown(theirs, measure), interval(ratio, 2)], ratio, target, bound, true);
}

function row(
  line: Line,
  cells: readonly Cell[],
  estimate: Estimate,
  target: number | undefined,
  bound: Cell,
  isRatio: boolean,
): Row {
  // "Met when the interval reaches down to it": a noisy machine is no reason to call it missed.
  const met = target === undefined ? null : estimate.low <= target;
  return {
    cells: [line.what, runtimeOf(line.ours), ...cells, bound, met === null ? "" : met ? "yes" : "NO"],
    met,
    excess: target === undefined || !isRatio ? null : estimate.median / target,
  };
}

/** Of several that it may be compared with, the one that did best. */
function best({ against, measure }: Line, samples: Samples): string | undefined {
  const middle = (id: string) => median(present(samples.get(id) ?? [], measure));
  return against.filter((id) => samples.get(id)?.some((sample) => sample !== undefined))
    .toSorted((a, b) => middle(a) - middle(b))[0];
}

/** The median; of CPU time also the wall time beside it. */
function shown(samples: readonly (Sample | undefined)[], measure: Measure): Cell {
  const { digits, unit } = UNITS[measure];
  const figure = median(present(samples, measure)).toFixed(digits);
  if (measure !== "cpuUs") return `${figure} ${unit}`;
  const wall = median(samples.flatMap((sample) => sample === undefined ? [] : [sample.wallUs]));
  return `${figure} (${wall.toFixed(digits)}) ${unit}`;
}

function interval({ median, low, high }: Estimate, digits: number): Cell {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function withUnit(target: number | undefined, measure: Measure): Cell {
  return target === undefined ? "" : `≤ ${target} ${UNITS[measure].unit}`;
}

function present(samples: readonly (Sample | undefined)[], measure: Measure): number[] {
  return samples.flatMap((sample) => sample === undefined ? [] : [value(sample, measure)]);
}

function value(sample: Sample, measure: Measure): number {
  return (sample[measure] ?? NaN) / UNITS[measure].divisor;
}

function nameOf(id: string): string {
  return id.slice(0, id.lastIndexOf("@"));
}

function runtimeOf(id: string): string {
  return id.slice(id.lastIndexOf("@") + 1);
}
