/** Objects of the owner's that misbehave: what is handed over is changed, throws, is something else, or never settles. */
import {
  Decompressor,
  type DecompressorLike,
  DisconnectError,
  type IdentifyPermit,
  type IdentifyRateLimiter,
  type PresenceUpdateData,
  Shard,
  type ShardOptions,
} from "@gangway/gateway";
import { PresenceUpdateStatus } from "discord-api-types/v10";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { test } from "./harness.ts";
import { ALL_INTENTS, connectedRig, fakeTime, fixedRandom, type Rig, rig } from "./shard_rig.ts";

function presenceOf(name: string): PresenceUpdateData {
  return { since: null, afk: false, status: PresenceUpdateStatus.Idle, activities: [{ name, type: 0 }] };
}

/** What makes a presence one that cannot be identified with. */
function spoil(presence: PresenceUpdateData | null, how: number): void {
  assert(presence !== null);
  if (how === 0) presence.status = "away" as PresenceUpdateStatus.Idle;
  else (presence.activities[0] as { name: string }).name = "x".repeat(5_000);
}

for (const [how, what] of ["away", "too large"].entries()) {
  test(`Shard keeps a presence as it was given: what becomes of the object, ${what}, is no concern`, async () => {
    using _ = fixedRandom();
    const first = presenceOf("first");
    await using it = await connectedRig({ shard: { presence: first } });
    const { shard, gateway } = it;
    const identified = async () => {
      await it.survive(() => gateway.disconnect(4009));
      return (gateway.identifies.at(-1)?.d as { presence: unknown }).presence;
    };
    spoil(first, how);
    spoil(shard.presence, how);
    assertEquals(await identified(), presenceOf("first"));
    const second = presenceOf("second");
    shard.presence = second;
    spoil(second, how);
    assertEquals(await identified(), presenceOf("second"));
    const third = presenceOf("third");
    const sent = shard.presenceUpdate(third);
    spoil(third, how);
    await sent;
    assertEquals(await identified(), presenceOf("third"));
    assertEquals(shard.presence, presenceOf("third"));
  });
}

test("Shard keeps its options as they were given", async () => {
  const options: ShardOptions = { largeThreshold: 100 };
  await using it = await rig();
  await using shard = new Shard(0, 1, ALL_INTENTS, it.gateway.token, limiterOf(), it.client, options);
  options.largeThreshold = 1;
  await shard.connect();
  await shard.ready;
  assertEquals((it.gateway.identifies[0]?.d as { large_threshold: number }).large_threshold, 100);
});

test("Shard.token that would make an IDENTIFY too large is refused", async () => {
  await using it = await rig();
  const { shard } = it;
  assertThrows(() => shard.token = "x".repeat(4_096), RangeError, "4096");
  assertEquals(shard.token, it.gateway.token);
});

/** A limiter that lets anybody identify at once, with a permit that the test makes worse. */
function limiterOf(permit: Partial<IdentifyPermit> = {}): IdentifyRateLimiter {
  return { acquire: () => Promise.resolve({ sent: () => {}, [Symbol.dispose]: () => {}, ...permit }) };
}

/** A shard with a limiter of the test's. */
function shardOf(it: Rig, limiter: IdentifyRateLimiter): Shard {
  return new Shard(0, 1, ALL_INTENTS, it.gateway.token, limiter, it.client);
}

const ODD_PERMITS: Record<string, unknown> = {
  "undefined": undefined,
  "null": null,
  "a number": 5,
  "an empty object": {},
  "what cannot be given back": { sent: () => {} },
  "what cannot be used": { [Symbol.dispose]: () => {} },
};

for (const [what, permit] of Object.entries(ODD_PERMITS)) {
  test(`Shard fails where its limiter gives ${what} for a permit`, async () => {
    await using it = await rig();
    await using shard = shardOf(it, { acquire: () => Promise.resolve(permit as IdentifyPermit) });
    const { closed } = shard;
    const error = await assertRejects(() => shard.connect(), TypeError, "is not a permit; run the doctor");
    assertStrictEquals(await closed.catch((error) => error), error);
    assertEquals([shard.phase, it.gateway.connections.length], ["closed", 0]);
  });
}

test("Shard fails where its limiter gives no permit for a session that was lost on the way", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  let count = 0;
  const limiter = limiterOf();
  await using shard = shardOf(it, {
    acquire: (request) => count++ === 0 ? limiter.acquire(request) : Promise.resolve({} as IdentifyPermit),
  });
  await shard.connect();
  await shard.ready;
  const { closed } = shard;
  shard.dispatcher.listen("phase", ({ phase }) => {
    if (phase === "connecting") shard.token = "another";
  });
  const lost = shard.dispatcher.waitFor("disconnect");
  it.gateway.drop();
  await lost;
  assertInstanceOf(await closed.catch((error) => error), TypeError);
  assertEquals(shard.phase, "closed");
});

for (const method of ["sent", Symbol.dispose] as const) {
  test(`Shard fails where ${String(method)} of its permit throws`, async () => {
    await using it = await rig();
    const fault = new Error("Broken");
    await using shard = shardOf(
      it,
      limiterOf({
        [method]: () => {
          throw fault;
        },
      }),
    );
    const { closed, ready } = shard;
    const critical = shard.dispatcher.waitFor("critical");
    await shard.connect();
    const error = await closed.catch((error) => error);
    assertStringIncludes(error.message, "identifyRateLimiter");
    assertStrictEquals(error.cause, fault);
    assertStrictEquals(await critical, error);
    assertStrictEquals(await ready.catch((error) => error), error);
    assertEquals(shard.phase, "closed");
  });
}

