import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  ClusterNames,
  leaseCount,
  leaseOf,
  messageIdOf,
  parseEventSubject,
  parseMessageId,
  shardsOf,
} from "../lib/cluster/names.ts";
import { test } from "./harness.ts";

test("ClusterNames names subjects, streams and buckets after the application", () => {
  const names = new ClusterNames("my-bot");
  assertEquals(names.event("MESSAGE_CREATE", 7), "gangway.my-bot.events.MESSAGE_CREATE.7");
  assertEquals(names.eventsOf(7), "gangway.my-bot.events.*.7");
  assertEquals(names.command(7), "gangway.my-bot.command.7");
  assertEquals(names.dead(), "gangway.my-bot.dead.>");
  assertEquals(names.dead("READY", 0), "gangway.my-bot.dead.READY.0");
  assertEquals(names.stream(3), "gangway_my-bot_events_3");
});

test("ClusterNames refuses an application that would be part of another one's subjects", () => {
  for (const app of ["", "a.b", "*", "a b", ">"]) {
    assertThrows(() => new ClusterNames(app), TypeError, "Cannot name a cluster");
  }
});

test("parseEventSubject reads what ClusterNames makes, and nothing else", () => {
  const names = new ClusterNames("bot");
  assertEquals(parseEventSubject(names.event("READY", 12)), { type: "READY", shardId: 12 });
  assertEquals(parseEventSubject(names.dead("READY", 12)), null);
  assertEquals(parseEventSubject("gangway.bot.events.READY"), null);
});

test("parseMessageId reads what messageIdOf makes", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }).filter((id) => !/[\r\n]/.test(id)), fc.nat(), (sessionId, sequence) => {
      assertEquals(parseMessageId(messageIdOf({ sessionId, sequence })), { sessionId, sequence });
    }),
  );
  assertEquals(parseMessageId("something else"), null);
});

test("Every shard belongs to one lease", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 40 }), (shardCount, size) => {
    const leases = Array.from(
      { length: leaseCount(shardCount, size) },
      (_, lease) => shardsOf(lease, size, shardCount),
    );
    assertEquals(leases.flat(), Array.from({ length: shardCount }, (_, id) => id));
    for (const [lease, shardIds] of leases.entries()) for (const id of shardIds) assertEquals(leaseOf(id, size), lease);
  }));
});
