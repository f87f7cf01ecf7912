import { GatewayCloseCode } from "../close_code.ts";
import type { ClientConnection } from "./client_connection.ts";

const SESSION_ENDING: ReadonlySet<number> = new Set<number>([
  GatewayCloseCode.NotAuthenticated,
  GatewayCloseCode.AuthenticationFailed,
  GatewayCloseCode.InvalidSeq,
  GatewayCloseCode.SessionTimedOut,
  GatewayCloseCode.InvalidShard,
  GatewayCloseCode.ShardingRequired,
  GatewayCloseCode.InvalidApiVersion,
  GatewayCloseCode.InvalidIntents,
  GatewayCloseCode.DisallowedIntents,
]);

/** Whether a close of the gateway's ends the session with the connection: a new IDENTIFY is needed, or nothing helps. */
export function endsSession(code: number | null): boolean {
  return code !== null && SESSION_ENDING.has(code);
}

/** A dispatch that was numbered; the data is JSON. */
export interface NumberedDispatch {
  sequence: number;
  type: string;
  data: string;
}

/** What a session is made of when it starts. */
export interface SessionInit {
  id: string;
  shard: readonly [shardId: number, shardCount: number];
  intents: number;
  /** The query of the connection it started on; a resume has to repeat it. */
  query: Readonly<Record<string, string>>;
}

/** One session: its numbering, and what can be replayed. It outlives its connections. */
export class Session {
  readonly id: string;
  readonly shard: readonly [shardId: number, shardCount: number];
  readonly intents: number;
  readonly query: Readonly<Record<string, string>>;
  /** The newest number that was given. */
  sequence = 0;
  /** The connection it is on now. */
  connection: ClientConnection | null = null;
  /** When the connection was lost. */
  lostAtMs = 0;
  /** A client that closes with 1000 or 1001 ends its session. */
  endedByClient = false;
  #kept: NumberedDispatch[] = [];
  #forgotten = 0;

  /** Starts a session. */
  constructor(init: SessionInit) {
    this.id = init.id;
    this.shard = init.shard;
    this.intents = init.intents;
    this.query = init.query;
  }

  /** Numbers a dispatch and keeps it, with at most `limit` of those before it. */
  append(type: string, data: string, limit: number): NumberedDispatch {
    const dispatch = { sequence: ++this.sequence, type, data };
    this.#kept.push(dispatch);
    // In large steps, because taking one off the front each time would copy the rest each time.
    if (this.#kept.length > limit * 2 + 16) this.#trim(limit);
    return dispatch;
  }

  /** What came after a number, or `null` where that was forgotten already. */
  since(sequence: number, limit: number): NumberedDispatch[] | null {
    this.#trim(limit);
    if (sequence < this.#forgotten) return null;
    return this.#kept.filter((dispatch) => dispatch.sequence > sequence);
  }

  /** A number for RESUMED, which is never replayed: it belongs to the resume it ends. */
  skip(): number {
    return ++this.sequence;
  }

  #trim(limit: number): void {
    const surplus = this.#kept.length - limit;
    if (surplus <= 0) return;
    this.#forgotten = (this.#kept[surplus - 1] as NumberedDispatch).sequence;
    this.#kept = this.#kept.slice(surplus);
  }
}
