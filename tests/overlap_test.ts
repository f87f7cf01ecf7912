import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import fc from "fast-check";
import { GatewayEvent } from "../lib/gateway_event.ts";
import { Overlap, type ShardSet } from "../lib/overlap.ts";
import { test } from "./harness.ts";

/** How far apart the two copies of an event may be. */
const SKEW_MS = 100;

const encoder = new TextEncoder();

type Key = "op" | "t" | "s" | "d";

interface Dispatch {
  t?: string;
  d: unknown;
  s?: number;
  /** The order of the keys in the message. */
  keys?: readonly Key[];
}

/** The two events that a shard makes of a dispatch. */
function eventsOf({ t = "MESSAGE_CREATE", d, s = 1, keys = ["t", "s", "op", "d"] }: Dispatch): GatewayEvent[] {
  const parts = { op: 0, t, s, d };
  const text = `{${keys.map((key) => `"${key}":${JSON.stringify(parts[key])}`).join(",")}}`;
  const payload = encoder.encode(text);
  return ["0", t].map((type) => new GatewayEvent(type, { shardId: 0, sequence: s, payload }));
}

/** An overlap whose switch is at 0, and what it has delivered. */
class Bench {
  readonly overlap: Overlap;
  readonly delivered: GatewayEvent[] = [];

  constructor() {
    this.overlap = new Overlap(0, SKEW_MS, (event) => this.delivered.push(event));
  }

  receive(from: ShardSet, dispatch: Dispatch, at: number, isReplayed = false): void {
    for (const event of eventsOf(dispatch)) this.overlap.receive(from, event, at, isReplayed);
  }

  /** The data of what was delivered under a name. */
  data(type = "MESSAGE_CREATE"): unknown[] {
    return this.delivered.filter((event) => event.type === type).map(({ detail }) =>
      type === "0" ? (detail as { d: unknown }).d : detail
    );
  }
}

test("Overlap delivers from the old set before the switch, and from the new one after it", () => {
  const bench = new Bench();
  const { delivered } = bench;
  bench.receive("old", { d: 1 }, -50);
  bench.receive("new", { d: 1 }, -40);
  assertEquals(delivered.length, 2);
  bench.receive("new", { d: 2 }, 110);
  bench.receive("old", { d: 2 }, 120);
  assertEquals([bench.data(), bench.data("0")], [[1, 2], [1, 2]]);
  assertEquals(bench.overlap.finish(), { matched: 2, unmatched: 0 });
});

test("Overlap delivers around the switch what comes first and may be delivered, and never its copy", () => {
  for (
    const [old, fresh, deliveredAt] of [
      [-10, 10, "old"],
      [10, -10, "old"],
      [10, 20, "old"],
      [20, 10, "new"],
      [90, 110, "old"],
      [110, 90, "new"],
      [150, 140, "new"],
    ] as const
  ) {
    const bench = new Bench();
    const copies = [["old", old], ["new", fresh]] as ["old" | "new", number][];
    let from: string | undefined;
    for (const [set, at] of copies.sort(([, a], [, b]) => a - b)) {
      const before = bench.delivered.length;
      bench.receive(set, { d: 1 }, at);
      if (bench.delivered.length > before) from = set;
    }
    assertEquals([bench.data(), from], [[1], deliveredAt]);
    assertEquals(bench.overlap.finish(), { matched: 1, unmatched: 0 });
  }
});

test("Overlap delivers in the end what only one set received, and counts it", () => {
  const bench = new Bench();
  bench.receive("new", { d: "early" }, -50);
  bench.receive("old", { d: "late" }, 150);
  bench.receive("old", { d: "old" }, 50);
  bench.receive("new", { d: "new" }, 50);
  assertEquals(bench.data(), ["old", "new"]);
  assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 4 });
  assertEquals(bench.data(), ["old", "new", "early", "late"]);
  assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 0 });
});

test("Overlap does not count what may have a copy outside of it", () => {
  const bench = new Bench();
  bench.receive("old", { d: "before" }, -190);
  bench.receive("old", { d: "just before" }, -10);
  bench.receive("new", { d: "after" }, 290);
  assertEquals(bench.data(), ["before", "just before", "after"]);
  assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 0 });
});

