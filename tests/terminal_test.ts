import FakeTimers from "@sinonjs/fake-timers";
import { assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { Screen, style, type Terminal } from "../examples/screen.ts";
import { showShards } from "../examples/show_shards.ts";
import { Progress } from "../lib/doctor/progress.ts";
import { test } from "./harness.ts";
import { type ManagerRig, managerRig } from "./shard_manager_rig.ts";

/** Keeps what is written. */
class FakeTerminal implements Terminal {
  readonly isTTY: boolean;
  readonly writes: string[] = [];

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.writes.push(text);
  }

  /** What is written from now on. */
  take(): string[] {
    return this.writes.splice(0);
  }
}

test("Screen keeps the line that changes below those that stay, on a terminal", () => {
  const terminal = new FakeTerminal(true);
  const screen = new Screen(terminal);
  screen.line("first");
  screen.status("1 of 2");
  screen.status("1 of 2");
  assertEquals(terminal.take(), ["first\n", "\r\x1b[K1 of 2\r"]);
  screen.line("between");
  assertEquals(terminal.take(), ["\r\x1b[Kbetween\n1 of 2\r"]);
  screen.status("2 of 2");
  screen.status("");
  screen.status("");
  screen.line("last");
  assertEquals(terminal.take(), ["\r\x1b[K2 of 2\r", "\n", "last\n"]);
});

test("Screen writes plain lines where there is no terminal", () => {
  const terminal = new FakeTerminal(false);
  const screen = new Screen(terminal);
  screen.status("1 of 2");
  screen.line("between");
  screen.status("");
  assertEquals(terminal.take(), ["1 of 2\n", "between\n"]);
});

test("style colors on a terminal, unless NO_COLOR is set", () => {
  const { NO_COLOR } = process.env;
  try {
    delete process.env.NO_COLOR;
    assertEquals(style("red", "no", new FakeTerminal(true)), "\x1b[31mno\x1b[0m");
    assertEquals(style("red", "no", new FakeTerminal(false)), "no");
    process.env.NO_COLOR = "1";
    assertEquals(style("red", "no", new FakeTerminal(true)), "no");
  } finally {
    if (NO_COLOR === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = NO_COLOR;
  }
});

for (const isTTY of [true, false]) {
  test(`showShards ${isTTY ? "counts down on a terminal" : "writes a line for each change without a terminal"}`, async () => {
    const clock = FakeTimers.install({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
    });
    let rig: ManagerRig | undefined;
    try {
      rig = await managerRig({ memory: true, gateway: { shards: 4, maxConcurrency: 2 } });
      const terminal = new FakeTerminal(isTTY);
      const shown = showShards(rig.manager, new Screen(terminal), new AbortController().signal);
      void rig.manager.connect();
      await clock.tickAsync(8_000);
      await shown;
      // deno-lint-ignore no-control-regex
      const lines = terminal.writes.map((text) => text.replaceAll(/[\r\n]|\x1b\[K/g, ""));
      assertEquals(lines.filter((line) => line.startsWith("4 of 4")).length, 1);
      assertMatch(lines.join("\n"), /^4 of 4 shards ready after 5\.\d s$/m);
      const seconds = lines.flatMap((line) => line.match(/, (\d) s left: /)?.[1] ?? []);
      // Where lines stay, what one says already is not said again.
      assertEquals(isTTY ? [...new Set(seconds)] : seconds, isTTY ? ["5", "4", "3", "2", "1"] : ["5"]);
      assertEquals(terminal.take().at(-1), isTTY ? "\n" : `${lines.at(-1)}\n`);
      await clock.tickAsync(1_000);
      assertEquals(terminal.take(), []);
    } finally {
      await rig?.[Symbol.asyncDispose]();
      clock.uninstall();
    }
  });
}

test("Progress of the doctor is one line on a terminal, which goes away, and lines elsewhere", () => {
  for (const isTTY of [true, false]) {
    const terminal = new FakeTerminal(isTTY);
    {
      using progress = new Progress(terminal);
      progress.show("Asking");
      progress.show("Connecting");
    }
    assertEquals(
      terminal.take(),
      isTTY ? ["\r\x1b[KAsking…", "\r\x1b[KConnecting…", "\r\x1b[K"] : ["Asking…\n", "Connecting…\n"],
    );
  }
});
