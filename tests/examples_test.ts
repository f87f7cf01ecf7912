import { LocalGateway } from "@gangway/gateway/testing";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { validate } from "dockerfile-utils";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime, test } from "./harness.ts";
import { StatusReader } from "./status_rig.ts";

const FOLDER = fileURLToPath(new URL("../examples/", import.meta.url));
const DEADLINE_MS = 45_000;

/** An example in a process of its own, on the runtime of the test. */
class Example implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #waiters: (() => void)[] = [];
  /** What it has written. */
  output = "";

  constructor(name: string, env: Record<string, string>, args: readonly string[] = [], verb: "run" | "test" = "run") {
    const { DISCORD_TOKEN: _token, GANGWAY_API_URL: _url, ...rest } = process.env;
    const command = runtime === "deno" ? [verb, "-A"] : [verb];
    this.#child = spawn(process.execPath, [...command, `${FOLDER}${name}.ts`, ...args], {
      env: { ...rest, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.#wake();
      });
    }
    // Whatever becomes of the test, no process is left behind.
    const deadline = setTimeout(() => this.#child.kill("SIGKILL"), DEADLINE_MS);
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        clearTimeout(deadline);
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Starts one whose Discord is a gateway of the test's. */
  static on(gateway: LocalGateway, name: string, args: readonly string[] = []): Example {
    return new Example(name, { DISCORD_TOKEN: gateway.token, GANGWAY_API_URL: gateway.url }, args);
  }

  /** Resolves when it has written something. */
  async writes(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      const written = new Promise<"written">((resolve) => this.#waiters.push(() => resolve("written")));
      const code = await Promise.race([written, this.#ended]);
      if (code !== "written" && !this.output.includes(text)) {
        throw new Error(`Ended with ${code} before it wrote "${text}":\n${this.output}`);
      }
    }
  }

  /** Ends it, as Ctrl-C or a service manager does, and gives the exit code. */
  stop(signal: "SIGINT" | "SIGTERM"): Promise<number | null> {
    // On Deno, `child.kill` has the exit code reported as `null` whatever the process makes of the signal.
    process.kill(this.#child.pid as number, signal);
    return this.#ended;
  }

  /** The exit code, when it ends by itself. */
  get exitCode(): Promise<number | null> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

test("example ping_pong answers ping with pong and ends cleanly at SIGINT", async () => {
  await using gateway = await LocalGateway.start();
  await using example = Example.on(gateway, "ping_pong");
  await example.writes("Shard 0 is ready");
  const answer = gateway.next("message");
  gateway.user("Ann").says("hello");
  gateway.user("Ben").says("ping");
  assertEquals((await answer).content, "pong");
  assertEquals(await example.stop("SIGINT"), 0);
  assertEquals(gateway.messages.length, 1);
  assertEquals(gateway.closes.map(({ code }) => code), [1000]);
  assertEquals(gateway.violations, []);
});

test("example ping_pong ends with 1 and says what to do after a critical error", async () => {
  await using gateway = await LocalGateway.start({ allowedIntents: 512 });
  const token = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.canary";
  await using wrongToken = new Example("ping_pong", { DISCORD_TOKEN: token, GANGWAY_API_URL: gateway.url });
  await using disallowedIntent = Example.on(gateway, "ping_pong");
  assertEquals(await wrongToken.exitCode, 1);
  assertStringIncludes(wrongToken.output, "InvalidTokenError: ");
  assertStringIncludes(wrongToken.output, "https://discord.com/developers/applications");
  assertEquals(wrongToken.output.includes("canary"), false);
  assertEquals(await disallowedIntent.exitCode, 1);
  assertStringIncludes(disallowedIntent.output, "DisallowedIntentsError: ");
  assertStringIncludes(disallowedIntent.output, "MessageContent");
  assertEquals(disallowedIntent.output.includes(gateway.token), false);
});

test("examples without a token end with 1 and one line", async () => {
  for (const name of ["ping_pong", "raw_events"]) {
    await using example = new Example(name, {});
    assertEquals(await example.exitCode, 1);
    assertEquals(example.output.trimEnd().split("\n").length, 1);
    assertStringIncludes(example.output, "Set DISCORD_TOKEN");
  }
});

test("examples end at SIGTERM also towards a gateway that has gone silent", async () => {
  await using gateway = await LocalGateway.start({ identifyWindowMs: 0 });
  await using alone = Example.on(gateway, "ping_pong");
  await using run = Example.on(gateway, "raw_events");
  await Promise.all([alone.writes("Shard 0 is ready"), run.writes("READY")]);
  gateway.freeze();
  assertEquals(await Promise.all([alone.stop("SIGTERM"), run.stop("SIGTERM")]), [0, 0]);
});

test("example ping_pong_slash_command answers the command that register_slash_command registers", async () => {
  await using gateway = await LocalGateway.start();
  await using registration = Example.on(gateway, "register_slash_command");
  assertEquals(await registration.exitCode, 0);
  assertEquals(registration.output, "Registered /ping\n");
  const [post] = gateway.httpRequests.filter(({ method }) => method === "POST");
  assertEquals([post?.path, post?.status], [`/applications/${gateway.bot.id}/commands`, 201]);

  const identified = gateway.next("identify", ({ outcome }) => outcome === "ready");
  await using example = Example.on(gateway, "ping_pong_slash_command");
  await identified;
  const answer = gateway.next("interaction");
  const { id } = gateway.user("Ann").uses("ping");
  assertEquals(await answer, { interactionId: id, type: 4, data: { content: "pong" } });
  assertEquals(await example.stop("SIGINT"), 0);
  assertEquals(gateway.violations, []);
});

test("example discordjs_rest replies and reacts through a REST library of its own", async () => {
  await using gateway = await LocalGateway.start();
  const identified = gateway.next("identify", ({ outcome }) => outcome === "ready");
  await using example = Example.on(gateway, "discordjs_rest");
  await identified;
  const { id } = gateway.user("Ann").says("ping");
  const { content, repliesTo } = await gateway.reply({ timeoutMs: DEADLINE_MS });
  assertEquals([content, repliesTo], ["pong", id]);
  assertEquals(gateway.reactions.map((reaction) => [reaction.id, reaction.emoji]), [[id, "🏓"]]);
  assertEquals(await example.stop("SIGINT"), 0);
  assertEquals(gateway.violations, []);
});

test("example ping_pong_test is a suite that passes on this runtime's own test command", async () => {
  await using example = new Example("ping_pong_test", { NO_COLOR: "1" }, [], "test");
  assertEquals(await example.exitCode, 0, example.output);
  assertStringIncludes(example.output, runtime === "deno" ? "4 passed | 0 failed" : "4 pass");
});

test("example raw_events shows payloads, dispatches and what was sent", async () => {
  await using gateway = await LocalGateway.start();
  await using example = Example.on(gateway, "raw_events");
  await example.writes("GUILD_CREATE is dispatch 2");
  gateway.user("Ann").types();
  await example.writes("TYPING_START is dispatch 3");
  assertStringIncludes(example.output, 'shard 0 <- Hello {"');
  assertStringIncludes(example.output, "shard 0 -> Identify {");
  assertEquals(example.output.includes(gateway.token), false);
  assertEquals(await example.stop("SIGINT"), 0);
});

test("example resume_after_restart resumes in the next process and spends one identify in all", async () => {
  await using gateway = await LocalGateway.start();
  const folder = await mkdtemp(`${tmpdir()}/gangway-`);
  try {
    await using first = Example.on(gateway, "resume_after_restart", [folder]);
    await first.writes("new session, 1 identify spent");
    const { id: before } = gateway.user("Ann").says("before");
    await first.writes(`ann wrote ${before}`);
    assertEquals(await first.stop("SIGTERM"), 0);
    assertStringIncludes(first.output, `is in ${folder}`);
    assertEquals(await readdir(folder), ["session-0-1.json"]);

    const { id: meanwhile } = gateway.user("Ben").says("meanwhile");
    await using second = Example.on(gateway, "resume_after_restart", [folder]);
    await second.writes("resumed, no identify spent");
    await second.writes(`ben wrote ${meanwhile}`);
    assertEquals(await second.stop("SIGTERM"), 0);
    assertEquals(second.output.includes(before), false);
  } finally {
    await rm(folder, { recursive: true });
  }
  assertEquals(gateway.identifies.length, 1);
  assertEquals(gateway.resumes.map(({ outcome }) => outcome), ["resumed"]);
  assertEquals(gateway.violations, []);
});

test("example status_page has a page, and becomes ready", async () => {
  await using gateway = await LocalGateway.start();
  for (const given of [{ DISCORD_TOKEN: gateway.token, GANGWAY_API_URL: gateway.url }, {}]) {
    await using example = new Example("status_page", { ...given, PORT: "0" });
    await example.writes("The status page is at ");
    const [url = ""] = example.output.match(/http:\S+/) ?? [];
    assertStringIncludes(await (await fetch(url)).text(), "<title>Gateway status</title>");
    // Before there are shards there is nothing to follow.
    await example.writes(" shards ready");
    const events = new StatusReader(await fetch(`${url}events`));
    await events.until(({ summary }) => summary.ready > 0);
    await events.cancel();
    assertEquals(await example.stop("SIGINT"), 0);
  }
});

test("example demo plays a conversation, shows that pong was posted and ends", async () => {
  await using example = new Example("demo", {});
  assertEquals(await example.exitCode, 0, example.output);
  for (const text of ["2 of 4 shards ready\n", "4 of 4 shards ready after ", "ping\n", "posted   pong\n", "Latency "]) {
    assertStringIncludes(example.output, text);
  }
  assertEquals(example.output.split(" s left").length - 1, 1, example.output);
  assertEquals(example.output.includes("\x1b"), false);
});

test("example demo runs where DISCORD_TOKEN leads until SIGINT, and says what is wrong", async () => {
  await using gateway = await LocalGateway.start();
  await using example = Example.on(gateway, "demo");
  await using failing = new Example("demo", { DISCORD_TOKEN: "wrong", GANGWAY_API_URL: gateway.url });
  await example.writes("1 of 1 shards ready");
  gateway.user("Ann").says("ping");
  await example.writes("Local bot  pong");
  assertEquals(await example.stop("SIGINT"), 0);
  assertStringIncludes(example.output, "Closed");
  assertEquals(await failing.exitCode, 1);
  assertStringIncludes(failing.output, "InvalidTokenError: ");
});

test("example deploy/bot takes token and state from where systemd puts them, and resumes", async () => {
  await using gateway = await LocalGateway.start();
  const folder = await mkdtemp(`${tmpdir()}/gangway-`);
  const env = { CREDENTIALS_DIRECTORY: folder, STATE_DIRECTORY: `${folder}/state`, GANGWAY_API_URL: gateway.url };
  try {
    await writeFile(`${folder}/discord_token`, `${gateway.token}\n`);
    await using first = new Example("deploy/bot", env);
    await first.writes("shard 0: new session");
    assertEquals(await first.stop("SIGTERM"), 0);
    gateway.user("Ann").says("ping");
    await using second = new Example("deploy/bot", env);
    await second.writes("shard 0: resumed");
    assertEquals((await gateway.reply()).content, "pong");
    assertEquals(await second.stop("SIGTERM"), 0);
  } finally {
    await rm(folder, { recursive: true });
  }
  assertEquals(gateway.identifies.length, 1);
});

test("example deploy/bot ends with 78 where trying again is of no use", async () => {
  await using gateway = await LocalGateway.start();
  const env = { GANGWAY_API_URL: gateway.url };
  await using without = new Example("deploy/bot", env);
  await using wrong = new Example("deploy/bot", { ...env, DISCORD_TOKEN: "wrong" });
  assertEquals(await without.exitCode, 78);
  assertStringIncludes(without.output, "discord_token");
  assertEquals(await wrong.exitCode, 78);
  assertStringIncludes(wrong.output, "the token is not valid");
});

test("examples/deploy has Dockerfiles that a linter finds nothing in", async () => {
  const files = (await readdir(`${FOLDER}deploy`)).filter((name) => name.endsWith("Dockerfile"));
  assertEquals(files.length, 2);
  for (const file of files) assertEquals(validate(await readFile(`${FOLDER}deploy/${file}`, "utf8")), []);
  assertEquals(validate("RUN true\n").length, 1);
});

test("examples/deploy has a unit that systemd finds nothing wrong with", async () => {
  const folder = await mkdtemp(`${tmpdir()}/gangway-`);
  try {
    const unit = await readFile(`${FOLDER}deploy/discord-bot.service`, "utf8");
    const verify = async (text: string) => {
      await writeFile(`${folder}/discord-bot.service`, text);
      const child = spawn("systemd-analyze", ["verify", "--man=no", `${folder}/discord-bot.service`]);
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => output += text);
      }
      const [code] = await once(child, "close");
      return { code, output: output.split("\n").filter((line) => line.includes("discord-bot.service")) };
    };
    // Deno is not where the unit has it.
    const here = unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`);
    assertEquals(await verify(here), { code: 0, output: [] });
    assertEquals((await verify(`${here}\n[Service]\nRestartSecs=5\n`)).output.length, 1);
  } finally {
    await rm(folder, { recursive: true });
  }
}, { skip: !existsSync("/usr/bin/systemd-analyze") && "no systemd: `apt-get install systemd`" });

test("examples/deploy names the versions of the runtimes that are tested", async () => {
  const read = (path: string) => readFile(`${FOLDER}${path}`, "utf8");
  const [, denoVersion] = /deno@([\d.]+)/.exec(await read("../.ci/run")) ?? [];
  const [, bunVersion] = /BUN_VERSION = "([\d.]+)"/.exec(await read("../scripts/bun.ts")) ?? [];
  assertStringIncludes(await read("deploy/deno.Dockerfile"), `FROM denoland/deno:${denoVersion}\n`);
  assertStringIncludes(await read("deploy/bun.Dockerfile"), `FROM oven/bun:${bunVersion}-slim\n`);
});

test("example telemetry writes metrics and spans to the console and ends", async () => {
  await using example = new Example("telemetry", {});
  assertEquals(await example.exitCode, 0, example.output);
  for (const name of ["gateway.connect", "gateway.identify", "gateway.resume", "gateway.events", "gateway.latency"]) {
    assertStringIncludes(example.output, `name: "discord.${name}"`);
  }
});

test("example telemetry needs no SDK on Deno, whose own export sends metrics and spans to a collector", async () => {
  const bodies: Record<string, string> = {};
  const collector = createServer(async (request, response) => {
    for await (const chunk of request) bodies[request.url ?? ""] = `${bodies[request.url ?? ""] ?? ""}${chunk}`;
    response.setHeader("content-type", "application/json").end("{}");
  });
  await once(collector.listen(0, "127.0.0.1"), "listening");
  try {
    await using example = new Example("telemetry", {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
    });
    assertEquals(await example.exitCode, 0, example.output);
  } finally {
    collector.closeAllConnections();
    await once(collector.close(), "close");
  }
  for (const name of ["connect", "identify", "resume"]) {
    assertStringIncludes(bodies["/v1/traces"] ?? "", `"discord.gateway.${name}"`);
  }
  for (const name of ["shard.count", "events", "sessions", "disconnects", "latency"]) {
    assertStringIncludes(bodies["/v1/metrics"] ?? "", `"discord.gateway.${name}"`);
  }
}, { skip: runtime === "bun" && "only Deno exports by itself" });
