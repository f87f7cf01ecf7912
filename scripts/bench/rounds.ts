/**
 * Runs contestants in turn, so that what disturbs the machine disturbs all of them.
 *
 * @module
 */

import { type Machine, runClient, type Sample, startServer } from "./processes.ts";
import { type Contestant, idOf, type Scenario } from "./scenario.ts";

/** What each contestant measured in each round; `undefined` where it failed. */
export type Samples = Map<string, (Sample | undefined)[]>;

/** What came of a scenario. */
export interface Outcome {
  samples: Samples;
  /** Why a contestant failed, by its id. */
  failures: Map<string, string>;
}

/** Options of {@linkcode runRounds}. */
export interface RunRoundsOptions {
  rounds: number;
  /** Is told what is about to run. */
  onRun: (id: string, round: number) => void;
}

/** Runs every contestant of a scenario once a round, each other round in the opposite order. */
export async function runRounds(machine: Machine, scenario: Scenario, options: RunRoundsOptions): Promise<Outcome> {
  const { contestants, traffic, often = 1 } = scenario;
  const outcome: Outcome = { samples: new Map(), failures: new Map() };
  await using server = traffic === null ? null : await startServer(machine, traffic);
  const run = async (contestant: Contestant): Promise<void> => {
    const id = idOf(contestant);
    const samples = outcome.samples.get(id) ?? [];
    outcome.samples.set(id, samples);
    // One that hangs would hang in every round.
    if (samples.length > 0 && samples.every((sample) => sample === undefined)) return void samples.push(undefined);
    options.onRun(id, samples.length);
    try {
      samples.push(await runClient(machine, contestant, { port: server?.port ?? 0, count: traffic?.count ?? 0 }));
    } catch (error) {
      samples.push(undefined);
      outcome.failures.set(id, (error as Error).message);
    }
  };
  for (let round = 0; round < options.rounds * often; round++) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) await run(contestant);
  }
  return outcome;
}
