import { command } from "./command.ts";

/** The oldest line of Node that the npm package is for; npm has its executables as packages. */
const NODE_VERSION = "22.23.3";

/** Finds the pinned Node: the one on this machine if it is of that version, otherwise the one that npm has. */
export async function findNode(): Promise<string> {
  const print = ["-p", "`${process.versions.node} ${process.execPath}`"];
  // Outside the project, whose package.json and node_modules npx would look into.
  const cwd = Deno.env.get("TMPDIR") ?? "/tmp";
  const answers: string[] = [];
  for (const [program = "", ...args] of [["node", ...print], ["npx", "-y", `node@${NODE_VERSION}`, ...print]]) {
    const { output } = await command(program, args, { cwd });
    const [, found] = output.match(new RegExp(`^${RegExp.escape(NODE_VERSION)} (.+)$`, "m")) ?? [];
    if (found !== undefined) return found;
    answers.push(output.trim());
  }
  throw new Error(`Cannot find Node ${NODE_VERSION}:\n  ${answers.join("\n  ")}`);
}
