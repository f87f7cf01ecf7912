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
export const DOCTOR = "; run the doctor: deno run -A jsr:@gangway/gateway/doctor";

/** What is said of a token that is not valid, and what to do about it. */
export const INVALID_TOKEN = `the token is not valid; copy it anew from ${PORTAL} (Bot, Reset Token)`;

const PRIVILEGED: readonly (keyof typeof GatewayIntent)[] = ["GuildMembers", "GuildPresences", "MessageContent"];

/** The error for a close code after which there is no use in connecting again. */
export function fatalErrorOf(code: number, { shardId, shardCount, intents }: FatalContext): GatewayError {
  const made = (Class: typeof GatewayError, why: string) =>
    new Class(`Cannot connect to the gateway: ${why}${DOCTOR}`, { code });
  switch (code) {
    case GatewayCloseCode.AuthenticationFailed:
      return made(InvalidTokenError, INVALID_TOKEN);
    case GatewayCloseCode.InvalidShard:
      return made(
        InvalidShardCountError,
        `shard ${shardId} of ${shardCount} is not valid; a very large bot needs a multiple of what GET /gateway/bot says`,
      );
    case GatewayCloseCode.ShardingRequired:
      return made(
        InvalidShardCountError,
        `${shardCount} shards are too few for the bot's guilds; leave shardCount out`,
      );
    case GatewayCloseCode.InvalidApiVersion:
      return made(InvalidApiVersionError, "it does not speak this version of the API; is there a newer library?");
    case GatewayCloseCode.InvalidIntents:
      return made(
        InvalidIntentsError,
        `the intents ${intents} hold a bit that does not exist; join those of GatewayIntent`,
      );
    default:
      return made(
        DisallowedIntentsError,
        `a privileged intent is not switched on for the bot (asked for: ${
          namesOf(intents)
        }); switch it on at ${PORTAL} (Bot), or leave it out`,
      );
  }
}

function namesOf(intents: number): string {
  return PRIVILEGED.filter((name) => intents & GatewayIntent[name]).join(", ") || "none";
}
