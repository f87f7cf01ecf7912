/**
 * A layer of `lib/`: its files may import those of the layers below it, and of their own layer those that they belong
 * together with.
 */
export interface Layer {
  /** What the layer is for, in a word or two. */
  name: string;
  /** Whether its files only compute: clock, randomness and I/O come in as arguments. */
  pure?: true;
  /** Small helps that every file of the layer may import. */
  helps?: readonly string[];
  /** The files, without their `.ts`, in groups of those that belong together. */
  groups: readonly (readonly string[])[];
}

/** The layers, the lowest first. A file in none of them is a mistake, and so is a name without a file. */
export const LAYERS: readonly Layer[] = [
  {
    name: "words",
    pure: true,
    groups: [["check"], ["inspection"], ["opcode"], ["close_code"], ["intent"], ["payload"], ["errors"], ["version"]],
  },
  {
    name: "rules",
    pure: true,
    groups: [
      ["session", "disconnect_reason"],
      ["recovery", "backoff"],
      ["command_data", "member_query"],
      ["envelope", "known_names"],
      ["payload_split"],
      ["fatal_error"],
      ["rate_limit"],
      ["sharding"],
    ],
  },
  {
    name: "abilities",
    helps: ["abortable", "attempt", "delay", "handled", "latch", "settled", "with_signals"],
    groups: [
      [
        "dispatcher",
        "dispatcher_options",
        "event_iterator",
        "event_wait",
        "gateway_event",
        "listener_error",
        "listener_registry",
      ],
      [
        "authentication",
        "handshake",
        "http_bucket",
        "http_client",
        "http_error",
        "http_limiter",
        "http_options",
        "http_requests",
        "http_shape",
      ],
      [
        "socket",
        "inflow",
        "next_turn",
        "decompressor",
        "burst",
        "bytes",
        "node_decompressor",
        "payload_collector",
        "zlib_decompressors",
      ],
      ["heart"],
      ["times_per", "identify_queue", "identify_turns"],
      ["session_store", "session_saver", "file_session_store"],
      ["members_request", "members_requests"],
      ["command_queue"],
    ],
  },
  {
    name: "shard",
    groups: [[
      "shard",
      "connection",
      "critical",
      "delivery",
      "identify",
      "reconnect_loop",
      "shard_core",
      "shard_events",
      "shard_lifetime",
      "shard_options",
    ]],
  },
  {
    name: "shard manager",
    groups: [
      [
        "shard_manager",
        "shard_manager_lifetime",
        "shard_manager_options",
        "shard_fleet",
        "shard_scaling",
        "gateway_limits",
        "rescale",
        "arrivals",
        "hand_over",
        "guild_arrivals",
        "overlap",
      ],
      ["shutdown_on_signal"],
    ],
  },
  {
    name: "operation",
    helps: ["observation"],
    groups: [
      [
        "status/mod",
        "status/access",
        "status/answers",
        "status/event_stream",
        "status/history",
        "status/metrics",
        "status/page",
        "status/page_basics",
        "status/page_charts",
        "status/page_grid",
        "status/page_script",
        "status/page_stream",
        "status/page_style",
        "status/route_handler",
        "status/shard_record",
        "status/status_handler",
        "status/status_monitor",
        "status/summary",
      ],
      [
        "doctor",
        "doctor/examine",
        "doctor/intents",
        "doctor/progress",
        "doctor/report_text",
        "doctor/round_trip",
        "doctor/run",
      ],
      [
        "telemetry",
        "telemetry/attributes",
        "telemetry/event_counter",
        "telemetry/manager_spans",
        "telemetry/metrics",
        "telemetry/rescale_span",
        "telemetry/shard_spans",
        "telemetry/tally",
      ],
    ],
  },
  {
    name: "cluster",
    groups: [
      [
        "cluster/assign",
        "cluster/backlog",
        "cluster/board",
        "cluster/cluster_events",
        "cluster/cluster_identify_queue",
        "cluster/cluster_metrics",
        "cluster/cluster_node",
        "cluster/cluster_node_options",
        "cluster/cluster_page",
        "cluster/cluster_page_script",
        "cluster/cluster_readiness",
        "cluster/cluster_session_store",
        "cluster/cluster_status",
        "cluster/cluster_status_handler",
        "cluster/cluster_view",
        "cluster/cluster_worker",
        "cluster/cluster_worker_options",
        "cluster/commands",
        "cluster/dead_letter",
        "cluster/deadline",
        "cluster/event_handler",
        "cluster/event_stream",
        "cluster/identify_budget",
        "cluster/identify_slots",
        "cluster/identify_status",
        "cluster/kept_events",
        "cluster/lease_keeper",
        "cluster/lease_runner",
        "cluster/lease_runner_options",
        "cluster/lease_set",
        "cluster/lease_shards",
        "cluster/losses",
        "cluster/membership",
        "cluster/mod",
        "cluster/names",
        "cluster/nats",
        "cluster/node_life",
        "cluster/node_report",
        "cluster/plan",
        "cluster/publisher",
        "cluster/receipts",
        "cluster/remote_shard",
        "cluster/rescale_cluster",
        "cluster/rescale_steps",
        "cluster/rounds",
        "cluster/semaphore",
        "cluster/shrink",
        "cluster/stream_consumer",
        "cluster/takeover",
        "cluster/trials",
        "cluster/within",
        "cluster/worker_events",
      ],
    ],
  },
];

/**
 * The folder of the fake gateway. It has the lowest layer only to build on: with rules of its own, a misreading of the
 * protocol cannot pass on both sides.
 */
export const TESTING_FOLDER = "testing/";

/** Files of `lib/` that name their runtime on purpose, and so may use what only that runtime has. */
export const RUNTIME_FILES: readonly string[] = [
  "doctor.ts",
  "doctor/examine.ts",
  "doctor/progress.ts",
  "doctor/round_trip.ts",
  "doctor/run.ts",
  "file_session_store.ts",
  "node_decompressor.ts",
  "shutdown_on_signal.ts",
  "zlib_decompressors.ts",
];

/** Packages that any file may import types from. */
export const TYPE_PACKAGES: readonly string[] = ["discord-api-types"];

/** The packages that the files of an entry point load; whoever uses the entry point installs them. */
export const PEER_PACKAGES: ReadonlyMap<string, readonly string[]> = new Map([
  ["cluster", ["@nats-io/jetstream", "@nats-io/kv", "@nats-io/nats-core"]],
  ["telemetry", ["@opentelemetry/api"]],
]);

/** Whether a file of `lib/` may load a package. */
export function isPeerOf(file: string, specifier: string): boolean {
  return PEER_PACKAGES.get(file.split(/[./]/, 1)[0] ?? "")?.includes(specifier) ?? false;
}

/** Whether a file of `lib/` has to be made of web standards only. */
export function isWebOnly(file: string): boolean {
  return !file.startsWith(TESTING_FOLDER) && !RUNTIME_FILES.includes(file);
}
