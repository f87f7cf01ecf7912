import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { clusterMetricsText } from "../lib/cluster/cluster_metrics.ts";
import { readinessOf } from "../lib/cluster/cluster_readiness.ts";
import { viewOf } from "../lib/cluster/cluster_view.ts";
import type { ClusterLeaseStatus, ClusterStatus } from "../lib/cluster/mod.ts";
import { test } from "./harness.ts";

const NODE = { id: "one-1", name: "one", joinedAt: 1, leaving: false, shards: 2, ready: 1, leaseLeftMs: 7_500 };

function leaseOf(lease: number, changes: Partial<ClusterLeaseStatus> = {}): ClusterLeaseStatus {
  return {
    generation: 1,
    lease,
    shardIds: [lease],
    node: NODE.id,
    state: "running",
    ageMs: 10,
    pending: 3,
    notReady: [],
    ...changes,
  };
}

function statusOf(leases: ClusterLeaseStatus[]): ClusterStatus {
  const lag = { stream: "a", group: "workers", waiting: 1, running: 2, redelivered: 3 };
  return {
    shardCount: leases.length,
    generation: 1,
    rescalingTo: null,
    nodes: [NODE],
    leases,
    identify: { remaining: null, resetAt: null, maxConcurrency: 1, holding: [], waiting: 0 },
    streams: [{ stream: "a", messages: 10, bytes: 100 }, { stream: "b", messages: 1, bytes: 5 }],
    lag: [lag, { ...lag, group: "statistics" }, { ...lag, stream: "b" }],
    deadLetters: 0,
    losses: { times: 2, events: 7 },
  };
}

test("readinessOf says what each shard lacks", () => {
  const status = statusOf([
    leaseOf(0),
    leaseOf(1, { notReady: [{ shardId: 1, phase: "identifying" }] }),
    leaseOf(2, { node: null, notReady: null }),
    leaseOf(3, { notReady: null }),
  ]);
  assertEquals(readinessOf(status), {
    ready: false,
    shards: { total: 4, ready: 1 },
    notReady: [
      { shard: 1, node: "one", phase: "identifying", reason: null },
      { shard: 2, node: null, phase: null, reason: "no node owns it" },
      { shard: 3, node: "one", phase: null, reason: "its node does not run it" },
    ],
  });
});

test("readinessOf counts the set of shards that runs, and what has been replaced as ready", () => {
  const next = leaseOf(0, { generation: 2, node: null, state: "warming", notReady: null });
  const status = statusOf([leaseOf(0, { node: null, state: "done", notReady: null }), next]);
  assertEquals(readinessOf({ ...status, shardCount: 1 }), {
    ready: true,
    shards: { total: 1, ready: 1 },
    notReady: [],
  });
});

test("viewOf has what is troubled first, and no more than a browser can take in", () => {
  const leases = Array.from({ length: 300 }, (_, lease) => leaseOf(lease, lease === 299 ? { notReady: null } : {}));
  const view = viewOf(statusOf(leases));
  assertEquals([view.leases.length, view.leases[0]?.lease, view.leases[1]?.lease, view.leasesLeftOut], [
    200,
    299,
    0,
    100,
  ]);
  assertEquals(view.groups, [
    { group: "workers", waiting: 2, running: 4, redelivered: 6 },
    { group: "statistics", waiting: 1, running: 2, redelivered: 3 },
  ]);
  assertEquals(view.streams, { count: 2, messages: 11, bytes: 105 });
});

test("clusterMetricsText has no sample of what is not known", () => {
  const text = clusterMetricsText(statusOf([leaseOf(0), leaseOf(1, { pending: null })]));
  assert(!text.includes("identifies_remaining"));
  assert(!text.includes("rescaling_to"));
  const labels = '{node="one-1",name="one"}';
  assertStringIncludes(text, `gangway_cluster_node_lease_left_seconds${labels} 7.5\n`);
  assertStringIncludes(text, `gangway_cluster_node_pending_events${labels} 3\n`);
  assertStringIncludes(text, `gangway_cluster_leases${labels} 2\n`);
  assertStringIncludes(text, 'gangway_cluster_stream_lag{group="workers"} 2\n');
  assertStringIncludes(text, "gangway_cluster_losses 2\n");
  assertStringIncludes(text, "gangway_cluster_events_lost 7\n");
});
