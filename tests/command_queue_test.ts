import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { CommandQueue, type CommandSink, frameOf } from "../lib/command_queue.ts";
import type { SentPayload } from "../lib/payload.ts";
import { test } from "./harness.ts";

/** A connection that takes so many commands at once, and one more every so many milliseconds. */
class Sink implements CommandSink {
  readonly sent: unknown[] = [];
  beats = 0;
  free: number;
  readonly waitMs: number;

  constructor(free = Infinity, waitMs = 0) {
    this.free = free;
    this.waitMs = waitMs;
  }

  take(): number {
    if (this.free === 0) {
      this.free++;
      return this.waitMs;
    }
    this.free--;
    return 0;
  }

  send(payload: SentPayload, frame: string): void {
    assertEquals(JSON.parse(frame), payload);
    this.sent.push(payload.d);
  }

  beat(): void {
    this.beats++;
  }
}

function command(d: unknown): SentPayload {
  return { op: 3, d };
}

/** What has become of promises by now. */
async function states(promises: readonly Promise<void>[]): Promise<string[]> {
  const settled = promises.map((promise) => promise.then(() => "sent", (error) => error.message as string));
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return Promise.all(settled.map((one) => Promise.race([one, Promise.resolve("waits")])));
}

test("CommandQueue sends at once where there is a connection", async () => {
  const queue = new CommandQueue();
  const sink = new Sink();
  queue.open(sink);
  await queue.push(command(1));
  await queue.push(command(2));
  assertEquals(sink.sent, [1, 2]);
});

test("CommandQueue keeps commands in order until a connection opens, and through its end", async () => {
  const queue = new CommandQueue();
  const [first, second] = [new Sink(2), new Sink()];
  const pushed = [1, 2].map((d) => queue.push(command(d)));
  assertEquals(await states(pushed), ["waits", "waits"]);
  queue.open(first);
  await Promise.all(pushed);
  queue.shut();
  const later = [3, 4].map((d) => queue.push(command(d)));
  assertEquals(await states(later), ["waits", "waits"]);
  queue.open(second);
  await Promise.all(later);
  assertEquals([first.sent, second.sent], [[1, 2], [3, 4]]);
});

test("CommandQueue waits for the send limit, and no longer once the connection is gone", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const queue = new CommandQueue();
    const sink = new Sink(1, 99.5);
    queue.open(sink);
    const pushed = [1, 2, 3, 4].map((d) => queue.push(command(d)));
    assertEquals([sink.sent, clock.countTimers()], [[1], 1]);
    clock.tick(99);
    assertEquals(sink.sent, [1]);
    clock.tick(1);
    assertEquals(sink.sent, [1, 2]);
    queue.shut();
    assertEquals(clock.countTimers(), 0);
    assertEquals(await states(pushed), ["sent", "sent", "waits", "waits"]);
    queue.open(new Sink());
    await Promise.all(pushed);
  } finally {
    clock.uninstall();
  }
});

test("CommandQueue lets the last of a key take the place of the one that waits, which is resolved", async () => {
  const queue = new CommandQueue();
  const pushed = [
    queue.push(command("old"), { key: "presence" }),
    queue.push(command("voice"), { key: "voice 1" }),
    queue.push(command("plain")),
    queue.push(command("new"), { key: "presence" }),
  ];
  assertEquals(await states(pushed), ["sent", "waits", "waits", "waits"]);
  const sink = new Sink();
  queue.open(sink);
  assertEquals(sink.sent, ["new", "voice", "plain"]);
  await queue.push(command("newest"), { key: "presence" });
  assertEquals(sink.sent.at(-1), "newest");
});

test("CommandQueue.push rejects with its signal's reason while it waits, and takes the command back", async () => {
  const queue = new CommandQueue();
  const reason = new Error("enough");
  assertStrictEquals(await queue.push(command(0), { signal: AbortSignal.abort(reason) }).catch((e) => e), reason);
  const controller = new AbortController();
  const pushed = [1, 2, 3].map((d) => queue.push(command(d), d === 2 ? { signal: controller.signal } : {}));
  controller.abort(reason);
  assertStrictEquals(await pushed[1]?.catch((error) => error), reason);
  const sink = new Sink();
  queue.open(sink);
  assertEquals(sink.sent, [1, 3]);
});

