/**
 * What can go wrong, and how often it does.
 *
 * @module
 */
import type { World } from "./world.ts";
import { CONNECTION_FAULTS } from "./connection_faults.ts";
import { pick } from "./plan.ts";
import { SESSION_FAULTS } from "./session_faults.ts";
import { SILENCE_FAULTS } from "./silence_faults.ts";

/** Something that can go wrong. */
export interface Fault {
  /** How often it happens, compared with the others. */
  weight: number;
  /** Makes it happen. */
  begin(world: World): void;
}

/** Faults by their names. */
export type Faults = Readonly<Record<string, Fault>>;

const ALL: Faults = { ...CONNECTION_FAULTS, ...SESSION_FAULTS, ...SILENCE_FAULTS };

const DRAWN = Object.entries(ALL).flatMap(([name, { weight }]) => new Array<string>(weight).fill(name));

/** The names of all faults. */
export const FAULT_NAMES: readonly string[] = Object.keys(ALL);

/** Makes any of them happen. */
export function strike(world: World): void {
  // Only the client's process was blocked, so the network waits until it goes on.
  if (world.time.isBlocked) return world.after(1, () => strike(world));
  const name = pick(world.random, DRAWN);
  world.faults.set(name, (world.faults.get(name) ?? 0) + 1);
  world.trace.note(`fault: ${name}`);
  ALL[name]?.begin(world);
}
