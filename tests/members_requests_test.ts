import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { RateLimitedError } from "../lib/errors.ts";
import type { MembersRequest } from "../lib/members_request.ts";
import { MembersRequests } from "../lib/members_requests.ts";
import { test } from "./harness.ts";

type Clock = ReturnType<typeof FakeTimers.install>;

interface Bench {
  clock: Clock;
  requests: MembersRequests;
  /** Whether answers can come. */
  connection: { usable: boolean };
  /** Opens a request that is sent at once. */
  open: (nonce: string, signal?: AbortSignal) => MembersRequest;
}

async function withRequests(body: (bench: Bench) => Promise<void>): Promise<void> {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const connection = { usable: true };
    const requests = new MembersRequests(() => connection.usable);
    const open = (nonce: string, signal?: AbortSignal) =>
      requests.open(nonce, { timeoutMs: 1_000, signal, send: () => Promise.resolve() });
    await body({ clock, requests, connection, open });
    assertEquals(clock.countTimers(), 0);
    assert(!requests.awaits("GUILD_MEMBERS_CHUNK"));
  } finally {
    clock.uninstall();
  }
}

function answer(nonce: string, index: number, count: number): Record<string, unknown> {
  return { guild_id: "1", nonce, chunk_index: index, chunk_count: count, members: [{ nick: `${nonce}${index}` }] };
}

async function nicksOf(request: MembersRequest): Promise<unknown[]> {
  return (await request).map(({ nick }) => nick);
}

test("MembersRequests awaits answers while there are requests, and nothing else", () =>
  withRequests(async ({ requests, open }) => {
    assert(!requests.awaits("GUILD_MEMBERS_CHUNK"));
    const request = open("a");
    for (const t of ["GUILD_MEMBERS_CHUNK", "RATE_LIMITED"]) assert(requests.awaits(t));
    assert(!requests.awaits("MESSAGE_CREATE"));
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 1));
    assertEquals(await nicksOf(request), ["a0"]);
  }));

test("MembersRequests gives each request the parts of its own nonce", () =>
  withRequests(async ({ requests, open }) => {
    const [a, b] = [open("a"), open("b")];
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("b", 1, 2));
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 1));
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("elsewhere", 0, 1));
    requests.onDispatch("GUILD_MEMBERS_CHUNK", { ...answer("x", 0, 1), nonce: undefined });
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("b", 0, 2));
    assertEquals([await nicksOf(a), await nicksOf(b)], [["a0"], ["b1", "b0"]]);
  }));

test("MembersRequests takes a part that leaves out what it has to say for the only one", () =>
  withRequests(async ({ requests, open }) => {
    const request = open("a");
    requests.onDispatch("GUILD_MEMBERS_CHUNK", null);
    requests.onDispatch("GUILD_MEMBERS_CHUNK", { nonce: "a" });
    assertEquals(await nicksOf(request), []);
  }));

test("MembersRequests times a request out after a while without a part, counted from when it was sent", () =>
  withRequests(async ({ clock, requests }) => {
    const sent = Promise.withResolvers<void>();
    const request = requests.open("a", { timeoutMs: 1_000, send: () => sent.promise });
    const failed = nicksOf(request).catch((error) => error);
    await clock.tickAsync(5_000);
    sent.resolve();
    await clock.tickAsync(999);
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 2));
    await clock.tickAsync(999);
    assert(requests.awaits("GUILD_MEMBERS_CHUNK"));
    await clock.tickAsync(1);
    const error = await failed as DOMException;
    assertEquals([error.name, error.message], ["TimeoutError", "Cannot request guild members: no answer for 1000 ms"]);
  }));

test("MembersRequests times nobody out while no answer can come", () =>
  withRequests(async ({ clock, requests, connection, open }) => {
    const request = open("a");
    await clock.tickAsync(500);
    connection.usable = false;
    await clock.tickAsync(10_000);
    connection.usable = true;
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 1));
    assertEquals(await nicksOf(request), ["a0"]);
  }));

test("MembersRequests rejects a request that the gateway refuses, with the time to wait", () =>
  withRequests(async ({ requests, open }) => {
    const [a, b] = [open("a"), open("b")];
    requests.onDispatch("RATE_LIMITED", { opcode: 8, retry_after: 29.457, meta: { guild_id: "1", nonce: "a" } });
    const error = await assertRejects(() => nicksOf(a), RateLimitedError, "another 29457 ms");
    assertEquals(error.retryAfterMs, 29_457);
    requests.onDispatch("RATE_LIMITED", { opcode: 8, meta: { nonce: "b" } });
    assertEquals((await assertRejects(() => nicksOf(b), RateLimitedError)).retryAfterMs, 30_000);
  }));

