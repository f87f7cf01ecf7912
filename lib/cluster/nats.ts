/**
 * What is used of NATS besides its clients' own calls.
 *
 * @module
 */
import type { JetStreamClient } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection as ApiNatsConnection } from "@nats-io/nats-core";

/**
 * A connection to NATS, from `connect` of `@nats-io/transport-node` or `wsconnect` of `@nats-io/nats-core`. Both work on
 * Deno and on Bun.
 *
 * Let it reconnect for ever (`maxReconnectAttempts: -1`): a cluster waits for NATS, it does not end without it.
 */
export type NatsConnection = ApiNatsConnection;

/** "wrong last sequence": somebody else has written since. */
const WRONG_LAST_SEQUENCE = 10071;

/** Whether a write was refused because it would not have followed the one that it was to follow. */
export function isConflict(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === WRONG_LAST_SEQUENCE;
}

/** "stream not found": nobody has made it. */
const STREAM_NOT_FOUND = 10059;

/** Whether something is not there, rather than not to be had. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === STREAM_NOT_FOUND;
}

/**
 * Opens a bucket, and makes it where there is none. It is read at its leader: what a follower has may be old. What is in it
 * stays for so many milliseconds, where that is said.
 */
export function openBucket(client: JetStreamClient, bucket: string, replicas: number, ttl?: number): Promise<KV> {
  return new Kvm(client).create(bucket, {
    history: 1,
    replicas,
    allow_direct: false,
    ...ttl === undefined ? {} : { ttl },
  });
}

/** Nanoseconds, which JetStream counts in. */
export function nanosOf(ms: number): number {
  return ms * 1_000_000;
}

/** Options of {@linkcode onConnectionChange}. */
export interface ConnectionListener {
  /** The connection is gone. What was under way may have arrived or not. */
  onDisconnect(): void;
  /** There is one again. */
  onReconnect(): void;
}

/** Tells when the connection goes and when it is there again, until the signal aborts. */
export function onConnectionChange(nats: NatsConnection, listener: ConnectionListener, signal: AbortSignal): void {
  const statuses = nats.status() as AsyncIterable<{ type: string }> & { stop?(): void };
  signal.addEventListener("abort", () => statuses.stop?.(), { once: true });
  void (async () => {
    for await (const { type } of statuses) {
      if (signal.aborted) return;
      if (type === "disconnect") listener.onDisconnect();
      else if (type === "reconnect") listener.onReconnect();
    }
  })().catch(() => {});
}
