import { assertEquals } from "@std/assert";
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

/** An overlap that begins at -400, and what it has delivered. */
class Bench {
  readonly delivered: GatewayEvent[] = [];
  readonly overlap: Overlap = new Overlap(-4 * SKEW_MS, SKEW_MS, (event) => this.delivered.push(event));

  /** One that has been switched over at 0, to which all had arrived. */
  static switched(): Bench {
    const bench = new Bench();
    bench.join();
    bench.overlap.switchOver(0);
    return bench;
  }

  /** The new set is at hand from -200 on, and the old one has received everything up to then. */
  join(): void {
    this.advance("new", -2 * SKEW_MS);
    this.advance("old", -SKEW_MS);
  }

  receive(from: ShardSet, dispatch: Dispatch, at: number): void {
    for (const event of eventsOf(dispatch)) this.overlap.receive(from, event, at);
  }

  advance(set: ShardSet, at: number): void {
    this.overlap.advance(set, at, at);
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
  bench.join();
  bench.receive("old", { d: 1 }, -50);
  bench.receive("new", { d: 1 }, -40);
  assertEquals(bench.delivered.length, 2);
  bench.overlap.switchOver(0);
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
    bench.join();
    const copies = [["old", old], ["new", fresh]] as ["old" | "new", number][];
    let from: string | undefined;
    for (const [set, at] of copies.sort(([, a], [, b]) => a - b)) {
      const before = bench.delivered.length;
      if (at >= 0) bench.overlap.switchOver(0);
      bench.receive(set, { d: 1 }, at);
      if (bench.delivered.length > before) from = set;
    }
    assertEquals([bench.data(), from], [[1], deliveredAt]);
    assertEquals(bench.overlap.finish(), { matched: 1, unmatched: 0 });
  }
});

test("Overlap can switch once the old set has received everything from before the new one was at hand", () => {
  const { overlap } = new Bench();
  const states: unknown[] = [];
  for (
    const [set, at] of [["new", -301], ["old", 500], ["new", -300], ["old", -99], ["old", 600]] as [ShardSet, number][]
  ) {
    overlap.advance(set, at, set === "new" ? at + 250 : at);
    states.push([overlap.isJoined, overlap.canSwitch]);
  }
  assertEquals(states, [[false, false], [false, false], [true, true], [true, true], [true, true]]);
  overlap.lose("new", 700);
  assertEquals([overlap.isJoined, overlap.canSwitch], [false, false]);
  overlap.advance("new", 900, 950);
  assertEquals([overlap.isJoined, overlap.canSwitch], [true, false]);
  overlap.advance("old", 1_050, 1_060);
  assertEquals(overlap.canSwitch, true);
});

test("Overlap delivers what only one set received once the other has shown that nothing is left, and counts it", () => {
  const bench = Bench.switched();
  bench.receive("old", { d: "late" }, 150);
  bench.receive("old", { d: "old" }, 50);
  bench.receive("new", { d: "new" }, 50);
  assertEquals(bench.data(), ["old", "new"]);
  bench.advance("new", 249);
  assertEquals(bench.data(), ["old", "new"]);
  bench.advance("new", 250);
  assertEquals(bench.data(), ["old", "new", "late"]);
  bench.advance("old", 150);
  assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 3 });
});

test("Overlap delivers at the switch what the new set holds and the old one has lost", () => {
  const bench = new Bench();
  bench.join();
  bench.receive("new", { d: "lost" }, -190);
  bench.receive("new", { d: "under way" }, -50);
  bench.advance("old", 0);
  assertEquals(bench.data(), []);
  bench.overlap.switchOver(10);
  assertEquals(bench.data(), ["lost"]);
  bench.receive("old", { d: "under way" }, 20);
  assertEquals(bench.data(), ["lost", "under way"]);
  assertEquals(bench.overlap.finish(), { matched: 1, unmatched: 1 });
});

test("Overlap delivers what the new set holds from before it was at hand where the old set has lost something", () => {
  for (const isLost of [false, true]) {
    const bench = new Bench();
    bench.receive("new", { d: "early" }, -390);
    if (isLost) bench.overlap.lose("old", -380);
    bench.join();
    bench.overlap.switchOver(0);
    assertEquals(bench.data(), isLost ? ["early"] : []);
    assertEquals(bench.overlap.finish(), { matched: 0, unmatched: isLost ? 1 : 0 });
  }
});

test("Overlap delivers all that the new set holds where the old one is not waited for any longer", () => {
  const bench = new Bench();
  bench.receive("new", { d: "early" }, -390);
  bench.advance("new", -200);
  bench.receive("new", { d: "held" }, -100);
  bench.overlap.switchOver(0);
  bench.overlap.closeOld();
  assertEquals(bench.data(), ["early", "held"]);
  bench.receive("new", { d: "after" }, 50);
  assertEquals(bench.data(), ["early", "held", "after"]);
  assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 2 });
});

