import { assertEquals, assertMatch } from "@std/assert";
import { metricText } from "../lib/status/metrics.ts";
import { test } from "./harness.ts";
import { fakeTime } from "./shard_rig.ts";
import { statusRig } from "./status_rig.ts";

test("metricText escapes what the format has signs for, and leaves out what is not known", () => {
  const labels = { code: 'a "quoted" \\ back\nslash', shard: 3 };
  assertEquals(
    metricText("lost_total", "counter", "One\nline \\ only.", [[labels, 2], [{}, null], [{}, 0.5]]),
    "# HELP lost_total One\\nline \\\\ only.\n# TYPE lost_total counter\n" +
      'lost_total{code="a \\"quoted\\" \\\\ back\\nslash",shard="3"} 2\nlost_total 0.5\n',
  );
  assertEquals(metricText("up", "gauge", "None.", [[{}, null]]), "");
});

test("statusHandler's metrics are Prometheus' text format, each with its help and type once", async () => {
  using time = fakeTime();
  await using status = await statusRig({ memory: true, unlimited: true, gateway: { shards: 3, guilds: 6 } });
  void status.rig.manager.connect();
  await time.pass(60_000);
  const text = await (await status.get("/metrics")).text();
  const [help, types, samples] = [/^# HELP (\w+) .+$/, /^# TYPE (\w+) (?:gauge|counter)$/, /^(\w+)(?:\{.*\})? \S+$/]
    .map((line) => text.split("\n").flatMap((one) => one.match(line)?.[1] ?? []));
  assertEquals(help, types);
  assertEquals(new Set(types).size, types?.length);
  assertEquals([...new Set(samples)], types);
  for (const line of text.trimEnd().split("\n")) {
    assertMatch(
      line,
      /^(?:# (?:HELP|TYPE) gangway_\w+ .+|gangway_\w+(?:\{\w+="[^"\n]*"(?:,\w+="[^"\n]*")*\})? [\d.e+-]+)$/,
    );
  }
  for (const name of types ?? []) assertEquals(name.endsWith("_total"), text.includes(`# TYPE ${name} counter`));
  const values = { up: 1, shards: 3, shards_ready: 3, 'shard_phase{shard="2",phase="ready"}': 1 };
  for (const [name, value] of Object.entries({ ...values, 'shard_guilds{shard="1"}': 2, identify_limited: 0 })) {
    assertEquals([name, await status.metric(`gangway_${name}`)], [name, value]);
  }
});
