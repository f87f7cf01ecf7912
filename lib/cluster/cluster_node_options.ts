import type { BotAuthentication } from "../authentication.ts";
import { checkNumber, checkObject, MAX_TIMER_MS } from "../check.ts";
import type { HTTPClient } from "../http_client.ts";
import type { ShardOptions } from "../shard_options.ts";
import { checkShardCount } from "../sharding.ts";
import type { StreamOptions } from "./event_stream.ts";
import type { NatsConnection } from "./nats.ts";

/** Options of a {@linkcode ClusterNode}. */
export interface ClusterNodeOptions extends Omit<ShardOptions, "sessionStore"> {
  /** The connection to NATS, which the node does not close. Let it reconnect for ever: `maxReconnectAttempts: -1`. */
  nats: NatsConnection;
  /** The bot's token. */
  authentication: BotAuthentication;
  /** Which events to receive: values of {@linkcode GatewayIntent}, joined with `|`. */
  intents: number;
  /** Asks for the gateway and opens the sockets. */
  httpClient: HTTPClient;
  /**
   * The name of the application: clusters of different names know nothing of each other.
   *
   * @default {"bot"}
   */
  app?: string;
  /**
   * What this node is called, for people: the host's or the container's name.
   *
   * @default {"node"}
   */
  name?: string;
  /**
   * How many shards the bot has. Only the first node of a cluster decides; from then on see
   * {@linkcode ClusterNode.rescale}.
   *
   * @default What the gateway recommends.
   */
  shardCount?: number;
  /**
   * How many neighbouring shards one lease covers. What has one lease is owned by one node, in one stream. Only the first
   * node of a cluster decides, and it stays so: streams cannot be divided.
   *
   * @default {1}
   */
  shardsPerLease?: number;
  /**
   * How long a node counts as there after its last renewal, in milliseconds: the shards of one that died rest for so
   * long, and a node that cannot renew stops its shards before. The same on all nodes.
   *
   * @default {10_000}
   */
  leaseMs?: number;
  /**
   * Which events are published, by name.
   *
   * @default All.
   */
  events?: readonly string[];
  /**
   * How many events of a lease may wait to be published, because NATS takes too little or a rescale switches over.
   * Above, its shards close with their sessions kept until NATS has taken them.
   *
   * @default {10_000}
   */
  maxPending?: number;
  /**
   * How many events of a lease may be published and not acknowledged yet.
   *
   * @default {256}
   */
  publishWindow?: number;
  /** How streams are kept. */
  stream?: StreamOptions;
  /**
   * How many identifies of the day are never used.
   *
   * @default {0}
   */
  identifyReserve?: number;
}

/** How short a lease may be, in milliseconds: it is renewed several times in it, over a network. */
const MIN_LEASE_MS = 1_000;

/**
 * Checks what can be checked without a connection.
 *
 * @throws {TypeError} If something has another shape.
 * @throws {RangeError} If a number is out of range.
 */
export function checkClusterNodeOptions(options: ClusterNodeOptions): void {
  checkObject("make a cluster node: nats", options.nats, "publish", "subscribe", "status");
  const { leaseMs = 10_000, stream: { duplicateWindowMs = leaseMs } = {} } = options;
  checkNumber("make a cluster node: leaseMs", leaseMs, MIN_LEASE_MS, MAX_TIMER_MS);
  // What a node sends again, it sends within its lease.
  checkNumber("make a cluster node: stream.duplicateWindowMs", duplicateWindowMs, leaseMs);
  checkNumber("make a cluster node: identifyReserve", options.identifyReserve ?? 0, 0);
  checkShardCount(options.shardCount ?? 1);
  for (const name of ["shardsPerLease", "maxPending", "publishWindow"] as const) {
    checkNumber(`make a cluster node: ${name}`, options[name] ?? 1, 1);
  }
}
