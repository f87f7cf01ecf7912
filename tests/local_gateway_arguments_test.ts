import { LocalGateway } from "@gangway/gateway/testing";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "./harness.ts";

// deno-lint-ignore no-explicit-any -- what code without types can call it with
type Any = any;

test("LocalGateway refuses options that make no sense, naming them", async () => {
  const wrong: [unknown, string][] = [
    [5, "the options must be an object, received 5"],
    [null, "the options must be an object, received null"],
    [{ shards: null }, "shards must be a whole number from 1, received null"],
    [{ maxConcurrency: "2" }, 'maxConcurrency must be a whole number from 1, received "2"'],
    [{ identifyWindowMs: {} }, "identifyWindowMs must be a number from 0, received an object"],
    [{ token: 5 }, "token must be a string, received 5"],
    [{ listen: "no" }, 'listen must be a boolean, received "no"'],
    [{ guildOrder: "sorted" }, 'guildOrder must be one of given, shuffled, received "sorted"'],
    [{ guilds: "many" }, 'guilds must be a number or an array, received "many"'],
    [{ guilds: [null] }, "guilds[0] must be an object, received null"],
    [{ format: 5 }, "format must be an object, received 5"],
    [{ sessionStartLimit: { remaining: null } }, "remaining must be a whole number from 0, received null"],
    [{ heartbeatTimeoutCode: "x" }, "heartbeatTimeoutCode must be a whole number from 1000"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new LocalGateway(options as Any), TypeError, `Cannot start the local gateway: ${message}`);
    await assertRejects(() => LocalGateway.start(options as Any), TypeError, message);
  }
  for (const options of [{ shards: 0 }, { guilds: -1 }, { sessionTtlMs: -1 }, { maxConcurrency: 1.5 }]) {
    assertThrows(() => new LocalGateway(options), RangeError, "Cannot start the local gateway");
  }
});

test("LocalGateway refuses arguments that make no sense", async () => {
  await using gateway = new LocalGateway() as Any;
  const wrongType: [string, unknown[]][] = [
    ["emit", []],
    ["emit", ["X", {}, null]],
    ["user", []],
    ["disconnect", ["x"]],
    ["disconnect", []],
    ["drop", [5]],
    ["freeze", [{ shardId: "0" }]],
    ["rejectHttp", ["a"]],
    ["rejectHttp", [503, "x"]],
    ["dropHttp", [null]],
    ["rejectUpgrade", ["a"]],
    ["delayHttp", ["soon"]],
    ["delayHello", [null]],
    ["setRecommendedShards", ["2"]],
    ["setAllowedIntents", [null]],
  ];
  for (const [verb, values] of wrongType) assertThrows(() => gateway[verb](...values), TypeError, "must be");
  const outOfRange: [string, unknown[]][] = [
    ["disconnect", [99_999]],
    ["disconnect", [999]],
    ["rejectHttp", [9]],
    ["rejectHttp", [503, -1]],
    ["rejectUpgrade", [9]],
    ["delayHttp", [-1]],
    ["setRecommendedShards", [0]],
    ["setRemainingSessionStarts", [-1]],
  ];
  for (const [verb, values] of outOfRange) assertThrows(() => gateway[verb](...values), RangeError, "must be");
  await assertRejects(() => gateway.next("nope"), TypeError, "the kind must be one of connection, payload");
  await assertRejects(() => gateway.next("close", 5), TypeError, "the check must be a function, received 5");
  await assertRejects(() => gateway.next("close", undefined, null), TypeError, "the options must be an object");
  await assertRejects(
    () => gateway.next("close", undefined, { signal: {} }),
    TypeError,
    "signal must be an AbortSignal",
  );
  assertEquals(gateway.httpRequests, []);
});
