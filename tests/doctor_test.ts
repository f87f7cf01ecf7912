import { type DoctorReport, examine, GatewayIntent } from "@gangway/gateway/doctor";
import { LocalGateway, type LocalGatewayOptions } from "@gangway/gateway/testing";
import { assert, assertEquals, assertGreater, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseIntents } from "../lib/doctor/intents.ts";
import { reportText } from "../lib/doctor/report_text.ts";
import { runtime, test } from "./harness.ts";

const SCRIPT = fileURLToPath(new URL("../lib/doctor.ts", import.meta.url));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command in a process of its own. */
function doctor(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { DISCORD_TOKEN: _token, GANGWAY_API_URL: _url, ...rest } = process.env;
  const run = runtime === "deno" ? ["run", "-A", "--quiet"] : ["run"];
  const child: ChildProcess = spawn(process.execPath, [...run, SCRIPT, ...args], {
    env: { ...rest, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended: Ended = { code: null, stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => ended.stdout += text);
  child.stderr?.setEncoding("utf8").on("data", (text: string) => ended.stderr += text);
  return new Promise((resolve) => child.once("close", (code) => resolve({ ...ended, code })));
}

/** Examines the bot of a gateway without sockets. */
async function examineOn(
  options: LocalGatewayOptions,
  { intents, token, script }: {
    intents?: number;
    token?: string;
    script?: (discord: LocalGateway) => void;
  } = {},
): Promise<{ report: DoctorReport; discord: LocalGateway }> {
  await using discord = await LocalGateway.start({ listen: false, ...options });
  script?.(discord);
  const { fetch, createWebSocket } = discord;
  const http = { fetch, createWebSocket };
  const report = await examine({ token: token ?? discord.token, intents: intents ?? 0, http, timeoutMs: 5_000 });
  return { report, discord };
}

test("examine finds nothing wrong with a bot that can start, and spends no identify", async () => {
  const { Guilds, MessageContent } = GatewayIntent;
  const options = { shards: 5, maxConcurrency: 2, sessionStartLimit: { remaining: 997 } };
  const { report, discord } = await examineOn(options, { intents: Guilds | MessageContent });
  assertEquals({ ok: report.ok, problems: report.problems }, { ok: true, problems: [] });
  assertEquals(report.tokenValid, true);
  assertEquals(report.application, { id: discord.bot.id, name: discord.bot.username });
  assertEquals(report.intents, { value: 32_769, names: ["Guilds", "MessageContent"] });
  assertEquals(report.privilegedIntents.map(({ state }) => state), ["on", "on", "on"]);
  const { shards, maxConcurrency, fullStartMs, identifies } = report.gateway!;
  assertEquals({ shards, maxConcurrency, fullStartMs }, { shards: 5, maxConcurrency: 2, fullStartMs: 10_500 });
  assertEquals([identifies.total, identifies.remaining], [1_000, 997]);
  assertEquals(report.connection?.compress, "zlib-stream");
  assertGreater(report.connection!.heartbeatMs, 0);
  assertEquals(discord.received.map(({ op }) => op), [1]);
  assertEquals(discord.closes.map(({ code }) => code), [1000]);
  assertEquals(discord.remainingSessionStarts, 997);
  assertEquals(discord.violations, []);
});

test("examine says where the gateway does not compress", async () => {
  await using discord = new LocalGateway();
  const { fetch } = discord;
  const createWebSocket = (url: string) => discord.createWebSocket(url.replace("&compress=zlib-stream", ""));
  const { connection, ok } = await examine({
    token: discord.token,
    http: { fetch, createWebSocket },
    timeoutMs: 5_000,
  });
  assertEquals([connection?.compress, ok], ["none", true]);
});

test("examine agrees on no compression where a shard would not either", async () => {
  const { navigator } = globalThis;
  const asNode = { userAgent: "Node.js/22" };
  Object.defineProperty(globalThis, "navigator", { value: asNode, configurable: true, writable: true });
  try {
    const { report, discord } = await examineOn({});
    assertEquals([report.connection?.compress, report.ok, report.runtime.compression], ["none", true, []]);
    assertEquals(discord.connections.map(({ query }) => query.compress), [undefined]);
  } finally {
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true, writable: true });
  }
});

test("examine says that the token is not valid, and does not go on", async () => {
  const token = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.canary";
  const { report, discord } = await examineOn({}, { token });
  assertEquals({ ok: report.ok, tokenValid: report.tokenValid }, { ok: false, tokenValid: false });
  assertEquals(report.problems.length, 1);
  assertStringIncludes(report.problems[0]!, "https://discord.com/developers/applications");
  assertEquals(JSON.stringify(report).includes("canary"), false);
  assertEquals(discord.httpRequests.length, 1);
});

test("examine names the privileged intents that are asked for and off, and where to switch them on", async () => {
  const { Guilds, GuildMembers, GuildPresences, MessageContent } = GatewayIntent;
  const allowedIntents = Guilds | GuildPresences;
  const { report, discord } = await examineOn({ allowedIntents }, { intents: Guilds | GuildMembers | GuildPresences });
  assertEquals(report.privilegedIntents, [
    { name: "GuildMembers", state: "off" },
    { name: "GuildPresences", state: "on" },
    { name: "MessageContent", state: "off" },
  ]);
  assertEquals(report.problems, [
    'GuildMembers is asked for and switched off: switch on "Server Members Intent" at ' +
    `https://discord.com/developers/applications/${discord.bot.id}/bot, or leave it out`,
  ]);
  const { report: other } = await examineOn({ allowedIntents: Guilds | MessageContent }, { intents: Guilds });
  assertEquals(other.ok, true);
});

test("examine says that fewer identifies are left than a full start takes", async () => {
  const { report } = await examineOn({
    shards: 4,
    sessionStartLimit: { total: 1_000, remaining: 3, resetAfterMs: 120_000 },
  });
  assertEquals(report.ok, false);
  assertEquals(report.problems.length, 1);
  assertStringIncludes(report.problems[0]!, "takes 4 identifies, and 3 are left: wait 2 minutes");
});

test("examine says what failed where Discord cannot be reached, and that nothing is known of the token", async () => {
  const { report } = await examineOn({}, { script: (discord) => discord.stopListening() });
  assertEquals({ ok: report.ok, tokenValid: report.tokenValid }, { ok: false, tokenValid: null });
  assertMatch(report.problems.join(), /^Cannot GET \/gateway\/bot: .*refused$/);
});

test("examine says that something else answers in the place of the application", async () => {
  await using discord = new LocalGateway();
  const { createWebSocket, token } = discord;
  for (const body of [null, {}, { id: "1", name: 2 }, { id: "1", name: "bot", flags: "0" }]) {
    const fetch = (input: string | URL | Request, init?: RequestInit) =>
      String(input).endsWith("/applications/@me") ? Promise.resolve(Response.json(body)) : discord.fetch(input, init);
    const report = await examine({ token, http: { fetch, createWebSocket }, timeoutMs: 5_000 });
    assertEquals([report.application, report.problems], [null, [
      "Cannot use the answer to GET /applications/@me: it is not an application",
    ]]);
  }
});

test("examine goes on to report when the gateway lets nobody in or stays silent", async () => {
  const { report: refused } = await examineOn({}, { script: (discord) => discord.rejectUpgrade(503) });
  assertEquals([refused.ok, refused.tokenValid, refused.connection], [false, true, null]);
  assertMatch(refused.problems.join(), /^Cannot connect to the gateway at /);
  await using discord = await LocalGateway.start({ listen: false });
  discord.withholdHello();
  const { fetch, createWebSocket, token } = discord;
  const report = await examine({ token, http: { fetch, createWebSocket }, timeoutMs: 300 });
  assertEquals([report.ok, report.tokenValid, report.connection], [false, true, null]);
  assertEquals(report.problems, ["No answer within 300 ms"]);
  assertEquals(discord.openConnections, 0);
});

test("examine rejects a token that cannot be one", async () => {
  await assertRejects(() => examine({ token: "Bot abc" }), TypeError, "prefix");
  await assertRejects(() => examine({ token: "" }), TypeError, "must be a text");
});

test("parseIntents reads numbers and names in both spellings", () => {
  const { Guilds, GuildMessages, MessageContent } = GatewayIntent;
  for (const text of ["Guilds,GuildMessages,MessageContent", "GUILDS | GUILD_MESSAGES|MESSAGE_CONTENT", "33281"]) {
    assertEquals(parseIntents(text), Guilds | GuildMessages | MessageContent, text);
  }
  assertEquals(parseIntents("0"), 0);
  for (const text of ["Guild", "", "guilds,", "1.5", "-1", "1e3", "0b", "131072", "4294967296", "9007199254740993"]) {
    let error: Error | undefined;
    try {
      parseIntents(text);
    } catch (thrown) {
      error = thrown as Error;
    }
    assertStringIncludes(error?.message ?? `took ${text}`, "Cannot read the intents");
  }
});

test("reportText does not let names steer the terminal", async () => {
  const { report } = await examineOn({});
  const text = reportText({ ...report, application: { id: "1", name: "\x1b[2Jevil\u202e" } });
  assertStringIncludes(text, "[2Jevil (1)");
  assertEquals(text.includes("\x1b"), false);
});

test("the doctor's command reports on a gateway of its own, and ends with 0", async () => {
  const { code, stdout, stderr } = await doctor(["--local", "--intents", "Guilds,MessageContent"]);
  assertEquals(code, 0, stderr);
  for (const text of ["Token         valid\n", "Intents       Guilds, MessageContent\n", "Nothing is wrong\n"]) {
    assertStringIncludes(stdout, text);
  }
  assertStringIncludes(stderr, "Connecting to the gateway…\n");
  assertEquals((stdout + stderr).includes("\x1b"), false);
});

test("the doctor's command ends with 1 and writes JSON where something is wrong", async () => {
  await using discord = await LocalGateway.start({ allowedIntents: GatewayIntent.Guilds });
  const env = { DISCORD_TOKEN: discord.token, GANGWAY_API_URL: discord.url };
  const { code, stdout, stderr } = await doctor(["--json", "--intents", "MessageContent"], env);
  assertEquals({ code, stderr }, { code: 1, stderr: "" });
  const report = JSON.parse(stdout) as DoctorReport;
  assertEquals([report.ok, report.tokenValid, report.problems.length], [false, true, 1]);
  assert(!stdout.includes(discord.token));
  assertEquals(discord.identifies.length, 0);
});

test("the doctor's command ends with 2 where it cannot be understood, and explains itself", async () => {
  const cases: [args: string[], text: string][] = [
    [["--token", "abc"], "--token"],
    [["abc"], "abc"],
    [["--local", "--intents", "Guild"], "GuildMembers"],
    [["--local", "--timeout", "soon"], "--timeout"],
    [[], "Set DISCORD_TOKEN"],
  ];
  const [help, ...failed] = await Promise.all([doctor(["--help"]), ...cases.map(([args]) => doctor(args))]);
  assertEquals(help?.code, 0);
  assertStringIncludes(help?.stdout ?? "", "--intents LIST");
  for (const [index, { code, stdout, stderr }] of failed.entries()) {
    assertEquals({ code, stdout }, { code: 2, stdout: "" });
    assertStringIncludes(stderr, cases[index]![1]);
  }
});
