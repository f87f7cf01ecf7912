import { GatewayCloseCode } from "../close_code.ts";
import type { ClientConnection } from "./client_connection.ts";
import { isFields } from "./event_rules.ts";
import type { Hub } from "./hub.ts";
import type { ReceivedRecord, ResumeRecord } from "./records.ts";
import type { Session } from "./session.ts";

const { UnknownError, UnknownOpcode, AlreadyAuthenticated, InvalidSeq } = GatewayCloseCode;

/** Takes a RESUME: replays what was missed and ends in RESUMED, or says why not. */
export function resumeSession(hub: Hub, connection: ClientConnection, d: unknown, record: ReceivedRecord): void {
  if (!isFields(d) || typeof d.token !== "string" || typeof d.session_id !== "string" || !Number.isInteger(d.seq)) {
    return connection.refuse(UnknownOpcode, "RESUME lacks token, session_id or seq.");
  }
  const { faults, sessions } = hub;
  const { token, session_id: sessionId, seq } = d as { token: string; session_id: string; seq: number };
  hub.expireSessions();
  const session = sessions.get(sessionId);
  if (session !== undefined && !connection.identified) connection.shardId = session.shard[0];
  const decide = (outcome: ResumeRecord["outcome"]): void => {
    const { shardId, record: { via } } = connection;
    hub.records.add("resume", { ...record, shardId, sessionId, seq, via, outcome });
  };
  if (connection.identified) {
    decide(AlreadyAuthenticated);
    return connection.refuse(AlreadyAuthenticated, "RESUME was sent on a connection with a session.");
  }
  if (faults.brickResumes) {
    decide("dropped");
    return connection.drop();
  }
  if (faults.refuseResumes.times > 0) {
    faults.refuseResumes.times--;
    decide("invalid session");
    if (!faults.refuseResumes.resumable) sessions.delete(sessionId);
    return connection.invalidate(faults.refuseResumes.resumable);
  }
  if (session?.endedByClient) connection.violate("RESUME of a session the client had closed with 1000 or 1001");
  if (session === undefined || session.endedByClient || !hub.isToken(token)) {
    decide("invalid session");
    return connection.invalidate(false);
  }
  // "On resume, reuse the same v, encoding and query on resume_gateway_url."
  const { query } = connection.record;
  for (const key of new Set([...Object.keys(query), ...Object.keys(session.query)])) {
    if (query[key] !== session.query[key]) {
      connection.violate(`resumed with ${key}=${query[key]}, the session had ${key}=${session.query[key]}`);
    }
  }
  const missed = seq > session.sequence ? null : session.since(seq, hub.options.replayLimit);
  if (missed === null) {
    if (seq > session.sequence) connection.violate(`resumed with seq ${seq}, the last was ${session.sequence}`);
    decide(InvalidSeq);
    session.connection?.close(UnknownError, "Session resumed elsewhere.");
    sessions.delete(session.id);
    return connection.close(InvalidSeq, "Invalid seq.");
  }
  decide("resumed");
  session.connection?.close(UnknownError, "Session resumed elsewhere.");
  connection.await(false);
  connection.attach(session, seq);
  const pauseAfter = faults.replayPauseAfter ?? missed.length;
  for (const dispatch of missed.slice(0, pauseAfter)) connection.send(dispatch);
  const resumeFrom = missed[pauseAfter - 1]?.sequence ?? seq;
  connection.holdOr("replay", faults.replayPauseAfter !== null, () => finish(connection, session, resumeFrom));
}

/** Live events follow RESUMED only; what happened during a pause belongs to the replay. */
function finish(connection: ClientConnection, session: Session, from: number): void {
  for (const dispatch of session.since(from, Infinity) ?? []) connection.send(dispatch);
  connection.send({ sequence: session.skip(), type: "RESUMED", data: '{"_trace":["local"]}' });
  connection.goLive();
}
