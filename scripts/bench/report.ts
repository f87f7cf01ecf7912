/**
 * Writes the last table into `BENCHMARKS.md`, between two marks; what is around them is written by hand.
 *
 * @module
 */

import { BUN_VERSION } from "../bun.ts";
import { command, deno, ROOT } from "../command.ts";
import { peerVersions } from "./peers.ts";
import type { Machine } from "./processes.ts";
import { type Cell, markdownTable } from "./table.ts";

const FILE = new URL("BENCHMARKS.md", ROOT);
const START = "<!-- table -->";
const END = "<!-- end of table -->";

/** The machine and the versions, in a few lines. */
export async function describeMachine({ programs, peersFolder, pin }: Machine, rounds: number): Promise<string> {
  const lines = [
    `${await cpuModel()}, ${navigator.hardwareConcurrency} cores, ${Deno.build.os}; ${
      pin("client").length > 0 ? "server and client on cores of their own" : "not pinned to cores"
    }; ${rounds} rounds.`,
    `Deno ${Deno.version.deno}, Bun ${BUN_VERSION}${
      peersFolder === null ? "." : `, Node ${await nodeVersion(programs.node)}; ${peerVersions()}.`
    }`,
  ];
  return lines.join("\n");
}

/** Replaces the table. */
export async function writeReport(table: readonly (readonly Cell[])[], about: string): Promise<void> {
  const text = await Deno.readTextFile(FILE);
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`Cannot write the table: ${FILE.pathname} has no place for it`);
  const date = new Date().toISOString().slice(0, 10);
  const body = `${START}\n\n${about.replace("\n", " ")} ${date}.\n\n${markdownTable(table)}\n\n`;
  await Deno.writeTextFile(FILE, text.slice(0, start) + body + text.slice(end));
  await deno(["fmt", FILE.pathname]);
}

async function cpuModel(): Promise<string> {
  try {
    const [, model] = (await Deno.readTextFile("/proc/cpuinfo")).match(/^model name\s*:\s*(.+)$/m) ?? [];
    return model ?? Deno.build.arch;
  } catch {
    return Deno.build.arch;
  }
}

async function nodeVersion(node: string): Promise<string> {
  const { output } = await command(node, ["--version"]);
  return output.trim().replace(/^v/, "");
}
