import { Dispatcher, GatewayError, type ShardEvents } from "@gangway/gateway";
import { assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { ShardManagerLifetime } from "../lib/shard_manager_lifetime.ts";
import { test } from "./harness.ts";

test("ShardManagerLifetime.end of a life that is over does not end the next one", async () => {
  const closings: PromiseWithResolvers<void>[] = [];
  const lifetime = new ShardManagerLifetime({
    signal: undefined,
    dispatcher: new Dispatcher(),
    onLife: () => {},
    close: () => {
      const closing = Promise.withResolvers<void>();
      closings.push(closing);
      return closing.promise;
    },
  });
  lifetime.begin();
  const [first, second] = [lifetime.end(true), lifetime.end(true)];
  closings[0]?.resolve();
  await first;
  const signal = lifetime.begin();
  let isClosed = false;
  void lifetime.closed.then(() => isClosed = true);
  closings[1]?.resolve();
  await second;
  assertEquals([isClosed, signal.aborted, lifetime.signal === signal], [false, false, true]);

  const third = lifetime.end(true);
  closings[2]?.resolve();
  await third;
  await lifetime.closed;
  assertEquals([isClosed, lifetime.signal], [true, null]);
});

test("ShardManagerLifetime.fail ends with an error that names the doctor, whatever it was given", async () => {
  for (const cause of [new TypeError("Cannot fetch"), "Cannot fetch", undefined, null, Object.create(null)]) {
    const dispatcher = new Dispatcher<ShardEvents>();
    const told: unknown[] = [];
    dispatcher.listen("critical", (error) => told.push(error));
    const lifetime = new ShardManagerLifetime({
      signal: undefined,
      dispatcher,
      onLife: () => {},
      close: () => Promise.resolve(),
    });
    lifetime.begin();
    const error = lifetime.fail(cause);
    assertEquals([error instanceof GatewayError, error.cause === cause], [true, true]);
    assertMatch(error.message, /doctor/);
    assertStrictEquals(lifetime.fail(error), error);
    assertStrictEquals(await lifetime.closed.catch((reason) => reason), error);
    assertEquals(told, [error]);
  }
});
