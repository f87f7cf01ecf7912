import type { IdentifyCounts } from "./identifies.ts";
import type { Plan } from "./plan.ts";

/** What came of a run. */
export interface Report {
  plan: Plan;
  problems: string[];
  /** The last happenings before the first problem. */
  lines: string[];
  simulatedMs: number;
  tookMs: number;
  faults: Record<string, number>;
  /** Numbers that add up over runs. */
  figures: Record<string, number>;
  identifies: IdentifyCounts;
  /** Numbers of which the largest counts. */
  peaks: Record<string, number>;
}

/** What came of several runs together. */
export interface Total extends Omit<Report, "plan" | "problems" | "lines"> {
  runs: number;
  failed: number;
}

/** Nothing yet. */
export function emptyTotal(): Total {
  const identifies = { first: 0, unanswered: 0, ended: 0, bricked: 0, unloaded: 0, avoidable: 0 };
  return { runs: 0, failed: 0, simulatedMs: 0, tookMs: 0, faults: {}, figures: {}, identifies, peaks: {} };
}

/** Adds a run. */
export function addReport(total: Total, report: Report): void {
  total.runs++;
  if (report.problems.length > 0) total.failed++;
  total.simulatedMs += report.simulatedMs;
  total.tookMs += report.tookMs;
  add(total.faults, report.faults);
  add(total.figures, report.figures);
  add(total.identifies as unknown as Record<string, number>, report.identifies as unknown as Record<string, number>);
  for (const [name, value] of Object.entries(report.peaks)) {
    total.peaks[name] = Math.max(total.peaks[name] ?? 0, value);
  }
}

/** How many IDENTIFYs were sent, and how many of them had to be: as a sentence. */
export function identifiesOf(counts: IdentifyCounts): string {
  const { first, unanswered, ended, bricked, unloaded, avoidable } = counts;
  const unavoidable = first + unanswered + ended + unloaded;
  return `${unavoidable + bricked + avoidable} IDENTIFYs, unavoidable ${unavoidable} (${first} first ones, ` +
    `${ended} after the gateway had ended the session, ${unanswered} whose READY never came, ${unloaded} that the session store did ` +
    `not give), ` +
    `${bricked} because every RESUME died, ${avoidable} avoidable`;
}

/** Several runs in words, a line each. */
export function describe(total: Total): string[] {
  const faults = Object.entries(total.faults).sort(([, a], [, b]) => b - a);
  return [
    `${total.runs} runs, ${total.failed} failed; ${(total.simulatedMs / 3_600_000).toFixed(1)} simulated hours in ` +
    `${(total.tookMs / 1000).toFixed(1)} s`,
    `faults: ${faults.reduce((sum, [, count]) => sum + count, 0)} (${list(faults)})`,
    `figures: ${list(Object.entries(total.figures))}`,
    `identifies: ${identifiesOf(total.identifies)}`,
    `at most: ${list(Object.entries(total.peaks))}`,
  ];
}

/** A failed run in words, a line each: what went wrong, what came before, and how to see it again. */
export function describeFailure({ plan, problems, lines }: Report, command: string): string[] {
  return [
    `SEED ${plan.seed} FAILED`,
    ...lines.map((line) => `  ${line}`),
    `plan: ${JSON.stringify(plan)}`,
    ...problems.map((problem) => `PROBLEM: ${problem}`),
    `again: ${command}`,
  ];
}

function add(sum: Record<string, number>, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) sum[name] = (sum[name] ?? 0) + value;
}

function list(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toFixed(2)}`).join(", ");
}