test("Overlap does not deliver what the new set receives long before the switch, not even in the end", () => {
  const bench = new Bench();
  bench.receive("new", { d: 1 }, -101);
  bench.receive("old", { d: 1 }, -60);
  bench.receive("new", { d: "the old set had it before it was heard" }, -150);
  assertEquals([bench.data(), bench.overlap.finish()], [[1], { matched: 1, unmatched: 0 }]);
  assertEquals(bench.data(), [1]);
});

test("Overlap does not take an event for the copy of one that looks the same and came long before", () => {
  for (const [early, late] of [["old", "new"], ["new", "old"]] as const) {
    const bench = new Bench();
    bench.receive(early, { d: "same" }, -150);
    bench.receive(late, { d: "same" }, 50);
    bench.receive(early, { d: "same" }, 60);
    assertEquals(bench.data().length, early === "old" ? 2 : 1);
    assertEquals(bench.overlap.finish(), { matched: 1, unmatched: 0 });
  }
});

test("Overlap matches what is replayed with what came long before", () => {
  const bench = new Bench();
  bench.receive("old", { d: 1 }, 10);
  bench.receive("new", { d: 1 }, 250, true);
  bench.receive("new", { d: 2 }, 20);
  bench.receive("old", { d: 2 }, 190, true);
  bench.receive("old", { d: 3 }, 150);
  bench.receive("new", { d: 3 }, 290, true);
  assertEquals([bench.data(), bench.overlap.finish()], [[1, 2, 3], { matched: 3, unmatched: 0 }]);
});

test("Overlap tells events of the same data apart by their names", () => {
  const bench = new Bench();
  bench.receive("old", { t: "CHANNEL_CREATE", d: 1 }, 10);
  bench.receive("new", { t: "CHANNEL_UPDATE", d: 1 }, 10);
  bench.receive("new", { t: "CHANNEL_CREATE", d: 1 }, 20);
  bench.receive("old", { t: "CHANNEL_UPDATE", d: 1 }, 20);
  assertEquals([bench.data("CHANNEL_CREATE"), bench.data("CHANNEL_UPDATE")], [[1], [1]]);
  assertEquals(bench.overlap.finish(), { matched: 2, unmatched: 0 });
});

test("Overlap delivers an event as often as it happened", () => {
  const bench = new Bench();
  for (const at of [10, 11, 12]) bench.receive("old", { d: "same" }, at);
  for (const at of [20, 21, 22]) bench.receive("new", { d: "same" }, at);
  assertEquals(bench.data(), ["same", "same", "same"]);
  assertEquals(bench.overlap.finish(), { matched: 3, unmatched: 0 });
});

test("Overlap knows no copies of what answers one session: each set delivers its own in its time", () => {
  for (const t of ["READY", "RESUMED", "GUILD_MEMBERS_CHUNK", "RATE_LIMITED", "SOUNDBOARD_SOUNDS", "CHANNEL_INFO"]) {
    const bench = new Bench();
    for (const at of [-50, 50, 150]) {
      bench.receive("old", { t, d: `old ${at}` }, at);
      bench.receive("new", { t, d: `new ${at}` }, at);
    }
    const expected = ["old -50", "old 50", "new 50", "new 150"];
    assertEquals([bench.data(t), bench.data("0")], [expected, expected]);
    assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 0 });
  }
});

test("Overlap delivers raw payloads that are no dispatches by the same times", () => {
  const bench = new Bench();
  const beat = () => new GatewayEvent("11", { shardId: 0, payload: encoder.encode('{"op":11}') });
  for (const at of [-50, 50, 150]) {
    bench.overlap.receive("old", beat(), at);
    bench.overlap.receive("new", beat(), at);
  }
  assertEquals([bench.delivered.length, bench.overlap.finish()], [4, { matched: 0, unmatched: 0 }]);
});

/** One event of random traffic: when it happens, and how much later each set receives it. */
interface Traffic {
  at: number;
  oldSkew: number;
  newSkew: number;
  keys: readonly (readonly Key[])[];
  t: string;
  d: unknown;
  lostBy: ShardSet | null;
}

const skew = fc.integer({ min: 0, max: SKEW_MS - 1 });
const keys: fc.Arbitrary<Key[]> = fc.shuffledSubarray(["op", "t", "s", "d"], { minLength: 4, maxLength: 4 });

