import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import { LocalGateway } from "@gangway/gateway/testing";
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { Child } from "./child.ts";
import { test } from "./harness.ts";
import type { ShutdownBotOptions } from "./shutdown_bot.ts";

/** A bot in a process of its own, with the gateway that it is ready on. */
class Bot implements AsyncDisposable {
  readonly gateway: LocalGateway;
  readonly child: Child;

  private constructor(gateway: LocalGateway, options: ShutdownBotOptions) {
    this.gateway = gateway;
    this.child = new Child("shutdown_bot.ts", [gateway.url, gateway.token, JSON.stringify(options)]);
  }

  static async start(options: ShutdownBotOptions = {}): Promise<Bot> {
    const bot = new Bot(await LocalGateway.start(), options);
    await bot.child.writes("ready");
    return bot;
  }

  /** Sends a signal and tells how the process ended, and how its connection. */
  async end(signal: "SIGINT" | "SIGTERM"): Promise<{ exit: number | string; close: number | undefined }> {
    this.child.signal(signal);
    const exit = await this.child.ended;
    return { exit, close: this.gateway.closes[0]?.code };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
    await this.gateway[Symbol.asyncDispose]();
  }
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(`${tmpdir()}/gangway-shutdown-`);
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("shutdownOnSignal ends the session and the process at either signal", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // Something else that runs does not matter.
    await using bot = await Bot.start({ busy: true });
    assertEquals(await bot.end(signal), { exit: 0, close: 1000 });
  }
});

test("shutdownOnSignal keeps the session where there is a store for it, unless told otherwise", async () => {
  await inFolder(async (folder) => {
    await using keeping = await Bot.start({ folder });
    assertEquals(await keeping.end("SIGTERM"), { exit: 0, close: 4900 });
    assertEquals(await readdir(folder), ["session-0-1.json"]);
  });
  await inFolder(async (folder) => {
    await using ending = await Bot.start({ folder, cleanup: true });
    assertEquals(await ending.end("SIGTERM"), { exit: 0, close: 1000 });
    assertEquals(await readdir(folder), []);
  });
  await using storeless = await Bot.start({ cleanup: false });
  assertEquals(await storeless.end("SIGTERM"), { exit: 0, close: 4900 });
});

test("shutdownOnSignal waits for what is done at the signal, and keeps the exit code that was set", async () => {
  await using bot = await Bot.start({ onSignal: "work", exitCode: 3 });
  assertEquals(await bot.end("SIGTERM"), { exit: 3, close: 1000 });
  assertStringIncludes(bot.child.output, "worked at SIGTERM");
});

test("shutdownOnSignal ends with 1 and says why when what is done at the signal fails", async () => {
  await using bot = await Bot.start({ onSignal: "fail" });
  assertEquals(await bot.end("SIGINT"), { exit: 1, close: 1000 });
  assertMatch(bot.child.output, /Cannot shut down in order:[^]*no database/);
});

test("shutdownOnSignal ends at once at a second signal, with the code a shell would report", async () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await using bot = await Bot.start({ onSignal: "hang", busy: true, deadlineMs: 600_000 });
    bot.child.signal("SIGTERM");
    await bot.child.writes("hanging");
    assertEquals((await bot.end(signal)).exit, code);
  }
});

test("shutdownOnSignal ends with 1 at the deadline, also towards a gateway that has gone silent", async () => {
  await using hanging = await Bot.start({ onSignal: "hang", busy: true, deadlineMs: 50 });
  assertEquals((await hanging.end("SIGINT")).exit, 1);
  await using muted = await Bot.start({ deadlineMs: 50 });
  muted.gateway.freeze();
  assertEquals((await muted.end("SIGTERM")).exit, 1);
  await using busy = await Bot.start({ busy: true, exit: false, deadlineMs: 50 });
  assertEquals((await busy.end("SIGTERM")).exit, 1);
});

test("shutdownOnSignal without exit lets listeners finish, and the process end by itself", async () => {
  await using bot = await Bot.start({ exit: false, deadlineMs: 600_000 });
  bot.gateway.user("Ann").says("hello");
  await bot.child.writes("listening");
  assertEquals(await bot.end("SIGTERM"), { exit: 0, close: 1000 });
  assertStringIncludes(bot.child.output, "listened");
});

test("shutdownOnSignal leaves other signals alone, and all of them once it is disposed", async () => {
  await using other = await Bot.start({ signals: ["SIGINT"], busy: true });
  assertEquals((await other.end("SIGTERM")).exit, "SIGTERM");
  await using disposed = await Bot.start({ disposed: true, busy: true });
  assertEquals((await disposed.end("SIGINT")).exit, "SIGINT");
});

test("shutdownOnSignal does not keep the process alive", async () => {
  await using bot = await Bot.start({ closes: true });
  assertEquals(await bot.child.ended, 0);
});

test("shutdownOnSignal refuses a deadline that is none and then listens to nothing", () => {
  const target = { close: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  const before = process.listenerCount("SIGTERM");
  for (const deadlineMs of [-1, NaN, Infinity, 2 ** 31]) {
    assertThrows(() => shutdownOnSignal(target, { deadlineMs }), RangeError, "deadlineMs must be a number from 0 to");
  }
  assertEquals(process.listenerCount("SIGTERM"), before);
});