test("Shard asks its limiter again, after a while, where that fails", async () => {
  using _ = fixedRandom();
  await using it = await rig();
  const fault = new Error("Unreachable");
  let count = 0;
  const limiter = limiterOf();
  await using shard = shardOf(it, {
    acquire: (request) => {
      if (count++ === 0) throw fault;
      return count === 2 ? Promise.reject(fault) : limiter.acquire(request);
    },
  });
  const errors: Error[] = [];
  shard.dispatcher.listen("reconnecting", ({ error }) => errors.push(error));
  await shard.connect();
  await shard.ready;
  assertEquals(errors.map(({ cause }) => cause), [fault, fault]);
  for (const error of errors) assertInstanceOf(error, DisconnectError);
});

test("Shard can be closed while its limiter takes no notice, and gives back what comes after all", async () => {
  await using it = await rig();
  const acquired = Promise.withResolvers<IdentifyPermit>();
  const returned = Promise.withResolvers<void>();
  await using shard = shardOf(it, { acquire: () => acquired.promise });
  const connecting = shard.connect();
  await shard.close();
  await assertRejects(() => connecting, DOMException);
  acquired.resolve({ sent: () => {}, [Symbol.dispose]: () => returned.resolve() });
  await returned.promise;
});

test("Shard does not identify where shouldReconnect became false while it waited for its turn", async () => {
  await using it = await rig();
  const acquired = Promise.withResolvers<IdentifyPermit>();
  let held = true;
  const asked = Promise.withResolvers<void>();
  await using shard = shardOf(it, {
    acquire: () => {
      asked.resolve();
      return acquired.promise;
    },
  });
  const connecting = shard.connect();
  const { closed } = shard;
  await asked.promise;
  shard.shouldReconnect = false;
  acquired.resolve({ sent: () => {}, [Symbol.dispose]: () => void (held = false) });
  assertEquals((await connecting.catch((error) => error) as Error | undefined)?.name, "ReconnectCheckFailedError");
  await closed.catch(() => {});
  assertEquals([held, it.gateway.connections.length], [false, 0]);
});

/** A decompressor whose `close` throws. */
function unclosable(fault: Error): NonNullable<ShardOptions["createDecompressor"]> {
  return (format) => {
    const inner = new Decompressor(format);
    return {
      decompress: (bytes) => inner.decompress(bytes),
      close: () => {
        inner.close();
        throw fault;
      },
    };
  };
}

test("Shard goes on where its decompressor cannot be closed, and says so", async () => {
  using _ = fixedRandom();
  const fault = new Error("Stuck");
  await using it = await connectedRig({ shard: { createDecompressor: unclosable(fault) } });
  const { shard, gateway } = it;
  const reconnecting = shard.dispatcher.waitFor("reconnecting");
  await it.survive(() => gateway.reconnect());
  const { error } = await reconnecting;
  assertStringIncludes(error.message, "decompressor");
  assertStrictEquals(error.cause, fault);
  assertEquals([gateway.resumes.length, gateway.openConnections], [1, 1]);
  await shard.close();
  assertEquals([shard.phase, gateway.openConnections], ["closed", 0]);
});

test("Shard backs off where createDecompressor gives something else, and says why", async () => {
  using _ = fixedRandom();
  const odd: unknown[] = [{}, { decompress: () => null }, { close: () => {} }, 5];
  await using it = await rig({
    shard: {
      createDecompressor: (format) => odd.length === 0 ? new Decompressor(format) : odd.shift() as DecompressorLike,
    },
  });
  const causes: unknown[] = [];
  it.shard.dispatcher.listen("reconnecting", ({ error }) => causes.push(error.cause));
  await it.up();
  assertEquals(causes.length, 4);
  for (const cause of causes) {
    assertInstanceOf(cause, TypeError);
    assertStringIncludes(cause.message, "createDecompressor");
  }
  assertEquals(it.gateway.openConnections, 1);
});

const SOCKET_FAULTS: Record<string, (socket: WebSocket) => void> = {
  "cannot send": (socket) => {
    socket.send = () => {
      throw new Error("Cannot send");
    };
  },
  "gives neither text nor bytes": (socket) => {
    socket.addEventListener("message", () => {
      socket.dispatchEvent(new MessageEvent("message", { data: Symbol.iterator as never }));
    }, { once: true });
  },
  "cannot be closed": (socket) => {
    const close = socket.close.bind(socket);
    socket.close = () => {
      close();
      throw new Error("Cannot close");
    };
    socket.addEventListener("message", () => socket.dispatchEvent(new MessageEvent("message", { data: "no JSON" })), {
      once: true,
    });
  },
};

for (const [what, spoil] of Object.entries(SOCKET_FAULTS)) {
  test(`Shard opens another socket where one that createWebSocket made ${what}`, async () => {
    using time = fakeTime();
    using _ = fixedRandom();
    let sockets = 0;
    await using it = await rig({
      memory: true,
      gateway: { heartbeatIntervalMs: 1_000 },
      createWebSocket: (url, gateway) => {
        const socket = gateway.createWebSocket(url);
        if (sockets++ === 0) spoil(socket);
        return socket;
      },
    });
    void it.shard.connect();
    await time.pass(10_000);
    assertEquals([it.shard.phase, sockets], ["ready", 2]);
  });
}