test("Overlap does not count what may have a copy outside of it", () => {
  const bench = new Bench();
  bench.receive("old", { d: "before" }, -390);
  bench.join();
  bench.overlap.switchOver(0);
  bench.advance("new", 100);
  bench.receive("new", { d: "after" }, 290);
  bench.overlap.closeOld();
  assertEquals(bench.data(), ["before", "after"]);
  assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 0 });
});

test("Overlap matches copies however late they are while their set has not shown that it is up to date", () => {
  const bench = Bench.switched();
  bench.receive("old", { d: 1 }, 10);
  bench.receive("new", { d: 2 }, 20);
  bench.advance("new", 109);
  bench.advance("old", 119);
  bench.receive("new", { d: 1 }, 90_000);
  bench.receive("old", { d: 2 }, 90_000);
  assertEquals([bench.data(), bench.overlap.finish()], [[1, 2], { matched: 2, unmatched: 0 }]);
});

test("Overlap does not take an event for the copy of one that looks the same and has none", () => {
  for (const [early, late] of [["old", "new"], ["new", "old"]] as const) {
    const bench = Bench.switched();
    bench.receive(early, { d: "same" }, 10);
    bench.advance(late, 110);
    bench.receive(late, { d: "same" }, 120);
    bench.receive(early, { d: "same" }, 130);
    assertEquals(bench.data(), ["same", "same"]);
    assertEquals(bench.overlap.finish(), { matched: 1, unmatched: 1 });
  }
});

test("Overlap tells events of the same data apart by their names", () => {
  const bench = Bench.switched();
  bench.receive("old", { t: "CHANNEL_CREATE", d: 1 }, 10);
  bench.receive("new", { t: "CHANNEL_UPDATE", d: 1 }, 10);
  bench.receive("new", { t: "CHANNEL_CREATE", d: 1 }, 20);
  bench.receive("old", { t: "CHANNEL_UPDATE", d: 1 }, 20);
  assertEquals([bench.data("CHANNEL_CREATE"), bench.data("CHANNEL_UPDATE")], [[1], [1]]);
  assertEquals(bench.overlap.finish(), { matched: 2, unmatched: 0 });
});

test("Overlap delivers an event as often as it happened", () => {
  const bench = Bench.switched();
  for (const at of [10, 11, 12]) bench.receive("old", { d: "same" }, at);
  for (const at of [20, 21, 22]) bench.receive("new", { d: "same" }, at);
  assertEquals(bench.data(), ["same", "same", "same"]);
  assertEquals(bench.overlap.finish(), { matched: 3, unmatched: 0 });
});

test("Overlap knows no copies of what tells of one session: each set delivers its own in its time", () => {
  const times = [-50, 50, 150];
  for (const t of ["READY", "RESUMED", "GUILD_MEMBERS_CHUNK", "RATE_LIMITED", "SOUNDBOARD_SOUNDS", "CHANNEL_INFO"]) {
    const bench = new Bench();
    for (const at of times) {
      if (at > 0) bench.overlap.switchOver(0);
      bench.receive("old", { t, d: `old ${at}` }, at);
      bench.receive("new", { t, d: `new ${at}` }, at);
    }
    // Somebody waits for answers.
    const late = t === "READY" || t === "RESUMED" ? [] : ["old 150"];
    const expected = ["old -50", "old 50", "new 50", ...late, "new 150"];
    assertEquals([bench.data(t), bench.data("0")], [expected, expected]);
    assertEquals(bench.overlap.finish(), { matched: 0, unmatched: 0 });
  }
});

test("Overlap delivers raw payloads that are no dispatches by the same times", () => {
  const bench = new Bench();
  const beat = () => new GatewayEvent("11", { shardId: 0, payload: encoder.encode('{"op":11}') });
  for (const at of [-50, 50, 150]) {
    if (at > 0) bench.overlap.switchOver(0);
    bench.overlap.receive("old", beat(), at);
    bench.overlap.receive("new", beat(), at);
  }
  assertEquals([bench.delivered.length, bench.overlap.finish()], [4, { matched: 0, unmatched: 0 }]);
});

/** One event of random traffic: when it happens, and how much later each set receives it. */
interface Traffic {
  at: number;
  skews: Readonly<Record<ShardSet, number>>;
  keys: Readonly<Record<ShardSet, readonly Key[]>>;
  t: string;
  d: unknown;
}

/** When a set stands still, and for how long. */
type Stalls = Readonly<Record<ShardSet, readonly [number, number]>>;

const skew = fc.integer({ min: 0, max: SKEW_MS - 1 });
const keys: fc.Arbitrary<Key[]> = fc.shuffledSubarray(["op", "t", "s", "d"], { minLength: 4, maxLength: 4 });

