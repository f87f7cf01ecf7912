import { checkArray, checkNumber, checkSnowflake, checkString } from "./check.ts";
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
  checkSnowflake("request guild members: guildId", guildId);
  const data: MembersRequestData = {
    guild_id: guildId,
    nonce: checkNonce(query.nonce ?? nonce),
    ...(query.query === undefined ? byIds(query as MembersByIds) : byQuery(query as MembersByQuery, intents)),
  };
  if (query.presences) {
    checkIntent(intents, "GuildPresences", "presences");
    data.presences = true;
  }
  return data;
}

function byQuery({ query, limit }: MembersByQuery, intents: number): Partial<MembersRequestData> {
  checkString("request guild members: query", query);
  if (query === "") checkLimit(limit);
  else checkLimit(limit, 1, MAX_PREFIX_LIMIT);
  if (query === "" && limit === 0) checkIntent(intents, "GuildMembers", "all members");
  return { query, limit };
}

function byIds({ userIds, limit }: MembersByIds): Partial<MembersRequestData> {
  const ids = typeof userIds === "string" ? [userIds] : userIds;
  checkArray("request guild members: userIds", ids);
  checkNumber("request guild members: the number of userIds", ids.length, 1, MAX_IDS);
  for (const id of ids) checkSnowflake("request guild members: userIds", id);
  if (limit !== undefined) checkLimit(limit);
  return { user_ids: ids, ...(limit === undefined ? {} : { limit }) };
}

function checkLimit(limit: unknown, least = 0, most = Infinity): void {
  checkNumber("request guild members: limit", limit, least, most);
}

/** "Nonce can only be up to 32 bytes": a longer one is ignored, and the answers cannot be told apart. */
function checkNonce(nonce: string): string {
  checkString("request guild members: nonce", nonce);
  checkNumber("request guild members: the bytes of nonce", encoder.encode(nonce).length, 1, MAX_NONCE_BYTES);
  return nonce;
}

/** Without the intent the gateway leaves the answer out, and the request would only time out. */
function checkIntent(intents: number, name: "GuildMembers" | "GuildPresences", what: string): void {
  if (intents & GatewayIntent[name]) return;
  throw new TypeError(`Cannot request guild members: ${what} need the intent ${name}`);
}
