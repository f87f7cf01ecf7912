import {
  DisallowedIntentsError,
  type GatewayError,
  InvalidApiVersionError,
  InvalidIntentsError,
  InvalidShardCountError,
  InvalidTokenError,
} from "./errors.ts";
import { GatewayCloseCode } from "./close_code.ts";
import { GatewayIntent } from "./intent.ts";

/** What the message of a fatal error speaks of. */
export interface FatalContext {
  /** The shard's id. */
  readonly shardId: number;
  /** How many shards there are. */
  readonly shardCount: number;
  /** What was identified with. */
  readonly intents: number;
}

const PORTAL = "https://discord.com/developers/applications";

/** Ends the message of every critical error. */
const DOCTOR = "; to have it looked into: deno run -A jsr:@gangway/gateway/doctor, or bunx --bun @gangway/gateway";

/** What is said of a token that is not valid, and what to do about it. */
export const INVALID_TOKEN = `the token is not valid; copy it anew from ${PORTAL} (Bot, Reset Token)${DOCTOR}`;

const PRIVILEGED: readonly (keyof typeof GatewayIntent)[] = ["GuildMembers", "GuildPresences", "MessageContent"];

/** The error for a close code after which there is no use in connecting again. */
export function fatalErrorOf(code: number, context: FatalContext): GatewayError {
  const [Class, why] = reasonOf(code, context);
  return new Class(`Cannot connect to the gateway: ${why}`, { code });
}

function reasonOf(
  code: number,
  { shardId, shardCount, intents }: FatalContext,
): [Class: typeof GatewayError, why: string] {
  switch (code) {
    case GatewayCloseCode.AuthenticationFailed:
      return [InvalidTokenError, INVALID_TOKEN];
    case GatewayCloseCode.InvalidShard:
      return [
        InvalidShardCountError,
        `shard ${shardId} of ${shardCount} is not valid; a very large bot needs a multiple of the count that ` +
        `GET /gateway/bot recommends${DOCTOR}`,
      ];
    case GatewayCloseCode.ShardingRequired:
      return [
        InvalidShardCountError,
        `${shardCount} shards are too few for the bot's guilds; leave shardCount out to have the recommended ` +
        `count${DOCTOR}`,
      ];
    case GatewayCloseCode.InvalidApiVersion:
      return [
        InvalidApiVersionError,
        `it does not speak this version of the API; is there a newer version of this library?${DOCTOR}`,
      ];
    case GatewayCloseCode.InvalidIntents:
      return [
        InvalidIntentsError,
        `the intents ${intents} hold a bit that does not exist; join values of GatewayIntent${DOCTOR}`,
      ];
    default:
      return [
        DisallowedIntentsError,
        `a privileged intent is not switched on for the bot (asked for: ${namesOf(intents)}); switch it on at ` +
        `${PORTAL} (Bot, Privileged Gateway Intents), or leave it out${DOCTOR}`,
      ];
  }
}

function namesOf(intents: number): string {
  return PRIVILEGED.filter((name) => intents & GatewayIntent[name]).join(", ") || "none";
}
