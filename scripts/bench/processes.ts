/**
 * Starts the server and the clients, each on a processor core of its own where the system can do that.
 *
 * @module
 */

import { ROOT } from "../command.ts";
import type { ClientOptions, ClientResult } from "./clients/meter.ts";
import type { Contestant, Runtime } from "./scenario.ts";
import type { ServerOptions } from "./server.ts";

/** What it takes to start a contestant. */
export interface Machine {
  /** The executable of each runtime. */
  programs: Readonly<Record<Runtime, string>>;
  /** Where peers are installed, if they are. */
  peersFolder: string | null;
  /** Goes before a command, to pin it to a core; empty where that cannot be done. */
  pin(role: "server" | "client"): string[];
}

/** What a client told, and what was seen of its process from outside. */
export type Sample = ClientResult & {
  /** From the start of the process to its end, in milliseconds. */
  processMs: number;
};

/** The server, running. */
export interface BenchmarkServer extends AsyncDisposable {
  port: number;
}

const CLIENT_TIMEOUT_MS = 120_000;
const SERVER_CORE = String(navigator.hardwareConcurrency - 1);
const CLIENT_CORE = "0";

/** Finds out whether processes can be pinned. */
export async function pinning(): Promise<Machine["pin"]> {
  try {
    const { success } = await new Deno.Command("taskset", { args: ["-c", SERVER_CORE, "true"] }).output();
    if (success && SERVER_CORE !== CLIENT_CORE) {
      return (role) => ["taskset", "-c", role === "server" ? SERVER_CORE : CLIENT_CORE];
    }
  } catch {
    // Not everybody has it; CPU time is then still the client's own.
  }
  return () => [];
}

/** Starts the server; it has prepared everything when this resolves. */
export async function startServer(machine: Machine, options: ServerOptions): Promise<BenchmarkServer> {
  const [program = "", ...args] = [
    ...machine.pin("server"),
    ...denoCommand(machine),
    fileURL("server.ts"),
    JSON.stringify(options),
  ];
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  const port = Number(value.trim());
  if (!(port > 0)) throw new Error(`Cannot start the server: it said ${JSON.stringify(value)}`);
  return {
    port,
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

/**
 * Runs a client to its end.
 *
 * @throws {Error} If it gave no result, or events were missing.
 */
export async function runClient(
  machine: Machine,
  contestant: Contestant,
  options: Omit<ClientOptions, "mode" | "compress">,
): Promise<Sample> {
  const { client, mode, compress, shards } = contestant;
  const isPeer = client === "peer";
  const whole: ClientOptions = { ...options, mode, compress, ...(shards !== undefined && { shards }) };
  const [program = "", ...args] = [
    ...machine.pin("client"),
    ...runtimeCommand(machine, contestant),
    isPeer ? `${machine.peersFolder}/peer.mjs` : fileURL(`clients/${client}.ts`),
    JSON.stringify(whole),
  ];
  const start = performance.now();
  const { stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: isPeer ? machine.peersFolder as string : ROOT,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS),
  }).output();
  const processMs = performance.now() - start;
  const decoder = new TextDecoder();
  const result = parsed(decoder.decode(stdout), client === "empty" || client === "import");
  if (result === undefined) throw new Error(reasonIn(decoder.decode(stderr)));
  if (result.breaks > 0) throw new Error(`${result.breaks} events missing or out of order`);
  return { ...result, processMs };
}

function denoCommand({ programs }: Machine): string[] {
  return [programs.deno, "run", "-A", "--no-check", "--config", new URL("deno.json", ROOT).pathname];
}

function runtimeCommand(machine: Machine, { runtime, client, optimizeForSize }: Contestant): string[] {
  const { programs } = machine;
  if (runtime !== "deno") return [programs[runtime]];
  if (client === "peer") return [programs.deno, "run", "-A", "--no-config", "--node-modules-dir=manual"];
  const flags = [...(client === "shards" ? ["--expose-gc"] : []), ...(optimizeForSize ? ["--optimize-for-size"] : [])];
  return [...denoCommand(machine), ...(flags.length > 0 ? [`--v8-flags=${flags.join(",")}`] : [])];
}

function fileURL(file: string): string {
  return new URL(`scripts/bench/${file}`, ROOT).pathname;
}

/** The last line that a client writes is its result; some libraries write more. */
function parsed(output: string, isSilent: boolean): ClientResult | undefined {
  if (isSilent) return { cpuUs: 0, wallUs: 0, peakKiB: 0, breaks: 0 };
  try {
    return JSON.parse(output.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}

function reasonIn(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => /error/i.test(line));
  return lines[0]?.trim().slice(0, 120) ?? `no result within ${CLIENT_TIMEOUT_MS / 1_000} s`;
}
