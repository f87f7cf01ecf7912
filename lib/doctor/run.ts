import process from "node:process";
import { parseArgs } from "node:util";
import { type DoctorReport, examine, type ExamineOptions } from "./examine.ts";
import { parseIntents } from "./intents.ts";
import { Progress } from "./progress.ts";
import { type Look, reportText } from "./report_text.ts";

const HELP = `Examines whether a Discord bot can start. It spends no identify.

  DISCORD_TOKEN=… deno run -A jsr:@gangway/gateway/doctor [options]
  DISCORD_TOKEN=… bunx --bun @gangway/gateway [options]

The token is taken from the environment variable DISCORD_TOKEN alone: what is on a
command line can be seen by everyone on the machine.

Options
  --intents LIST   The intents of the bot: names (Guilds,MessageContent) or a number
  --local          Examine a Discord that this process brings along, instead of the real one
  --json           Write the report as JSON
  --timeout S      How long it may take, in seconds (15)
  --help           Show this

Exit code: 0 nothing is wrong, 1 something is, 2 the command cannot be understood.
GANGWAY_API_URL, where it is set, is asked instead of https://discord.com/api/v10.`;

const CODES: Record<Look, number> = { bold: 1, dim: 2, green: 32, red: 31 };

/**
 * The command: reads arguments, examines, writes the report to standard output. Gives the exit code.
 *
 * @param args What came after the command's name.
 */
export async function runDoctor(args: readonly string[]): Promise<number> {
  let asked: Asked;
  try {
    asked = read(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nSee --help\n`);
    return 2;
  }
  if (asked.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  let report: DoctorReport;
  try {
    report = asked.local ? await examineLocal(asked) : await examineWithProgress(asked, asked);
  } catch (error) {
    // Only what was given can be wrong here: the token in the environment, or the URL.
    process.stderr.write(`${(error as Error).message}\n`);
    return 2;
  }
  process.stdout.write(`${asked.json ? JSON.stringify(report, null, 2) : reportText(report, style)}\n`);
  return report.ok ? 0 : 1;
}

interface Asked extends ExamineOptions {
  help: boolean;
  json: boolean;
  local: boolean;
}

/** @throws {Error} If there is something that cannot be understood. */
function read(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      intents: { type: "string", default: "0" },
      json: { type: "boolean", default: false },
      local: { type: "boolean", default: false },
      timeout: { type: "string", default: "15" },
    },
  });
  const { help, json, local } = values;
  const { DISCORD_TOKEN: token = "", GANGWAY_API_URL: baseUrl } = process.env;
  const timeoutMs = Number(values.timeout) * 1_000;
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) {
    throw new RangeError("Cannot use --timeout: it must be a number of seconds");
  }
  if (!help && !local && token === "") {
    throw new TypeError(
      "Set DISCORD_TOKEN to your bot's token; https://discord.com/developers/applications has it under Bot",
    );
  }
  return { help, json, local, token, intents: parseIntents(values.intents), timeoutMs, http: { baseUrl } };
}

async function examineWithProgress({ json }: Asked, options: ExamineOptions): Promise<DoctorReport> {
  if (json) return await examine(options);
  using progress = new Progress();
  return await examine({ ...options, onProgress: (what) => progress.show(what) });
}

async function examineLocal(asked: Asked): Promise<DoctorReport> {
  const { LocalGateway } = await import("../testing/mod.ts");
  // It has sockets on Deno and Bun; elsewhere everything stays in memory.
  const listen = "deno" in process.versions || "bun" in process.versions;
  await using discord = await LocalGateway.start({ listen });
  const { token, url: baseUrl } = discord;
  const http = listen ? { baseUrl } : { fetch: discord.fetch, createWebSocket: discord.createWebSocket };
  return await examineWithProgress(asked, { ...asked, token, http });
}

/** Colors are for terminals, and for those who want them. */
function style(look: Look, text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[${CODES[look]}m${text}\x1b[0m` : text;
}