test("MembersRequests leaves alone what RATE_LIMITED does not name", () =>
  withRequests(async ({ requests, open }) => {
    const request = open("a");
    for (
      const data of [
        null,
        {},
        { opcode: 8 },
        { opcode: 8, meta: {} },
        { opcode: 31, meta: { nonce: "a" } },
        { opcode: 8, meta: { nonce: "elsewhere" } },
      ]
    ) requests.onDispatch("RATE_LIMITED", data);
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 1));
    assertEquals(await nicksOf(request), ["a0"]);
  }));

test("MembersRequests.loseSession rejects what was sent, and lets what waits go on", () =>
  withRequests(async ({ requests, open }) => {
    const sending = Promise.withResolvers<void>();
    const [a, b] = [open("a"), requests.open("b", { timeoutMs: 1_000, send: () => sending.promise })];
    await Promise.resolve();
    requests.loseSession(new RangeError("lost"));
    await assertRejects(() => nicksOf(a), RangeError, "lost");
    sending.resolve();
    await sending.promise;
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("b", 0, 1));
    assertEquals(await nicksOf(b), ["b0"]);
  }));

test("MembersRequests.clear rejects everything, and takes back what was not sent", () =>
  withRequests(async ({ requests, open }) => {
    let taken: unknown;
    const waiting = requests.open("b", {
      timeoutMs: 1_000,
      send: (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            taken = signal.aborted;
            reject(signal.reason);
          })
        ),
    });
    const all = [open("a"), waiting];
    await Promise.resolve();
    requests.clear(new RangeError("closed"));
    for (const request of all) await assertRejects(() => nicksOf(request), RangeError, "closed");
    assertEquals(taken, true);
  }));

test("MembersRequests rejects with the reason of a signal, before and while the answer comes", () =>
  withRequests(async ({ requests, open }) => {
    const reason = new Error("enough");
    assertStrictEquals(await nicksOf(open("a", AbortSignal.abort(reason))).catch((error) => error), reason);
    const controller = new AbortController();
    const request = open("b", controller.signal);
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("b", 0, 2));
    controller.abort(reason);
    assertStrictEquals(await nicksOf(request).catch((error) => error), reason);
  }));

test("MembersRequests rejects with the error of a request that cannot be sent", () =>
  withRequests(async ({ requests }) => {
    const request = requests.open("a", { timeoutMs: 1_000, send: () => Promise.reject(new RangeError("too large")) });
    await assertRejects(() => nicksOf(request), RangeError, "too large");
  }));

test("MembersRequests takes no second request of a nonce while the first is under way", () =>
  withRequests(async ({ requests, open }) => {
    const first = open("a");
    const error = await assertRejects(() => nicksOf(open("a")), DOMException, "in use");
    assertEquals(error.name, "InvalidStateError");
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 1));
    assertEquals(await nicksOf(first), ["a0"]);
    const second = open("a");
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 1));
    assertEquals(await nicksOf(second), ["a0"]);
  }));

test("MembersRequests forgets a request whose loop is left", () =>
  withRequests(async ({ requests, open }) => {
    const request = open("a");
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 2));
    for await (const _ of request) break;
    assert(!requests.awaits("GUILD_MEMBERS_CHUNK"));
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 1, 2));
  }));

test("MembersRequests passes over parts that make no sense, and hands none of them out", () =>
  withRequests(async ({ requests, open }) => {
    const request = open("a");
    const wrong: object[] = [
      ...[null, "abc", {}, 5].map((members) => ({ members })),
      ...["x", "1", -5, 1.5, 2, null].map((chunk_index) => ({ chunk_index })),
      ...["x", "2", -5, 0, 1.5, null].map((chunk_count) => ({ chunk_count })),
    ];
    for (const part of wrong) requests.onDispatch("GUILD_MEMBERS_CHUNK", { ...answer("a", 0, 2), ...part });
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 1, 2));
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 2));
    assertEquals(await nicksOf(request), ["a1", "a0"]);
  }));

test("MembersRequests times a request out whose parts claim to be a thousand million", () =>
  withRequests(async ({ clock, requests, open }) => {
    const request = open("a");
    const failed = nicksOf(request).catch((error) => error);
    requests.onDispatch("GUILD_MEMBERS_CHUNK", answer("a", 0, 1e9));
    await clock.tickAsync(1_000);
    assertEquals((await failed as Error).name, "TimeoutError");
  }));

test("MembersRequests waits half a minute where RATE_LIMITED names no time that can be waited for", () =>
  withRequests(async ({ requests, open }) => {
    for (const retry_after of [-1, "x", null]) {
      const request = open("a");
      requests.onDispatch("RATE_LIMITED", { opcode: 8, retry_after, meta: { nonce: "a" } });
      assertEquals((await assertRejects(() => nicksOf(request), RateLimitedError)).retryAfterMs, 30_000);
    }
  }));
