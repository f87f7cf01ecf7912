import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { Dispatcher } from "../lib/dispatcher.ts";
import { GatewayEvent, hold, release, settlement } from "../lib/gateway_event.ts";
import { test } from "./harness.ts";

const JSON_TEXT = '{"t":"MESSAGE_CREATE","s":7,"op":0,"d":{"content":"žluťoučký"},"extra":1}';

/** Settles when told to. */
function deferred(): PromiseWithResolvers<void> {
  return Promise.withResolvers<void>();
}

test("GatewayEvent takes its fields from what it is made of", () => {
  const event = new GatewayEvent("READY", { shardId: 3, sessionId: "abc", sequence: 1, payload: "{}" });
  assertEquals([event.type, event.shardId, event.sessionId, event.sequence], ["READY", 3, "abc", 1]);
  assert(event instanceof Event);
  const bare = new GatewayEvent("ready");
  assertEquals([bare.shardId, bare.sessionId, bare.sequence, bare.detail], [null, null, null, undefined]);
});

test("GatewayEvent reads the data of a dispatch from text and from bytes, once", () => {
  for (const payload of [JSON_TEXT, new TextEncoder().encode(JSON_TEXT)]) {
    const event = new GatewayEvent<{ content: string }>("MESSAGE_CREATE", { payload });
    assertEquals(event.detail, { content: "žluťoučký" });
    assertStrictEquals(event.detail, event.detail);
  }
});

test("GatewayEvent named by an opcode carries the whole envelope with missing keys as null", () => {
  const ack = new GatewayEvent("11", { payload: '{"op":11}' });
  assertEquals(ack.detail, { op: 11, d: null, s: null, t: null });
  const dispatch = new GatewayEvent<Record<string, unknown>>("0", { payload: JSON_TEXT });
  assertEquals(dispatch.detail, { op: 0, d: { content: "žluťoučký" }, s: 7, t: "MESSAGE_CREATE", extra: 1 });
});

test("GatewayEvent does not parse before detail is read", () => {
  const event = new GatewayEvent("MESSAGE_CREATE", { sequence: 7, payload: "no JSON" });
  assertEquals(event.payload, new TextEncoder().encode("no JSON"));
  assertEquals(event.sequence, 7);
  assertThrows(() => event.detail, SyntaxError);
});

test("GatewayEvent refuses a payload that is no JSON object", () => {
  for (const payload of ["null", "4", "", new Uint8Array()]) {
    assertThrows(() => new GatewayEvent("READY", { payload }).detail, SyntaxError);
  }
});

test("GatewayEvent prefers a given detail to the payload, also null", () => {
  assertEquals(new GatewayEvent<unknown>("READY", { payload: JSON_TEXT, detail: null }).detail, null);
  assertEquals(new GatewayEvent<unknown>("READY", { payload: JSON_TEXT, detail: 0 }).detail, 0);
});

test("GatewayEvent hands out the payload as received", () => {
  const bytes = new TextEncoder().encode(JSON_TEXT);
  assertStrictEquals(new GatewayEvent("MESSAGE_CREATE", { payload: bytes }).payload, bytes);
  const event = new GatewayEvent("MESSAGE_CREATE", { payload: JSON_TEXT });
  assertEquals(event.payload, bytes);
  assertStrictEquals(event.payload, event.payload);
});

test("GatewayEvent made from data has no payload", () => {
  const event = new GatewayEvent("critical", { detail: new Error("Out of shards") });
  const error = assertThrows(() => event.payload, DOMException);
  assertEquals(error.name, "InvalidStateError");
});

test("GatewayEvent.waitUntil throws when the event is not being handled", () => {
  const event = new GatewayEvent("ready");
  const error = assertThrows(() => event.waitUntil(Promise.resolve()), DOMException);
  assertEquals(error.name, "InvalidStateError");
});

test("GatewayEvent.waitUntil works during a dispatch on any EventTarget", async () => {
  const target = new EventTarget();
  const saved = deferred();
  target.addEventListener("ready", (event) => (event as GatewayEvent).waitUntil(saved.promise));
  const event = new GatewayEvent("ready");
  target.dispatchEvent(event);
  const settled = settlement(event);
  assert(settled !== undefined);
  saved.resolve();
  await settled;
  assertStrictEquals(settlement(event), undefined);
});