function traffic(d: fc.Arbitrary<unknown>, lostBy: fc.Arbitrary<ShardSet | null>): fc.Arbitrary<Traffic[]> {
  const one = fc.record({
    at: fc.integer({ min: -4 * SKEW_MS, max: 4 * SKEW_MS }),
    oldSkew: skew,
    newSkew: skew,
    keys: fc.tuple(keys, keys),
    t: fc.constantFrom("MESSAGE_CREATE", "GUILD_MEMBER_ADD"),
    d,
    lostBy,
  });
  return fc.array(one, { maxLength: 40 });
}

/** Plays traffic as a rescale does, and returns what the manager's listeners got. */
function play(events: readonly Traffic[]): { texts: string[]; raw: number; matched: number; unmatched: number } {
  const bench = new Bench();
  const copies = events.flatMap((event, index) => [
    { ...event, from: "old" as const, at: event.at + event.oldSkew, s: index, keys: event.keys[0] as Key[] },
    { ...event, from: "new" as const, at: event.at + event.newSkew, s: 1_000 + index, keys: event.keys[1] as Key[] },
  ]);
  copies.sort((a, b) => a.at - b.at);
  let counts: { matched: number; unmatched: number } | undefined;
  for (const copy of copies) {
    const { from, at, lostBy } = copy;
    if (lostBy === from) continue;
    // The end of the overlap; from then on the new set has the manager for a parent.
    if (at >= 3 * SKEW_MS) counts ??= bench.overlap.finish();
    const isHeard = at >= -2 * SKEW_MS && at < (from === "old" ? 2 : 3) * SKEW_MS;
    if (isHeard) bench.receive(from, copy, at);
    else if (from === "old" ? at < 0 : at > 0) bench.delivered.push(...eventsOf(copy));
  }
  counts ??= bench.overlap.finish();
  const named = bench.delivered.filter(({ type }) => type !== "0");
  return {
    ...counts,
    texts: named.map(({ type, detail }) => `${type} ${JSON.stringify(detail)}`).sort(),
    raw: bench.delivered.length - named.length,
  };
}

function textsOf(events: readonly Traffic[]): string[] {
  return events.map(({ t, d }) => `${t} ${JSON.stringify(d)}`).sort();
}

test("Overlap delivers each event exactly once, whatever the skews and the order of keys", () => {
  fc.assert(
    fc.property(traffic(fc.jsonValue(), fc.constant(null)), (events) => {
      const distinct = events.map((event, id) => ({ ...event, d: { id, content: event.d } }));
      const { texts, raw, unmatched } = play(distinct);
      assertEquals(texts, textsOf(distinct));
      assertEquals([raw, unmatched], [events.length, 0]);
    }),
    { numRuns: 300 },
  );
});

test("Overlap delivers events that look the same as often as they happened, unless in quick succession", () => {
  const distant = fc.uniqueArray(fc.integer({ min: -3, max: 3 }), { maxLength: 7 });
  fc.assert(
    fc.property(traffic(fc.constant("same"), fc.constant(null)), distant, (events, places) => {
      const apart = events.slice(0, places.length).map((event, index) => ({
        ...event,
        t: "MESSAGE_CREATE",
        at: (places[index] as number) * 4 * SKEW_MS + event.at % SKEW_MS,
      }));
      const { texts, raw } = play(apart);
      assertEquals([texts, raw], [textsOf(apart), apart.length]);
    }),
    { numRuns: 300 },
  );
});

test("Overlap loses none of a few events that look the same", () => {
  fc.assert(
    fc.property(traffic(fc.constant("same"), fc.constant(null)), (events) => {
      const few = events.slice(0, 3);
      assertGreaterOrEqual(play(few).texts.length, few.length);
    }),
    { numRuns: 300 },
  );
});

test("Overlap delivers what one of the sets loses while both are heard", () => {
  const lostBy = fc.constantFrom<(ShardSet | null)[]>(null, "old", "new");
  fc.assert(
    fc.property(traffic(fc.nat(), lostBy), (events) => {
      const distinct = events.map((event, id): Traffic => {
        const isCovered = event.at >= -SKEW_MS && event.at + event.oldSkew < 2 * SKEW_MS;
        return { ...event, d: { id, content: event.d }, lostBy: isCovered ? event.lostBy : null };
      });
      const { texts, unmatched } = play(distinct);
      assertEquals(texts, textsOf(distinct));
      const lost = distinct.filter(({ lostBy }) => lostBy !== null).length;
      assertEquals(unmatched <= lost, true);
    }),
    { numRuns: 300 },
  );
});
