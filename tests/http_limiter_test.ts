import { assert, assertEquals, assertGreaterOrEqual, assertRejects, assertStrictEquals } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { AddressLimit, type RateLimitAnswer, type Route, routeOf } from "../lib/http_bucket.ts";
import { HTTPLimiter } from "../lib/http_limiter.ts";
import { test } from "./harness.ts";

const SILENT: RateLimitAnswer = { bucket: null, waitMs: 0, blocked: null, invalid: false };
const EXHAUSTED: RateLimitAnswer = { ...SILENT, bucket: "x", waitMs: 1_000 };
const POST = routeOf("POST", "/channels/1/messages");

type Clock = ReturnType<typeof FakeTimers.install>;

/** Runs a test with a limiter and fake time, and checks that no timer is left at its end. */
async function withLimiter(body: (limiter: Driven, clock: Clock) => Promise<void>): Promise<void> {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    await body(new Driven(), clock);
    assertEquals(clock.countTimers(), 0);
  } finally {
    clock.uninstall();
  }
}

/** Ends a turn, with what its answer said of rate limits or, where there was none, with `null`; `again` repeats it. */
type EndTurn = (answer: RateLimitAnswer | null, again: boolean) => void;

/** A limiter whose turns are noted down. */
class Driven {
  readonly limiter = new HTTPLimiter(new AddressLimit());
  readonly admitted: string[] = [];
  readonly turns = new Map<string, EndTurn>();
  readonly never = new AbortController().signal;

  ask(name: string, route: Route = POST, signal: AbortSignal = this.never): Promise<void> {
    return this.limiter.inTurn(route, signal, () => {
      this.admitted.push(name);
      return new Promise((resolve, reject) => {
        this.turns.set(name, (answer, again) => {
          if (answer === null) return reject(new TypeError("Connection refused"));
          this.limiter.learn(route, answer);
          resolve(again);
        });
      });
    });
  }

  async answer(clock: Clock, name: string, answer: RateLimitAnswer | null, again: boolean = false): Promise<void> {
    this.turns.get(name)!(answer, again);
    await clock.tickAsync(0);
  }
}

test("HTTPLimiter sends the requests of a bucket one after the other, and waits when none is left", () =>
  withLimiter(async (driven, clock) => {
    for (const name of ["a", "b", "c"]) driven.ask(name);
    await clock.tickAsync(60_000);
    assertEquals(driven.admitted, ["a"]);
    await driven.answer(clock, "a", { ...SILENT, bucket: "x" });
    assertEquals(driven.admitted, ["a", "b"]);
    await driven.answer(clock, "b", EXHAUSTED);
    await clock.tickAsync(999);
    assertEquals(driven.admitted, ["a", "b"]);
    await clock.tickAsync(1);
    assertEquals(driven.admitted, ["a", "b", "c"]);
  }));

test("HTTPLimiter keeps channels apart, but not routes of one bucket", () =>
  withLimiter(async (driven, clock) => {
    const patch = routeOf("PATCH", "/channels/1/messages/2");
    driven.ask("a");
    driven.ask("other", routeOf("POST", "/channels/2/messages"));
    driven.ask("patch", patch);
    await clock.tickAsync(0);
    assertEquals(driven.admitted, ["a", "other", "patch"]);
    driven.ask("b", patch);
    driven.ask("c", patch);
    await driven.answer(clock, "a", EXHAUSTED);
    await driven.answer(clock, "patch", EXHAUSTED);
    // What waited for the second route waits for the shared bucket now.
    assertEquals(driven.admitted, ["a", "other", "patch"]);
    await clock.tickAsync(1_000);
    assertEquals(driven.admitted, ["a", "other", "patch", "b"]);
    await driven.answer(clock, "b", { ...SILENT, bucket: "x" });
    assertEquals(driven.admitted, ["a", "other", "patch", "b", "c"]);
  }));

test("HTTPLimiter keeps the order of requests that wait when their bucket becomes known", () =>
  withLimiter(async (driven, clock) => {
    for (const name of ["a", "b", "c"]) driven.ask(name);
    await clock.tickAsync(0);
    await driven.answer(clock, "a", { ...SILENT, bucket: "x", blocked: { what: "bucket", retryAfterMs: 10 } }, true);
    driven.ask("d");
    await clock.tickAsync(10);
    for (const name of ["a", "b", "c", "d"]) await driven.answer(clock, name, { ...SILENT, bucket: "x" });
    assertEquals(driven.admitted, ["a", "a", "b", "c", "d"]);
  }));

test("HTTPLimiter lets no interaction wait for another", () =>
  withLimiter(async (driven, clock) => {
    const ids = Array.from({ length: 100 }, (_, id) => `${id}`);
    for (const id of ids) driven.ask(id, routeOf("POST", `/interactions/${id}/token${id}/callback`));
    await clock.tickAsync(0);
    assertEquals(driven.admitted, ids);
  }));

test("HTTPLimiter knows the bucket of a route in a channel it has not seen", () =>
  withLimiter(async (driven, clock) => {
    driven.ask("a");
    await clock.tickAsync(0);
    await driven.answer(clock, "a", EXHAUSTED);
    driven.ask("b", routeOf("POST", "/channels/2/messages"));
    driven.ask("c");
    await clock.tickAsync(0);
    assertEquals(driven.admitted, ["a", "b"]);
    await clock.tickAsync(1_000);
    assertEquals(driven.admitted, ["a", "b", "c"]);
  }));