test("CommandQueue.push is not affected by a signal that aborts after it was sent or overtaken", async () => {
  const queue = new CommandQueue();
  const controller = new AbortController();
  const { signal } = controller;
  const overtaken = queue.push(command(1), { key: "presence", signal });
  const sent = queue.push(command(2), { key: "presence", signal });
  const sink = new Sink();
  queue.open(sink);
  controller.abort();
  await Promise.all([overtaken, sent]);
  assertEquals(sink.sent, [2]);
});

test("CommandQueue.clear rejects all that wait with the reason", async () => {
  const queue = new CommandQueue();
  const controller = new AbortController();
  const pushed = [queue.push(command(1)), queue.push(command(2), { signal: controller.signal })];
  queue.clear(new Error("closed"));
  controller.abort(new Error("too late"));
  assertEquals(await states(pushed), ["closed", "closed"]);
  const sink = new Sink();
  queue.open(sink);
  assertEquals(sink.sent, []);
});

test("CommandQueue's rejections need nobody who waits for them", async () => {
  const queue = new CommandQueue();
  void queue.push(command("x".repeat(5_000)));
  void queue.push(command(1));
  queue.clear(new Error("closed"));
  // A runtime reports unhandled rejections at the end of a turn.
  await new Promise((resolve) => setTimeout(resolve));
});

test("CommandQueue.push rejects where too many wait, except for one that takes another's place", async () => {
  const queue = new CommandQueue();
  void queue.push(command("old"), { key: "presence" });
  for (let count = 1; count < 10_000; count++) void queue.push(command(count));
  const error = await assertRejects(() => queue.push(command("more")), DOMException, "10000 commands");
  assertEquals(error.name, "InvalidStateError");
  const replacing = queue.push(command("new"), { key: "presence" });
  const sink = new Sink();
  queue.open(sink);
  await replacing;
  assertEquals([sink.sent.length, sink.sent[0]], [10_000, "new"]);
});

test("CommandQueue sends what a listener asks for while it sends, after what was sent before", async () => {
  const queue = new CommandQueue();
  const sent: unknown[] = [];
  const later: Promise<void>[] = [];
  const pushed = [1, 2].map((d) => queue.push(command(d)));
  queue.open({
    take: () => 0,
    beat: () => {},
    send: ({ d }) => {
      sent.push(d);
      if (d === 1) later.push(queue.push(command(3)));
    },
  });
  await Promise.all([...pushed, ...later]);
  assertEquals(sent, [1, 2, 3]);
});

test("frameOf measures bytes of UTF-8, takes 4096 and refuses 4097, and states both sizes", async () => {
  const around = JSON.stringify(command("xé")).length + 1;
  const fitting = "x".repeat(4096 - around) + "xé";
  assertEquals(JSON.parse(frameOf(command(fitting))), command(fitting));
  const large = command(`${fitting}x`);
  assertThrows(() => frameOf(large), RangeError, "4097 bytes, and the gateway takes 4096");
  await assertRejects(() => new CommandQueue().push(large), RangeError, "4097");
});

test("CommandQueue hands over what waits in parts, and keeps what has none", async () => {
  const [from, one, other] = [new CommandQueue(), new CommandQueue(), new CommandQueue()];
  const calledOff = new AbortController();
  const pushed = [
    from.push(command("both")),
    from.push(command("stays")),
    from.push(command("taken back"), { signal: calledOff.signal }),
  ];
  from.handOver((payload) => payload.d === "stays" ? [] : [one, other].map((queue) => ({ queue, payload })));
  calledOff.abort(new Error("enough"));
  const [first, second, old] = [new Sink(), new Sink(), new Sink()];
  one.open(first);
  assertEquals(await states(pushed), ["waits", "waits", "enough"]);
  other.open(second);
  from.open(old);
  await Promise.all(pushed.slice(0, 2));
  assertEquals([first.sent, second.sent, old.sent], [["both"], ["both"], ["stays"]]);
});

test("CommandQueue asks for a sign of life while there is a connection", () => {
  const queue = new CommandQueue();
  const sink = new Sink(0);
  queue.beat();
  queue.open(sink);
  queue.beat();
  queue.shut();
  queue.beat();
  assertEquals(sink.beats, 1);
});
