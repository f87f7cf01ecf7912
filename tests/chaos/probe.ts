/**
 * A look into a {@linkcode LocalGateway} from outside of the library: what it keeps about sessions is what the checks
 * compare a client with.
 *
 * @module
 */
import type { LocalGateway, LocalGatewayRecords } from "../../lib/testing/mod.ts";
import { internalsOf } from "../../lib/testing/internals.ts";
import type { Session } from "../../lib/testing/session.ts";

/** Is told of records at once. */
export type Observer = { [Kind in keyof LocalGatewayRecords]?: (record: LocalGatewayRecords[Kind]) => void };

/** Calls the observer for every record, before anybody who waits for it. */
export function observe(gateway: LocalGateway, observer: Observer): void {
  const { records } = internalsOf(gateway).hub;
  const add = records.add.bind(records);
  records.add = (kind, record) => {
    observer[kind]?.(record);
    add(kind, record);
  };
}

/** The session with an id, as long as a RESUME of it would be accepted. */
export function resumableSession(gateway: LocalGateway, id: string): Session | undefined {
  const { hub } = internalsOf(gateway);
  hub.expireSessions();
  const session = hub.sessions.get(id);
  return session?.endedByClient ? undefined : session;
}

/** The sessions that receive the events of a shard. */
export function receiversOf(gateway: LocalGateway, shardId: number): Session[] {
  return [...internalsOf(gateway).hub.sessions.values()].filter((session) =>
    session.shard[0] === shardId && !session.endedByClient
  );
}

/** How many dispatches of a session are numbered from `first` up to, and without, `end`. A RESUMED is not kept. */
export function keptBetween(session: Session, first: number, end: number): number {
  return (session.since(first - 1, Infinity) ?? []).filter(({ sequence }) => sequence < end).length;
}

/** Breaks the connections of clients that have sent neither IDENTIFY nor RESUME yet. Tells how many. */
export function dropGreeted(gateway: LocalGateway): number {
  const waiting = [...internalsOf(gateway).hub.connections].filter(({ shardId }) => shardId === null);
  for (const connection of waiting) connection.drop();
  return waiting.length;
}

/** The numbers of the open connections of a shard, or of all. */
export function connectionsOf(gateway: LocalGateway, shardId?: number): number[] {
  return [...internalsOf(gateway).hub.connections]
    .filter((connection) => shardId === undefined || connection.shardId === shardId)
    .map(({ record }) => record.id);
}

/** Forgets the sessions that clients have ended, which a gateway keeps to notice when one is resumed. */
export function forgetSessions(gateway: LocalGateway): void {
  const { sessions } = internalsOf(gateway).hub;
  for (const [id, { endedByClient }] of sessions) if (endedByClient) sessions.delete(id);
}

/** Leaves out a number in the session a shard is on, as if a dispatch had been lost on its way. */
export function skipNumber(gateway: LocalGateway, shardId: number): void {
  for (const session of receiversOf(gateway, shardId)) if (session.connection !== null) session.skip();
}