test("GatewayEvent.waitUntil may be called again while an earlier promise is pending, and not after", async () => {
  const dispatcher = new Dispatcher<{ ready: null }>();
  const first = deferred();
  const second = deferred();
  dispatcher.listen("ready", (_data, event) => event.waitUntil(first.promise));
  const event = new GatewayEvent("ready");
  dispatcher.emit(event);
  event.waitUntil(second.promise);
  let settled = false;
  const done = settlement(event)!.then(() => settled = true);
  first.resolve();
  await delay(0);
  assertEquals(settled, false);
  event.waitUntil(Promise.resolve());
  second.resolve();
  await done;
  assertThrows(() => event.waitUntil(Promise.resolve()), DOMException);
});

test("settlement is undefined where listeners are sync", () => {
  const dispatcher = new Dispatcher();
  dispatcher.listen("ready", () => 1);
  dispatcher.listenAll(() => null);
  const event = new GatewayEvent("ready");
  assertStrictEquals(settlement(event), undefined);
  dispatcher.emit(event);
  assertStrictEquals(settlement(event), undefined);
});

test("settlement waits for the async listeners of a dispatcher and its parent", async () => {
  const parent = new Dispatcher();
  const dispatcher = new Dispatcher({ parent });
  const gates = [deferred(), deferred(), deferred()] as const;
  dispatcher.listen("ready", () => gates[0].promise);
  dispatcher.listenAll(async () => await gates[1].promise);
  parent.addEventListener("ready", () => gates[2].promise);
  const event = new GatewayEvent("ready");
  dispatcher.emit(event);
  let settled = false;
  const done = settlement(event)!.then(() => settled = true);
  for (const gate of gates) {
    await delay(0);
    assertEquals(settled, false);
    gate.resolve();
  }
  await done;
});

test("settlement never rejects, and rejections are reported before it resolves", async () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error) => failures.push(error) });
  dispatcher.listen("ready", async () => {
    await delay(0);
    throw new Error("returned");
  });
  dispatcher.listen("ready", (_data, event) => event.waitUntil(Promise.reject(new Error("waited for"))));
  const event = new GatewayEvent("ready");
  dispatcher.emit(event);
  await settlement(event);
  assertEquals(failures.map((error) => (error as Error).message), ["waited for", "returned"]);
});

test("settlement follows what is thenable", async () => {
  const dispatcher = new Dispatcher();
  let settle = () => {};
  dispatcher.listen("ready", () => ({ then: (resolve: () => void) => settle = resolve }));
  const event = new GatewayEvent("ready");
  dispatcher.emit(event);
  const settled = settlement(event);
  assert(settled !== undefined);
  await delay(0);
  settle();
  await settled;
});

test("hold keeps an event unsettled until release, and leaves other events alone", async () => {
  const event = new GatewayEvent("ready");
  hold(event);
  hold(event);
  release(event);
  const settled = settlement(event);
  assert(settled !== undefined);
  release(event);
  await settled;
  hold(new Event("ready"));
  release(new Event("ready"));
});

test("settlement of an event that is dispatched again is a new one", async () => {
  const dispatcher = new Dispatcher();
  let gate = deferred();
  dispatcher.listen("ready", () => gate.promise);
  const event = new GatewayEvent("ready");
  for (let round = 0; round < 2; round++) {
    gate = deferred();
    dispatcher.emit(event);
    let settled = false;
    const done = settlement(event)!.then(() => settled = true);
    await delay(0);
    assertEquals(settled, false);
    gate.resolve();
    await done;
  }
});

test("a waitUntil that comes too late is reported like any failure", async () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher({ onListenerError: (error) => failures.push(error) });
  const late = deferred();
  dispatcher.listen("ready", (_data, event) => {
    late.promise.then(() => event.waitUntil(Promise.resolve())).catch((error) => failures.push(error));
  });
  dispatcher.dispatch("ready", null);
  late.resolve();
  await assertRejects(() => late.promise.then(() => delay(0)).then(() => Promise.reject(failures[0])), DOMException);
});