function traffic(d: fc.Arbitrary<unknown>): fc.Arbitrary<Traffic[]> {
  const one = fc.record({
    at: fc.integer({ min: -4 * SKEW_MS, max: 20 * SKEW_MS }),
    skews: fc.record({ old: skew, new: skew }),
    keys: fc.record({ old: keys, new: keys }),
    t: fc.constantFrom("MESSAGE_CREATE", "GUILD_MEMBER_ADD"),
    d,
  });
  return fc.array(one, { maxLength: 40 });
}

const stall = fc.tuple(fc.integer({ min: -3 * SKEW_MS, max: 12 * SKEW_MS }), fc.integer({ min: 0, max: 9 * SKEW_MS }));
const stalls: fc.Arbitrary<Stalls> = fc.record({ old: stall, new: stall });
const NO_STALLS: Stalls = { old: [0, 0], new: [0, 0] };

/** What arrives at a set, in the order in which it was sent: events, and ACKs of heartbeats sent every 40 ms. */
function arrivalsOf(set: ShardSet, events: readonly Traffic[], [from, ms]: readonly [number, number]) {
  const sent = [
    ...events.map((event, index) => ({ at: event.at + event.skews[set], event, s: index })),
    ...Array.from({ length: 100 }, (_, index) => ({ at: -4 * SKEW_MS + index * 40, event: null, s: 0 })),
  ].sort((a, b) => a.at - b.at);
  return sent.map((item) => {
    const isHeld = item.at >= from && item.at < from + ms;
    return { ...item, set, sentAt: item.at, at: isHeld ? from + ms : item.at };
  });
}

/** Plays traffic as a rescale does that begins at 0, and returns what the manager's listeners got. */
function play(events: readonly Traffic[], stalls: Stalls) {
  const delivered: GatewayEvent[] = [];
  const overlap = new Overlap(0, SKEW_MS, (event) => delivered.push(event));
  let phase: "both" | "switched" | "closed" | "over" = "both";
  let markAt = 0;
  const items = [...arrivalsOf("old", events, stalls.old), ...arrivalsOf("new", events, stalls.new)];
  for (const { at, set, event, s, sentAt } of items.sort((a, b) => a.at - b.at)) {
    if (set === "old" && (phase === "closed" || phase === "over")) continue;
    if (event !== null) {
      for (const one of eventsOf({ ...event, s, keys: event.keys[set] })) {
        if (at >= 0 && phase !== "over") overlap.receive(set, one, at);
        else if ((set === "new") === (phase === "over")) delivered.push(one);
      }
      continue;
    }
    if (at < 0 || phase === "over") continue;
    overlap.advance(set, sentAt, at);
    if (phase === "both" && overlap.canSwitch) {
      overlap.switchOver(at);
      [phase, markAt] = ["switched", at + SKEW_MS];
    } else if (set === "new" && phase !== "both" && sentAt >= markAt) {
      if (phase === "switched") overlap.closeOld();
      else overlap.finish();
      [phase, markAt] = [phase === "switched" ? "closed" : "over", at + SKEW_MS];
    }
  }
  const named = delivered.filter(({ type }) => type !== "0");
  return {
    ...overlap.finish(),
    phase,
    texts: named.map(({ type, detail }) => `${type} ${JSON.stringify(detail)}`).sort(),
    raw: delivered.length - named.length,
  };
}

function textsOf(events: readonly Traffic[]): string[] {
  return events.map(({ t, d }) => `${t} ${JSON.stringify(d)}`).sort();
}

test("Overlap delivers each event exactly once, whatever the skews, the stalls and the order of keys", () => {
  fc.assert(
    fc.property(traffic(fc.jsonValue()), stalls, (events, stalls) => {
      const distinct = events.map((event, id) => ({ ...event, d: { id, content: event.d } }));
      const { texts, raw, phase } = play(distinct, stalls);
      assertEquals(texts, textsOf(distinct));
      assertEquals([raw, phase], [events.length, "over"]);
    }),
    { numRuns: 300 },
  );
});

test("Overlap leaves nothing unmatched while nothing stands still", () => {
  fc.assert(
    fc.property(traffic(fc.nat()), (events) => {
      const distinct = events.map((event, id) => ({ ...event, d: { id, content: event.d } }));
      assertEquals(play(distinct, NO_STALLS).unmatched, 0);
    }),
    { numRuns: 300 },
  );
});

test("Overlap delivers events that look the same as often as they happened, unless in quick succession", () => {
  const places = fc.uniqueArray(fc.integer({ min: -1, max: 4 }), { maxLength: 6 });
  fc.assert(
    fc.property(traffic(fc.constant("same")), places, (events, places) => {
      const apart = events.slice(0, places.length).map((event, index) => ({
        ...event,
        t: "MESSAGE_CREATE",
        at: (places[index] as number) * 4 * SKEW_MS + event.at % SKEW_MS,
      }));
      const { texts, raw } = play(apart, NO_STALLS);
      assertEquals([texts, raw], [textsOf(apart), apart.length]);
    }),
    { numRuns: 300 },
  );
});
