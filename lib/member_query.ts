import { given, refuse } from "./check.ts";
import { GatewayIntent } from "./intent.ts";

/** What all requests for guild members have in common. */
export interface MembersQueryBase {
  /**
   * Whether to send presences along. Needs the intent GuildPresences.
   *
   * @default {false}
   */
  presences?: boolean | undefined;
  /** Names the request in its answers: at most 32 bytes. Left out, a random one is made. */
  nonce?: string | undefined;
}

/** Asks for members by the beginning of their names. */
export interface MembersByQuery extends MembersQueryBase {
  /** What the name begins with; empty for everyone. */
  query: string;
  /** The most members to send: 1 to 100, or any number with an empty query, where 0 is everyone. */
  limit: number;
  /** Not together with a query. */
  userIds?: undefined;
}

/** Asks for members by their ids. */
export interface MembersByIds extends MembersQueryBase {
  /** Whom to ask for: 1 to 100 ids. */
  userIds: string | readonly string[];
  /** The most members to send. */
  limit?: number | undefined;
  /** Not together with ids. */
  query?: undefined;
}

/** Which members of a guild are asked for. */
export type MembersQuery = MembersByQuery | MembersByIds;

/** The data of op 8 as it is sent. */
export interface MembersRequestData {
  /** The guild. */
  guild_id: string;
  /** The beginning of the names. */
  query?: string;
  /** The most members. */
  limit?: number;
  /** The ids. */
  user_ids?: readonly string[];
  /** Whether presences are wanted. */
  presences?: boolean;
  /** The name of the request. */
  nonce: string;
}

const MAX_IDS = 100;
const MAX_PREFIX_LIMIT = 100;
const MAX_NONCE_BYTES = 32;

const encoder = new TextEncoder();

/**
 * Checks a snowflake.
 *
 * @throws {TypeError} If it is not the digits of one.
 */
export function checkSnowflake(action: string, name: string, value: unknown): string {
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return value;
  refuse(`${action}: ${name}`, "a snowflake", value);
}

/**
 * Puts the data of op 8 together.
 *
 * @param nonce Is used where the query names none.
 * @throws {TypeError} If not just one of `query` and `userIds` is given, an id is none, or an intent is missing.
 * @throws {RangeError} If the limit, the number of ids or the nonce is out of range.
 * @see {@link https://discord.com/developers/docs/events/gateway-events#request-guild-members}
 */
export function membersRequestData(
  guildId: string,
  query: MembersQuery,
  intents: number,
  nonce: string,
): MembersRequestData {
  if ((query?.query === undefined) === (query?.userIds === undefined)) {
    throw new TypeError("Cannot request guild members: just one of query and userIds must be given");
  }
  const data: MembersRequestData = {
    guild_id: checkSnowflake("request guild members", "guildId", guildId),
    nonce: checkNonce(query.nonce ?? nonce),
  };
  if (query.query !== undefined) Object.assign(data, byQuery(query as MembersByQuery, intents));
  else Object.assign(data, byIds(query as MembersByIds));
  if (query.presences) {
    checkIntent(intents, "GuildPresences", "presences");
    data.presences = true;
  }
  return data;
}

function byQuery({ query, limit }: MembersByQuery, intents: number): Partial<MembersRequestData> {
  if (typeof query !== "string") {
    throw new TypeError(`Cannot request guild members: query must be a string, received ${given(query)}`);
  }
  checkLimit(limit);
  if (query === "" && limit === 0) checkIntent(intents, "GuildMembers", "all members");
  if (query !== "" && (limit < 1 || limit > MAX_PREFIX_LIMIT)) {
    throw new RangeError(
      `Cannot request guild members: limit must be 1 to ${MAX_PREFIX_LIMIT} with a query, received ${limit}`,
    );
  }
  return { query, limit };
}

function byIds({ userIds, limit }: MembersByIds): Partial<MembersRequestData> {
  const ids = typeof userIds === "string" ? [userIds] : userIds;
  if (!Array.isArray(ids)) {
    throw new TypeError(
      `Cannot request guild members: userIds must be an id or an array of ids, received ${given(userIds)}`,
    );
  }
  if (ids.length < 1 || ids.length > MAX_IDS) {
    throw new RangeError(`Cannot request guild members: userIds must be 1 to ${MAX_IDS} ids, received ${ids.length}`);
  }
  for (const id of ids) checkSnowflake("request guild members", "userIds", id);
  if (limit === undefined) return { user_ids: ids };
  checkLimit(limit);
  return { user_ids: ids, limit };
}

function checkLimit(limit: unknown): void {
  if (Number.isSafeInteger(limit) && limit as number >= 0) return;
  throw new RangeError(`Cannot request guild members: limit must be a whole number from 0, received ${given(limit)}`);
}

/** "Nonce can only be up to 32 bytes": a longer one is ignored, and the answers cannot be told apart. */
function checkNonce(nonce: unknown): string {
  if (typeof nonce !== "string") {
    throw new TypeError(`Cannot request guild members: nonce must be a string, received ${given(nonce)}`);
  }
  const bytes = encoder.encode(nonce).length;
  if (bytes >= 1 && bytes <= MAX_NONCE_BYTES) return nonce;
  throw new RangeError(
    `Cannot request guild members: nonce must be 1 to ${MAX_NONCE_BYTES} bytes, received ${bytes}`,
  );
}

/** Without the intent the gateway leaves the answer out, and the request would only time out. */
function checkIntent(intents: number, name: "GuildMembers" | "GuildPresences", what: string): void {
  if (intents & GatewayIntent[name]) return;
  throw new TypeError(`Cannot request guild members: ${what} need the intent ${name}`);
}
