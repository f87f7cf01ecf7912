import { metricText } from "../status/metrics.ts";
import { readinessOf } from "./cluster_readiness.ts";
import type { ClusterLeaseStatus, ClusterNodeStatus, ClusterStatus } from "./cluster_status.ts";
import { type ClusterGroupLag, groupsOf, streamsOf } from "./cluster_view.ts";

/**
 * Writes a cluster's state in Prometheus' text format; `null` where it could not be seen. What is not known has no sample.
 * Streams are summed up: there is one for each lease.
 */
export function clusterMetricsText(status: ClusterStatus | null): string {
  const whole = (name: string, help: string, value: number | null) =>
    metricText(`gangway_cluster_${name}`, "gauge", help, [[{}, value]]);
  const up = whole("up", "Whether NATS could be asked.", Number(status !== null));
  if (status === null) return up;
  const { shardCount, rescalingTo, nodes, leases, identify, deadLetters, losses } = status;
  const { remaining, resetAt, maxConcurrency, holding, waiting } = identify;
  const streams = streamsOf(status);
  const groups = groupsOf(status);
  const perNode = (name: string, help: string, valueOf: (node: ClusterNodeStatus) => number | null) =>
    metricText(
      `gangway_cluster_${name}`,
      "gauge",
      help,
      nodes.map((node) => [{ node: node.id, name: node.name }, valueOf(node)]),
    );
  const perGroup = (name: string, help: string, valueOf: (group: ClusterGroupLag) => number) =>
    metricText(
      `gangway_cluster_${name}`,
      "gauge",
      help,
      groups.map((group) => [{ group: group.group }, valueOf(group)]),
    );
  const ofNode = ({ id }: ClusterNodeStatus) => leases.filter(({ node }) => node === id);
  return [
    up,
    whole("nodes", "How many nodes there are.", nodes.length),
    whole("shard_count", "How many shards the bot has.", shardCount),
    whole("rescaling_to", "How many it will have, while the cluster is being rescaled.", rescalingTo),
    whole("shards_ready", "How many shards are usable.", readinessOf(status).shards.ready),
    whole("leases_unowned", "Leases that no node owns.", leases.filter(isUnowned).length),
    perNode("node_up", "Whether the node answers.", ({ leaseLeftMs }) => Number(leaseLeftMs !== null)),
    perNode("node_leaving", "Whether the node is about to leave.", ({ leaving }) => Number(leaving)),
    perNode(
      "node_lease_left_seconds",
      "How long the node may rely on what it owns if it does not renew.",
      ({ leaseLeftMs }) => leaseLeftMs === null ? null : leaseLeftMs / 1_000,
    ),
    perNode("leases", "Leases that the node owns.", (node) => ofNode(node).length),
    perNode("node_shards", "Shards that the node owns.", ({ shards }) => shards),
    perNode("node_shards_ready", "How many of them are usable.", ({ ready }) => ready),
    perNode(
      "node_pending_events",
      "Events that the node has received and that are not in a stream yet.",
      (node) => node.ready === null ? null : ofNode(node).reduce((sum, { pending }) => sum + (pending ?? 0), 0),
    ),
    whole("identifies_remaining", "Identifies left until the budget is renewed.", remaining),
    whole(
      "identifies_reset_timestamp_seconds",
      "When the budget is renewed.",
      resetAt === null ? null : resetAt / 1_000,
    ),
    whole("identify_max_concurrency", "How many shards may identify at the same time.", maxConcurrency),
    whole("identify_holding", "Shards that hold a turn to identify.", holding.length),
    whole("identify_waiting", "Keys of the identify limit that somebody waits for, each counted once a node.", waiting),
    whole("streams", "How many streams there are.", streams.count),
    whole("stream_messages", "Events in the streams.", streams.messages),
    whole("stream_bytes", "How large the streams are.", streams.bytes),
    perGroup("stream_lag", "Events that no worker of the group has had yet.", (group) => group.waiting),
    perGroup("stream_running", "Events that are with a worker of the group.", ({ running }) => running),
    perGroup(
      "stream_redelivered",
      "How many of those had been delivered before.",
      ({ redelivered }) => redelivered,
    ),
    whole("dead_letters", "Events that no worker could handle.", deadLetters),
    whole("losses", "How often events were lost since the cluster began.", losses.times),
    whole("events_lost", "How many events those were, at least.", losses.events),
  ].join("");
}

function isUnowned({ node, state }: ClusterLeaseStatus): boolean {
  return node === null && state !== "done";
}
