/**
 * What everything of a cluster is called: buckets, keys, streams, subjects and message ids.
 *
 * @module
 */

import { refuse } from "../check.ts";

/** The names of one application's cluster. */
export class ClusterNames {
  /** The application, as it is part of every name. */
  readonly app: string;

  /**
   * Takes the application's name.
   *
   * @throws {TypeError} If it cannot be a token of a subject and part of a stream's name.
   */
  constructor(app: string) {
    if (typeof app !== "string" || !/^[A-Za-z0-9_-]+$/.test(app)) {
      refuse("name a cluster: app", 'letters, digits, "-" and "_"', app);
    }
    this.app = app;
  }

  /** The bucket of what nodes agree on: who is there, who owns what, whose turn it is to identify. */
  get board(): string {
    return `gangway_${this.app}`;
  }

  /** The bucket of the sessions. */
  get sessions(): string {
    return `gangway_${this.app}_sessions`;
  }

  /** The bucket of what workers tell one another of events that are hard to handle. */
  get tried(): string {
    return `gangway_${this.app}_tried`;
  }

  /** The stream of a lease's events: a single node writes to it at any time. */
  stream(lease: number): string {
    return `gangway_${this.app}_events_${lease}`;
  }

  /** Where an event is published. */
  event(type: string, shardId: number): string {
    return `gangway.${this.app}.events.${type}.${shardId}`;
  }

  /** All events of a shard. */
  eventsOf(shardId: number): string {
    return this.event("*", shardId);
  }

  /** All events of the application. */
  get allEvents(): string {
    return `gangway.${this.app}.events.*.*`;
  }

  /** The stream of events that no worker could handle. */
  get deadStream(): string {
    return `gangway_${this.app}_dead`;
  }

  /** Where an event goes that no worker could handle; every one of them where the arguments are left out. */
  dead(type?: string, shardId?: number): string {
    return `gangway.${this.app}.dead.${type === undefined ? ">" : `${type}.${shardId}`}`;
  }

  /** Where the owner of a shard takes commands. */
  command(shardId: number): string {
    return `gangway.${this.app}.command.${shardId}`;
  }

  /** Where all nodes are asked how they are. */
  get report(): string {
    return `gangway.${this.app}.report`;
  }
}

/** The parts of an event's subject. */
export interface EventSubject {
  /** The event's name. */
  readonly type: string;
  /** The shard it came from. */
  readonly shardId: number;
}

/** Takes an event's subject apart; `null` for what is none. */
export function parseEventSubject(subject: string): EventSubject | null {
  const [, , kind, type, shard, ...rest] = subject.split(".");
  if (kind !== "events" || type === undefined || shard === undefined || rest.length > 0) return null;
  return { type, shardId: Number(shard) };
}

/** A dispatch's place in the life of a shard. */
export interface EventPlace {
  /** The session it was received in. */
  readonly sessionId: string;
  /** Its sequence number there. */
  readonly sequence: number;
}

/** The message id of a dispatch: the same whoever publishes it. */
export function messageIdOf({ sessionId, sequence }: EventPlace): string {
  return `${sessionId}:${sequence}`;
}

/** Reads a message id; `null` for what is none. */
export function parseMessageId(id: string): EventPlace | null {
  const match = /^(.+):(\d+)$/.exec(id);
  return match === null ? null : { sessionId: match[1] as string, sequence: Number(match[2]) };
}

/** Which lease a shard belongs to, where each covers so many neighbours. */
export function leaseOf(shardId: number, shardsPerLease: number): number {
  return Math.floor(shardId / shardsPerLease);
}

/** How many leases there are. */
export function leaseCount(shardCount: number, shardsPerLease: number): number {
  return Math.ceil(shardCount / shardsPerLease);
}

/** The shards of a lease. */
export function shardsOf(lease: number, shardsPerLease: number, shardCount: number): number[] {
  const first = lease * shardsPerLease;
  return Array.from({ length: Math.max(0, Math.min(shardsPerLease, shardCount - first)) }, (_, index) => first + index);
}
