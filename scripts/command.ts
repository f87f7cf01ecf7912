/** The folder of the project, with a slash at its end. */
export const ROOT: URL = new URL("../", import.meta.url);

/** How a command ended, and what it wrote. */
export interface CommandResult {
  /** Whether it ended with exit code 0. */
  success: boolean;
  /** What it wrote to standard output and standard error; empty where it was shown as it came. */
  output: string;
}

/** Options of {@linkcode command}. */
export interface CommandOptions {
  /** Is given each line that the command writes, as it comes; otherwise they are in the result. */
  onLine?: (line: string) => void;
  /** Lets the command write to where this script does. */
  inherit?: boolean;
  /** Where it runs; the project's folder when not given. */
  cwd?: string | URL;
  /** Ends the command. */
  signal?: AbortSignal;
}

/** Runs a command to its end. */
export async function command(
  program: string,
  args: readonly string[],
  { onLine, inherit = false, cwd = ROOT, signal }: CommandOptions = {},
): Promise<CommandResult> {
  const stdio = inherit ? "inherit" : "piped";
  const child = new Deno.Command(program, {
    args: [...args],
    cwd,
    // Deno colors what goes into a pipe, too, and adds a backtrace of its own parts to a failed check.
    env: { RUST_BACKTRACE: "0", ...(!Deno.stdout.isTerminal() && { NO_COLOR: "1" }) },
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
    ...(signal && { signal }),
  }).spawn();
  if (inherit) return { success: (await child.status).success, output: "" };
  let output = "";
  onLine ??= (line) => output += `${line}\n`;
  const [{ success }] = await Promise.all([
    child.status,
    forEachLine(child.stdout, onLine),
    forEachLine(child.stderr, onLine),
  ]);
  return { success, output };
}

async function forEachLine(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  if (rest !== "") onLine(rest);
}

/** Runs Deno, the one that runs this script. */
export function deno(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
  return command(Deno.execPath(), args, options);
}

/** Names of the files below a folder of the project whose name ends in `suffix`, sorted, with `/` between their parts. */
export async function filesBelow(folder: string, suffix: string): Promise<string[]> {
  const files: string[] = [];
  let entries: Deno.DirEntry[];
  try {
    entries = await Array.fromAsync(Deno.readDir(new URL(`${folder}/`, ROOT)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return files;
    throw error;
  }
  for (const { name, isDirectory } of entries) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await filesBelow(path, suffix));
    else if (name.endsWith(suffix)) files.push(path);
  }
  return files.sort();
}
