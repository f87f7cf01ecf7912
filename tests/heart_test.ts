import FakeTimers from "@sinonjs/fake-timers";
import { assertEquals } from "@std/assert";
import { startHeart } from "../lib/heart.ts";
import { test } from "./harness.ts";

test("startHeart gives frames in the socket a moment before a beat that may find the connection dead", () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const controller = new AbortController();
  try {
    let isSuspect = false;
    const beats: number[] = [];
    startHeart({
      intervalMs: 1000,
      random: 0.5,
      signal: controller.signal,
      isSuspect: () => isSuspect,
      onBeat: () => beats.push(performance.now()),
      onLag: () => {},
    });
    clock.tick(500);
    assertEquals(beats, [500]);
    isSuspect = true;
    clock.tick(1000);
    assertEquals(beats, [500]);
    clock.tick(100);
    assertEquals(beats, [500, 1600]);
    // What a moment costs is not added up.
    clock.tick(1000);
    assertEquals(beats, [500, 1600, 2600]);
  } finally {
    controller.abort();
    assertEquals(clock.countTimers(), 0);
    clock.uninstall();
  }
});

/** A heart of one beat a second, whose first one comes after half a second; what it does is noted with the time. */
function withHeart(
  body: (clock: ReturnType<typeof FakeTimers.install>, log: string[], controller: AbortController) => void,
): void {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const controller = new AbortController();
  const log: string[] = [];
  try {
    startHeart({
      intervalMs: 1000,
      random: 0.5,
      signal: controller.signal,
      isSuspect: () => false,
      onBeat: () => log.push(`beat at ${performance.now()}`),
      onLag: (lagMs) => log.push(`late by ${lagMs} at ${performance.now()}`),
    });
    body(clock, log, controller);
  } finally {
    controller.abort();
    assertEquals(clock.countTimers(), 0);
    clock.uninstall();
  }
}

test("startHeart beats after a part of the interval, then every interval until its signal aborts", () =>
  withHeart((clock, log, controller) => {
    clock.tick(499);
    assertEquals(log, []);
    clock.tick(3001);
    assertEquals(log, ["beat at 500", "beat at 1500", "beat at 2500", "beat at 3500"]);
    controller.abort();
    clock.tick(10_000);
    assertEquals(log.length, 4);
  }));

test("startHeart tells how late it is, gives frames a moment, and does not catch up on what it slept through", () =>
  withHeart((clock, log) => {
    clock.tick(600);
    clock.jump(60_000);
    assertEquals(log, ["beat at 500", "late by 59100 at 60600"]);
    clock.tick(99);
    assertEquals(log.length, 2);
    clock.tick(1);
    // The next one is at most as early as this one was allowed to be late.
    clock.tick(749);
    assertEquals(log.slice(2), ["beat at 60700"]);
    clock.tick(1001);
    assertEquals(log.slice(2), ["beat at 60700", "beat at 61450", "beat at 62450"]);
  }));

test("startHeart does not take a little lateness for a lag, and keeps its rhythm", () =>
  withHeart((clock, log) => {
    clock.jump(749);
    clock.tick(751);
    assertEquals(log, ["beat at 749", "beat at 1500"]);
  }));

test("startHeart stops where its signal aborts while it tells of a lag", () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const controller = new AbortController();
  try {
    let beats = 0;
    startHeart({
      intervalMs: 1000,
      random: 0,
      signal: controller.signal,
      isSuspect: () => false,
      onBeat: () => beats++,
      onLag: () => controller.abort(),
    });
    clock.jump(5000);
    assertEquals([beats, clock.countTimers()], [0, 0]);
  } finally {
    clock.uninstall();
  }
});
