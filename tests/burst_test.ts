import FakeTimers from "@sinonjs/fake-timers";
import { assertEquals } from "@std/assert";
import { Burst } from "../lib/burst.ts";
import { test } from "./harness.ts";

/** How many frames that come so many milliseconds after one another it takes until there is a burst, or `null`. */
function framesUntilBurst(gapMs: number, burst = new Burst()): number | null {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    for (let frames = 1; frames <= 1_000; frames++) {
      burst.resume();
      burst.count(1);
      burst.rest();
      if (burst.isOn) return frames;
      clock.tick(gapMs);
    }
    return null;
  } finally {
    clock.uninstall();
  }
}

test("Burst is on where more than a hundred frames came at thousands a second, and not where they came slower", () => {
  // The first sixteen tell when the next window begins.
  assertEquals(framesUntilBurst(0), 144);
  assertEquals(framesUntilBurst(0.25), 144);
  assertEquals(framesUntilBurst(0.5), null);
});

test("Burst is not on for groups of frames with pauses between them", () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    const burst = new Burst();
    for (let group = 0; group < 100; group++) {
      for (let frame = 0; frame < 10; frame++) burst.count(1);
      assertEquals(burst.isOn, false);
      clock.tick(10);
    }
  } finally {
    clock.uninstall();
  }
});

test("Burst goes on through what takes long to work through, and ends with a pause after it", () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    const burst = new Burst();
    for (let frame = 0; frame < 200; frame++) burst.count(1);
    burst.rest();
    burst.resume();
    burst.count(64);
    clock.tick(15);
    burst.rest();
    clock.tick(0.2);
    burst.resume();
    burst.count(64);
    assertEquals(burst.isOn, true);
    burst.rest();
    clock.tick(0.4);
    burst.resume();
    assertEquals(burst.isOn, false);
    burst.count(64);
    assertEquals(burst.isOn, false);
  } finally {
    clock.uninstall();
  }
});

test("Burst ends where frames come slowly, though working through them leaves no pause", () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    const burst = new Burst();
    for (let frame = 0; frame < 200; frame++) burst.count(1);
    for (let batch = 0; batch < 10; batch++) {
      burst.resume();
      burst.count(4);
      clock.tick(4);
      burst.rest();
    }
    assertEquals(burst.isOn, false);
  } finally {
    clock.uninstall();
  }
});
