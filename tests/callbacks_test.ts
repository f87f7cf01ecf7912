/** What users give to be called: it rejects where nobody waits for it, throws, or takes no notice of its signal. */
import {
  Decompressor,
  DisconnectError,
  type GatewayError,
  HTTPClient,
  type IdentifyPermit,
  Shard,
  ShardManager,
  TimesPer,
} from "@gangway/gateway";
import { BotAuthentication } from "@gangway/gateway";
import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { test } from "./harness.ts";
import { managerRig } from "./shard_manager_rig.ts";
import { connectedRig, fakeTime, fixedRandom, rig } from "./shard_rig.ts";

/** An async function where one is wanted that is not. A rejection that nobody takes fails the test, or its file. */
function rejecting(): void {
  return Promise.reject(new Error("Nobody waits for it")) as unknown as void;
}

/** A turn of the event loop: what is not handled by then is reported. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

for (const part of ["sent", "dispose"] as const) {
  test(`Shard goes on where ${part} of its permit gives a promise that rejects`, async () => {
    await using it = await rig();
    const permit: IdentifyPermit = {
      sent: part === "sent" ? rejecting : () => {},
      [Symbol.dispose]: part === "dispose" ? rejecting : () => {},
    };
    const limiter = { acquire: () => Promise.resolve(permit) };
    await using shard = new Shard(0, 1, 0, it.gateway.token, limiter, it.client);
    await shard.connect();
    await shard.ready;
    await turn();
    assertEquals(shard.phase, "ready");
  });
}

test("Shard closes where close of its decompressor gives a promise that rejects", async () => {
  await using it = await connectedRig({
    shard: {
      createDecompressor: (format) => {
        const inner = new Decompressor(format);
        return { decompress: (bytes) => inner.decompress(bytes), close: () => (inner.close(), rejecting()) };
      },
    },
  });
  await it.shard.close();
  await turn();
});

test("HTTPClient tries again where onRetry gives a promise that rejects", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  it.gateway.rejectHttp(503);
  assertEquals((await it.client.getGateway({ onRetry: rejecting })).url, it.gateway.gatewayUrl);
  await turn();
});

for (
  const [how, fail] of [["throws", () => {
    throw new Error("mine");
  }], ["rejects", rejecting]] as const
) {
  test(`ShardManager tells its limiter the limits again, after a while, where that ${how}`, async () => {
    using _ = fixedRandom();
    let failures = 0;
    const inner = new TimesPer(100, 0.001, { marginMs: 0 });
    await using it = await managerRig({
      gateway: { identifyWindowMs: 0 },
      manager: {
        identifyRateLimiter: {
          acquire: (request) => inner.acquire(request),
          update: () => failures++ < 2 ? fail() : undefined,
        },
      },
    });
    const told: [number, GatewayError][] = [];
    it.manager.dispatcher.listen("reconnecting", ({ attempt, error }) => told.push([attempt, error]));
    await it.up();
    assertEquals([told.map(([attempt]) => attempt), failures, it.criticals], [[1, 2], 3, []]);
    assertInstanceOf(told[0]?.[1], DisconnectError);
    assertStringIncludes(told[0]?.[1].message ?? "", "Cannot update the identify limits");
  });
}

test("ShardManager waits for a limiter that takes the limits in asynchronously, until it is closed", async () => {
  const { promise: told, resolve } = Promise.withResolvers<void>();
  await using it = await managerRig({
    manager: {
      identifyRateLimiter: {
        acquire: () => Promise.reject(new Error("Not needed")),
        update: () => (resolve(), new Promise(() => {})) as unknown as void,
      },
    },
  });
  const connecting = it.manager.connect();
  await told;
  await it.manager.close();
  assertEquals((await assertRejects(() => connecting, DOMException)).name, "AbortError");
});

test("Shard ends a handshake that takes no notice of its signal: in time, and when it is closed", async () => {
  using time = fakeTime();
  using _ = fixedRandom();
  await using it = await rig({ memory: true });
  const sockets: PromiseWithResolvers<WebSocket>[] = [];
  const client = {
    getGatewayBot: it.client.getGatewayBot.bind(it.client),
    connectToGateway: () => {
      const socket = Promise.withResolvers<WebSocket>();
      sockets.push(socket);
      return socket.promise;
    },
  } as unknown as HTTPClient;
  const shard = new Shard(0, 1, 0, it.gateway.token, new TimesPer(1, 0.001, { marginMs: 0 }), client, {
    compress: "none",
    connectTimeoutMs: 1_000,
  });
  const reconnecting = shard.dispatcher.waitFor("reconnecting");
  void shard.connect();
  await time.pass(1_000);
  assertStringIncludes((await reconnecting).error.message, "did not come within 1000 ms");
  await time.pass(1_000);
  assertEquals([sockets.length, shard.phase], [2, "connecting"]);
  const closing = shard.close();
  await time.pass(2_000);
  await closing;
  // One that comes after all is not kept.
  for (const { resolve } of sockets) {
    const socket = it.gateway.createWebSocket(`${it.gateway.gatewayUrl}?v=10&encoding=json`);
    socket.addEventListener("open", () => resolve(socket), { once: true });
  }
  await time.pass(1_000);
  assertEquals([it.gateway.connections.length, it.gateway.openConnections], [2, 0]);
});

test("HTTPClient gives up a fetch that takes no notice of its signal", async () => {
  using time = fakeTime();
  const fetch = () => new Promise<Response>(() => {});
  const client = new HTTPClient({ baseUrl: "http://localhost/api/v10", fetch, requestTimeoutMs: 1_000 });
  const timedOut = client.request<Error>("GET", "/gateway", { retry: false }).catch((error) => error);
  await time.pass(1_000);
  assertStringIncludes((await timedOut).message, "No answer within 1000 ms");
  const controller = new AbortController();
  const aborted = client.request<Error>("GET", "/gateway", { signal: controller.signal }).catch((error) => error);
  await time.pass(10);
  const reason = new RangeError("mine");
  controller.abort(reason);
  assertStrictEquals(await aborted, reason);
  const manager = new ShardManager(new BotAuthentication("token"), 0, client);
  const connecting = manager.connect().catch((error) => error);
  await time.pass(10);
  await manager.close();
  assertEquals((await connecting).name, "AbortError");
  const ended = client.request<Error>("GET", "/gateway").catch((error) => error);
  await time.pass(10);
  client.close();
  assertEquals((await ended).name, "AbortError");
});

test("HTTPClient listens to the errors of a socket for good: an emitter of Node's may end the process with one", async () => {
  await using it = await rig({});
  for (const ends of ["opens", "is aborted"]) {
    const close = () => queueMicrotask(() => socket.dispatchEvent(new CloseEvent("close")));
    const socket = Object.assign(new EventTarget(), { readyState: 0, close });
    const heard = new Set<unknown>();
    const { addEventListener, removeEventListener } = socket;
    socket.addEventListener = function (type, listener, options) {
      if (type === "error") heard.add(listener);
      addEventListener.call(this, type, listener, options);
    };
    socket.removeEventListener = function (type, listener, options) {
      heard.delete(listener);
      removeEventListener.call(this, type, listener, options);
    };
    using client = new HTTPClient({ createWebSocket: () => socket as unknown as WebSocket });
    const controller = new AbortController();
    const connecting = client.connectToGateway({ url: it.gateway.gatewayUrl, signal: controller.signal });
    if (ends === "opens") socket.dispatchEvent(new Event("open"));
    else controller.abort();
    await connecting.catch(() => {});
    assertEquals(heard.size, 1, ends);
  }
});

test("Shard can be closed during a handshake whose socket cannot be closed", async () => {
  let made: WebSocket | undefined;
  await using it = await rig({
    createWebSocket: (url) => {
      made = new WebSocket(url);
      const { close } = made;
      made.close = () => {
        close.call(made);
        throw new Error("mine");
      };
      return made;
    },
  });
  await it.shard.connect();
  while (made === undefined) await turn();
  const closed = new Promise((resolve) => made?.addEventListener("close", resolve, { once: true }));
  await it.shard.close();
  assertEquals(it.shard.phase, "closed");
  await closed;
});

test("Shard.close during the handshake waits for the end of the socket", async () => {
  let made: WebSocket | undefined;
  await using it = await rig({ createWebSocket: (url) => made = new WebSocket(url) });
  await it.shard.connect();
  while (made === undefined) await turn();
  await it.shard.close();
  assertEquals(made.readyState, WebSocket.CLOSED);
});

for (const op of [1, 2, 3]) {
  test(`Shard takes a socket that throws at op ${op} for a connection that is lost`, async () => {
    using _ = fixedRandom();
    let faults = 1;
    await using it = await rig({
      gateway: { heartbeatIntervalMs: 400 },
      createWebSocket: (url) => {
        const socket = new WebSocket(url);
        const { send } = socket;
        socket.send = (data) => {
          if (JSON.parse(data as string).op === op && faults-- > 0) throw new Error("mine");
          send.call(socket, data);
        };
        return socket;
      },
    });
    const reconnecting = it.shard.dispatcher.waitFor("reconnecting");
    void it.shard.connect();
    if (op === 3) void it.shard.presenceUpdate({ status: "idle" as never, activities: [], since: null, afk: false });
    const { error } = await reconnecting;
    assertEquals(error.message, "Disconnected from the gateway: the socket cannot send");
    assertEquals((error.cause as Error).message, "mine");
    await it.shard.ready;
    assertEquals(await it.echo("after"), "after");
  });
}
