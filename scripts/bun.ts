import { command } from "./command.ts";

/** The version of Bun that the tests run on. */
export const BUN_VERSION = "1.4.5";

/**
 * Finds the pinned Bun: the one on this machine if it is of that version, otherwise the one that npm has (which needs
 * its install script, so it is `npx` that sets it up). Gives the path of the executable.
 */
export async function findBun(): Promise<string> {
  const path = ["-e", "console.log(process.versions.bun, process.execPath)"];
  // Outside the project, whose package.json and node_modules npx would look into.
  const cwd = Deno.env.get("TMPDIR") ?? "/tmp";
  const tries = [["bun", ...path], ["npx", "-y", `bun@${BUN_VERSION}`, ...path]];
  const answers: string[] = [];
  for (const [program = "", ...args] of tries) {
    const line = [program, ...args.slice(0, -path.length)].join(" ");
    try {
      const { output } = await command(program, args, { cwd });
      const [, found] = output.match(new RegExp(`^${RegExp.escape(BUN_VERSION)} (.+)$`, "m")) ?? [];
      if (found !== undefined) return found;
      answers.push(`${line}: ${output.trim()}`);
    } catch (error) {
      answers.push(`${line}: ${error}`);
    }
  }
  throw new Error(`Cannot find Bun ${BUN_VERSION}: install it, or Node with npm\n  ${answers.join("\n  ")}`);
}