test("HTTPLimiter lets the next go when a request failed without an answer", () =>
  withLimiter(async (driven, clock) => {
    const failed = assertRejects(() => driven.ask("a"), TypeError);
    driven.ask("b");
    await clock.tickAsync(0);
    await driven.answer(clock, "a", null);
    await failed;
    assertEquals(driven.admitted, ["a", "b"]);
  }));

test("HTTPLimiter keeps the place of a request that is tried again", () =>
  withLimiter(async (driven, clock) => {
    driven.ask("a");
    driven.ask("b");
    await clock.tickAsync(0);
    await driven.answer(clock, "a", { ...SILENT, blocked: { what: "bucket", retryAfterMs: 1_000 } }, true);
    await clock.tickAsync(1_000);
    assertEquals(driven.admitted, ["a", "a"]);
    await driven.answer(clock, "a", SILENT);
    assertEquals(driven.admitted, ["a", "a", "b"]);
  }));

test("HTTPLimiter holds up everything for a global limit, but not what needs no bot", () =>
  withLimiter(async (driven, clock) => {
    driven.ask("a");
    await clock.tickAsync(0);
    await driven.answer(clock, "a", { ...SILENT, blocked: { what: "bot", retryAfterMs: 5_000 } });
    driven.ask("other", routeOf("GET", "/users/@me"));
    driven.ask("interaction", routeOf("POST", "/interactions/1/token/callback"));
    await clock.tickAsync(4_999);
    assertEquals(driven.admitted, ["a", "interaction"]);
    await clock.tickAsync(1);
    assertEquals(driven.admitted, ["a", "interaction", "other"]);
  }));

test("HTTPLimiter holds up everything for what the proxy says", () =>
  withLimiter(async (driven, clock) => {
    driven.ask("a");
    await clock.tickAsync(0);
    await driven.answer(clock, "a", { ...SILENT, blocked: { what: "address", retryAfterMs: 5_000 } });
    driven.ask("interaction", routeOf("POST", "/interactions/1/token/callback"));
    await clock.tickAsync(4_999);
    assertEquals(driven.admitted, ["a"]);
    await clock.tickAsync(1);
    assertEquals(driven.admitted, ["a", "interaction"]);
  }));

test("HTTPLimiter sends at most 50 requests in any second", () =>
  withLimiter(async (driven, clock) => {
    const times: number[] = [];
    const asked = Promise.all(
      Array.from({ length: 175 }, (_, i) =>
        driven.limiter.inTurn(routeOf("GET", `/channels/${i}`), driven.never, () => {
          times.push(performance.now());
          return Promise.resolve(false);
        })),
    );
    await clock.tickAsync(10_000);
    await asked;
    assertEquals(times.length, 175);
    for (let i = 50; i < times.length; i++) assertGreaterOrEqual(times[i]! - times[i - 50]!, 1_000);
    assert(times.at(-1)! < 5_000);
  }));

test("HTTPLimiter lets go of a request whose signal aborts, wherever it waits", () =>
  withLimiter(async (driven, clock) => {
    driven.ask("a");
    await clock.tickAsync(0);
    await driven.answer(clock, "a", EXHAUSTED);
    const first = new AbortController();
    const second = new AbortController();
    const reason = new RangeError("Not needed any more");
    const waiting = [driven.ask("b", POST, first.signal), driven.ask("c", POST, second.signal)];
    const outcome = Promise.all(waiting.map((promise) => promise.catch((error) => error)));
    second.abort(reason);
    first.abort(reason);
    for (const error of await outcome) assertStrictEquals(error, reason);
    assertEquals(clock.countTimers(), 0);
    driven.ask("d");
    await clock.tickAsync(1_000);
    assertEquals(driven.admitted, ["a", "d"]);
    await assertRejects(() => driven.ask("e", POST, first.signal), RangeError);
  }));

test("HTTPLimiter is not disturbed by the signal of a request that had its turn", () =>
  withLimiter(async (driven, clock) => {
    const controller = new AbortController();
    driven.ask("a", POST, controller.signal);
    driven.ask("b");
    await clock.tickAsync(0);
    controller.abort();
    await driven.answer(clock, "a", SILENT);
    assertEquals(driven.admitted, ["a", "b"]);
  }));

test("HTTPLimiter does not stop for one that left the front of the queue", () =>
  withLimiter(async (driven, clock) => {
    const controller = new AbortController();
    driven.ask("a");
    const left = driven.ask("b", POST, controller.signal).catch(() => {});
    driven.ask("c");
    await clock.tickAsync(0);
    controller.abort();
    await left;
    await driven.answer(clock, "a", SILENT);
    assertEquals(driven.admitted, ["a", "c"]);
  }));

test("HTTPLimiter serves many channels and bucket hashes, some of them again", () =>
  withLimiter(async (driven, clock) => {
    for (let i = 0; i < 3_000; i++) {
      const asked = driven.ask(`${i}`, routeOf("GET", `/channels/${i % 1_500}/x${i}`));
      await clock.tickAsync(25);
      await driven.answer(clock, `${i}`, { ...SILENT, bucket: `h${i}`, waitMs: 100 });
      await asked;
    }
    assertEquals(driven.admitted.length, 3_000);
  }));
