import { GatewayIntent, HTTPClient, MemorySessionStore, Shard, TimesPer } from "@gangway/gateway";
import { FileSessionStore } from "@gangway/gateway/file-session-store";
import { LocalGateway } from "@gangway/gateway/testing";
import { assert, assertEquals, assertExists, assertGreaterOrEqual } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Random } from "../lib/testing/random.ts";
import { Child } from "./child.ts";
import { test } from "./harness.ts";

test("Shard stores a new session at once, and without what READY's listeners have not finished", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  try {
    await using gateway = new LocalGateway();
    const { url: baseUrl, fetch, createWebSocket } = gateway;
    const httpClient = new HTTPClient({ baseUrl, fetch, createWebSocket });
    const sessionStore = new MemorySessionStore();
    await using shard = new Shard(0, 1, GatewayIntent.Guilds, gateway.token, new TimesPer(1, 5), httpClient, {
      compress: "none",
      sessionStore,
    });
    const work = Promise.withResolvers<void>();
    shard.eventDispatcher.listen("READY", () => work.promise);
    await shard.connect();
    await shard.ready;
    await clock.tickAsync(1);
    const stored = await sessionStore.load("0-1");
    assertEquals([stored?.id, stored?.sequence], [shard.sessionId, 0]);
    work.resolve();
  } finally {
    clock.uninstall();
  }
});

const SEED = 20_261_124;
const KILLS = 9;
/** How many events may be on their way at once. */
const WINDOW = 12;
/** What the bot says when a listener is done with an event; it has one of each kind. */
const LISTENERS = ["listened", "waited", "looped"] as const;

/** A flow of messages to a bot that dies now and then. Each message has a number of its own for its content. */
class Flow {
  readonly #gateway: LocalGateway;
  readonly #notes = new Set<string>();
  readonly #finished = new Set<number>();
  #waiter: { count: number; resolve: () => void } | undefined;
  #onSaved = () => {};
  #isRunning = false;
  #sent = 0;

  constructor(gateway: LocalGateway) {
    this.#gateway = gateway;
  }

  /** How many messages there were. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether every listener of some process has finished a message. */
  isFinished(message: number): boolean {
    return this.#finished.has(message);
  }

  /** Sends messages as fast as the bot gets done with them; resolves when it has finished so many more. */
  run(count: number): Promise<void> {
    this.#isRunning = true;
    const done = new Promise<void>((resolve) => this.#waiter = { count: this.#finished.size + count, resolve });
    this.#pump();
    return done;
  }

  /** Sends messages as fast as the bot gets done with them; resolves when it has stored its session so many times. */
  async runAndSave(saves: number): Promise<void> {
    void this.run(Infinity);
    for (; saves > 0; saves--) await new Promise<void>((resolve) => this.#onSaved = resolve);
  }

  /** Resolves when everything is finished; nothing is sent any more. */
  drain(): Promise<void> {
    this.#isRunning = false;
    const done = new Promise<void>((resolve) => this.#waiter = { count: this.#sent, resolve });
    this.#wake();
    return done;
  }

  stop(): void {
    this.#isRunning = false;
    this.#waiter = undefined;
  }

  send(): void {
    this.#gateway.user("Ann").says(`${++this.#sent}`);
  }

  /** Takes in what the bot says. */
  note(line: string): void {
    const [what = "", content = ""] = line.split(" ");
    if (what === "saved") this.#onSaved();
    if (!LISTENERS.some((name) => name === what)) return;
    this.#notes.add(`${what} ${content}`);
    if (!LISTENERS.every((name) => this.#notes.has(`${name} ${content}`))) return;
    this.#finished.add(Number(content));
    this.#wake();
    this.#pump();
  }

  #pump(): void {
    while (this.#isRunning && this.#sent - this.#finished.size < WINDOW) this.send();
  }

  #wake(): void {
    if (this.#waiter !== undefined && this.#finished.size >= this.#waiter.count) this.#waiter.resolve();
  }
}

/** The messages a process began to handle, from its part of the log: sequence number and content. */
function begunIn(lines: readonly string[]): [sequence: number, message: number][] {
  const begun = lines.map((line) => line.split(" ")).filter(([what]) => what === "begun");
  return begun.map(([, message, sequence]) => [Number(sequence), Number(message)]);
}

async function crash(gateway: LocalGateway, folder: string, random: Random): Promise<void> {
  const log = `${folder}/log`;
  const store = new FileSessionStore(`${folder}/sessions`);
  const flow = new Flow(gateway);
  function start(slow: typeof LISTENERS[number]): Child {
    const args = [gateway.url, gateway.token, `${folder}/sessions`, log, slow];
    return new Child("crash_bot.ts", args, (line) => flow.note(line));
  }
  const begun: [sequence: number, message: number][] = [];
  let linesRead = 0;
  let storedBefore = 0;
  async function check(): Promise<void> {
    const lines = (await readFile(log, "utf8").catch(() => "")).split("\n").slice(0, -1);
    const news = lines.slice(linesRead);
    linesRead = lines.length;
    news.forEach((line) => flow.note(line));
    const begunHere = begunIn(news);
    begunHere.forEach(([sequence], index) => assert(index === 0 || sequence > (begunHere[index - 1]?.[0] as number)));
    begun.push(...begunHere);
    const stored = await store.load("0-1");
    assertExists(stored);
    for (const [sequence, message] of begun) {
      const what = `sequence ${stored.sequence} is stored, and message ${message} of ${sequence} is unfinished`;
      assert(sequence > stored.sequence || flow.isFinished(message), what);
    }
    assertGreaterOrEqual(stored.sequence, storedBefore);
    storedBefore = stored.sequence;
  }

  for (let kill = 0; kill < KILLS; kill++) {
    const resumed = gateway.next("resume");
    await using bot = start(LISTENERS[kill % LISTENERS.length] ?? "listened");
    const moment = async () => {
      // Only from the first save on there is a session to go on with.
      await (kill === 0 ? bot.writes("saved") : resumed);
      const when = random.next();
      // Else in the middle of the replay.
      if (when < 0.2) await flow.run(1 + random.below(80));
      else if (when < 0.85) await flow.runAndSave(1 + random.below(3));
    };
    await Promise.race([moment(), bot.ended.then(() => Promise.reject(new Error(bot.output)))]);
    bot.signal("SIGKILL");
    flow.stop();
    assertEquals(await bot.ended, "SIGKILL");
    await check();
    for (let missed = random.below(10); missed > 0; missed--) flow.send();
  }
  await using bot = start("listened");
  await Promise.race([flow.drain(), bot.ended.then(() => Promise.reject(new Error(bot.output)))]);
  bot.signal("SIGTERM");
  assertEquals(await bot.ended, 0);
  await check();
  for (let message = 1; message <= flow.sent; message++) {
    assert(flow.isFinished(message), `message ${message} was lost`);
  }
}

test("ShardManager with a FileSessionStore loses no event when its process is killed at random moments", async () => {
  const folder = await mkdtemp(`${tmpdir()}/gangway-crash-`);
  try {
    await using gateway = await LocalGateway.start({ identifyWindowMs: 0 });
    await crash(gateway, folder, new Random(SEED));
    assertEquals(gateway.identifies.length, 1);
    assertEquals(gateway.resumes.length, KILLS);
    assert(gateway.resumes.every(({ outcome }) => outcome === "resumed"));
    assertEquals(gateway.violations, []);
  } finally {
    await rm(folder, { recursive: true });
  }
});
