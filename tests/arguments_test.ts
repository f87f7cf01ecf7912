/** What is called with something that makes no sense, as code without types can: nothing begins, and the error names it. */
import {
  BotAuthentication,
  type CloseOptions,
  Decompressor,
  Dispatcher,
  GatewayEvent,
  MemorySessionStore,
  type Message,
  type PresenceUpdateData,
  type Session,
} from "@gangway/gateway";
import { FileSessionStore } from "@gangway/gateway/file-session-store";
import { shutdownOnSignal, type ShutdownOptions } from "@gangway/gateway/shutdown";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "./harness.ts";
import { managerRig } from "./shard_manager_rig.ts";
import { connectedRig, rig } from "./shard_rig.ts";

/** What is not the options of anything, with what the error says of it. */
const NO_OPTIONS: [unknown, string][] = [
  [null, "the options must be an object, received null"],
  [5, "the options must be an object, received 5"],
  ["x", 'the options must be an object, received "x"'],
  [{ signal: {} }, "signal must be an AbortSignal, received an object"],
  [{ signal: null }, "signal must be an AbortSignal, received null"],
];

// deno-lint-ignore no-explicit-any -- the point is that there are no types
type Any = any;

/** Asserts that a call rejects, and does not throw, with a TypeError that says what it was given. */
async function assertRefused(call: (options: Any) => PromiseLike<unknown>): Promise<void> {
  for (const [options, message] of NO_OPTIONS) {
    const returned = call(options);
    await assertRejects(async () => void await returned, TypeError, message);
  }
}

test("Shard refuses options that are none before anything begins", async () => {
  await using it = await rig();
  const { shard } = it;
  await assertRefused((options) => shard.connect(options));
  await assertRefused((options) => shard.close(options));
  await assertRejects(() => shard.close({ cleanup: "no" } as unknown as CloseOptions), TypeError, 'received "no"');
  assertEquals([shard.phase, it.gateway.connections.length, it.told], ["idle", 0, []]);
  await it.up();
});

test("Shard refuses options of commands that are none, and sends nothing", async () => {
  await using it = await connectedRig();
  const { shard, gateway } = it;
  const presence: PresenceUpdateData = { status: "idle" as Any, activities: [], since: null, afk: false };
  const guild_id = gateway.guilds[0]?.id as string;
  const query = { query: "", limit: 1, nonce: "one" };
  await assertRefused((options) => shard.presenceUpdate(presence, options));
  await assertRefused((options) =>
    shard.voiceStateUpdate({ guild_id, channel_id: null, self_mute: false, self_deaf: false }, options)
  );
  await assertRefused((options) => shard.requestSoundboardSounds([guild_id], options));
  await assertRefused((options) => shard.requestChannelInfo(guild_id, ["status"], options));
  await assertRefused((options) => shard.requestGuildMembers(guild_id, query, options));
  assertEquals(shard.presence, null);
  await it.roundTrip();
  assertEquals(gateway.received.map(({ op }) => op).filter((op) => op > 2), []);
  // The nonce is free.
  assertEquals((await shard.requestGuildMembers(guild_id, query)).length, 1);
});

test("Shard.shouldReconnect is true or false", async () => {
  await using it = await rig();
  assertThrows(() => it.shard.shouldReconnect = 5 as Any, TypeError, "must be a boolean, received 5");
  assertEquals(it.shard.shouldReconnect, true);
});

test("ShardManager refuses options that are none", async () => {
  await using it = await managerRig({ unlimited: true });
  await it.up();
  await assertRefused((options) => it.manager.rescaleShards(2, undefined, options));
  await assertRefused((options) => it.manager.close(options));
  await assertRejects(
    () => it.manager.close({ cleanup: 0 } as Any),
    TypeError,
    "cleanup must be a boolean, received 0",
  );
  assertEquals(it.shards.map(({ phase }) => phase), ["ready"]);
});

test("Dispatcher refuses options that are none, and a check that is async", async () => {
  for (const signal of [5, {}]) {
    assertThrows(() => new Dispatcher({ signal: signal as Any }), TypeError, "signal must be an AbortSignal");
  }
  const dispatcher = new Dispatcher<{ x: number }>();
  await assertRefused((options) => dispatcher.waitFor("x", undefined, options));
  for (const check of [() => Promise.reject(new Error("mine")), () => Promise.resolve(true)]) {
    const waiting = dispatcher.waitFor("x", check as Any);
    dispatcher.dispatch("x", 1);
    await assertRejects(() => waiting, TypeError, "async");
  }
  assertEquals(dispatcher.hasListeners("x"), false);
});

test("Dispatcher.events goes on after an event that cannot be read, which is the failure of a listener", async () => {
  const failures: unknown[] = [];
  const dispatcher = new Dispatcher<{ x: number }>({ onListenerError: (error) => failures.push(error) });
  const events = dispatcher.events("x");
  const next = events.next();
  dispatcher.emit(new GatewayEvent("x", { payload: "{bad" }));
  dispatcher.dispatch("x", 2);
  assertEquals(await next, { done: false, value: 2 });
  assertEquals(failures.length, 1);
  await events.return?.();
});

test("HTTPClient refuses a message and a reason that are none", async () => {
  await using it = await rig();
  const auth = new BotAuthentication(it.gateway.token);
  for (const message of [null, undefined, "hello"]) {
    await assertRejects(() => it.client.createMessage(auth, "1", message as Any), TypeError, "must be an object");
  }
  const options: Any = { auth, reason: 5 };
  await assertRejects(
    () => it.client.request<Message>("GET", "/users/@me", options),
    TypeError,
    "reason must be a string",
  );
  await assertRefused((options) => it.client.getGateway(options));
  assertEquals(it.gateway.httpRequests, []);
});

test("Decompressor and GatewayEvent refuse what they are not made with", () => {
  for (const none of [null, 5]) {
    assertThrows(() => new Decompressor("zlib-stream", none as Any), TypeError, "the options must be an object");
    assertThrows(() => new GatewayEvent("x", none as Any), TypeError, "its init must be an object");
  }
});

test("FileSessionStore and MemorySessionStore refuse what they cannot keep, and where", async () => {
  for (const folder of [undefined, null, 5, {}]) {
    assertThrows(() => new FileSessionStore(folder as Any), TypeError, "the folder must be a string");
  }
  for (const store of [new FileSessionStore("/nowhere/at/all"), new MemorySessionStore()]) {
    await assertRejects(
      () => store.save("0-1", null as unknown as Session),
      TypeError,
      "must be an object, received null",
    );
  }
  const store = new FileSessionStore("/nowhere/at/all");
  await assertRejects(() => store.load(null as Any), TypeError, "the key must be a string, received null");
  await assertRejects(() => store.delete(5 as Any), TypeError, "the key must be a string, received 5");
  await assertRefused((options) => store.load("0-1", options));
});

test("shutdownOnSignal refuses what cannot be closed, and signals that are none", () => {
  const target = { close: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };
  for (const none of [null, {}, { close: target.close }]) {
    assertThrows(() => shutdownOnSignal(none as Any), TypeError, "Cannot shut down: what is to close must be");
  }
  assertThrows(() => shutdownOnSignal(target, null as Any), TypeError, "the options must be an object, received null");
  for (const signals of ["SIGINT", ["SIGNOPE"], [5], null]) {
    const options = { signals } as unknown as ShutdownOptions;
    assertThrows(() => shutdownOnSignal(target, options), TypeError, "Cannot shut down: signals must be some of");
  }
  assertThrows(() => shutdownOnSignal(target, { onSignal: 5 as Any }), TypeError, "onSignal must be a function");
});
