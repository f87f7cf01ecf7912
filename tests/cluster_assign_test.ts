import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { assign } from "../lib/cluster/assign.ts";
import { test } from "./harness.ts";

/** A cluster in any state: who owns what, some of them dead, some leases owned by nobody. */
const worlds = fc.record({
  nodes: fc.uniqueArray(fc.constantFrom(..."abcdefgh"), { minLength: 1, maxLength: 8 }),
  owners: fc.array(fc.constantFrom(..."abcdefgh", null), { maxLength: 60 }),
});

function ownersOf(owners: readonly (string | null)[]): Map<number, string> {
  return new Map(owners.flatMap((owner, lease) => owner === null ? [] : [[lease, owner] as const]));
}

function countsOf(desired: ReadonlyMap<number, string>, nodes: readonly string[]): number[] {
  return nodes.map((node) => [...desired.values()].filter((owner) => owner === node).length);
}

test("assign gives every lease to a node that is there, and no node more than its share", () => {
  fc.assert(fc.property(worlds, ({ nodes, owners }) => {
    const desired = assign(owners.length, ownersOf(owners), nodes);
    assertEquals([...desired.keys()].sort((a, b) => a - b), owners.map((_, lease) => lease));
    for (const node of desired.values()) assert(nodes.includes(node));
    const counts = countsOf(desired, nodes);
    assertLessOrEqual(Math.max(...counts) - Math.min(...counts), 1);
  }));
});

test("assign moves no lease that could stay", () => {
  fc.assert(fc.property(worlds, ({ nodes, owners }) => {
    const before = ownersOf(owners);
    const desired = assign(owners.length, before, nodes);
    const most = Math.ceil(owners.length / nodes.length);
    for (const node of nodes) {
      const had = [...before].filter(([, owner]) => owner === node).map(([lease]) => lease);
      const kept = had.filter((lease) => desired.get(lease) === node).length;
      // Who has no more than the smaller share keeps all of it, and nobody gives up more than what is above it.
      assert(kept >= Math.min(had.length, Math.floor(owners.length / nodes.length)));
      assertLessOrEqual(kept, most);
    }
  }));
});

test("assign comes to rest: what it gives it leaves as it is", () => {
  fc.assert(fc.property(worlds, ({ nodes, owners }) => {
    const desired = assign(owners.length, ownersOf(owners), nodes);
    assertEquals(assign(owners.length, desired, nodes), desired);
  }));
});

test("assign gives the same on every node, whatever the order in which it knows the others", () => {
  fc.assert(fc.property(worlds, ({ nodes, owners }) => {
    const before = ownersOf(owners);
    assertEquals(assign(owners.length, before, nodes), assign(owners.length, before, nodes.toReversed()));
  }));
});

test("assign gives nothing where there is no node", () => {
  assertEquals(assign(3, new Map([[0, "a"]]), []).size, 0);
});
