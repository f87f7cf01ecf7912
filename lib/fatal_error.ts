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

const PRIVILEGED: readonly (keyof typeof GatewayIntent)[] = ["GuildMembers", "GuildPresences", "MessageContent"];

/** The error for a close code after which there is no use in connecting again. */
export function fatalErrorOf(code: number, context: FatalContext): GatewayError {
  const { shardId, shardCount, intents } = context;
  switch (code) {
    case GatewayCloseCode.AuthenticationFailed:
      return new InvalidTokenError(
        `Cannot connect to the gateway: the token is not valid; copy it anew from ${PORTAL} (Bot, Reset Token)`,
        { code },
      );
    case GatewayCloseCode.InvalidShard:
      return new InvalidShardCountError(
        `Cannot connect to the gateway: shard ${shardId} of ${shardCount} is not valid; a very large bot needs a ` +
          "multiple of the count that GET /gateway/bot recommends",
        { code },
      );
    case GatewayCloseCode.ShardingRequired:
      return new InvalidShardCountError(
        `Cannot connect to the gateway: ${shardCount} shards are too few for the bot's guilds; leave shardCount out ` +
          "to have the recommended count",
        { code },
      );
    case GatewayCloseCode.InvalidApiVersion:
      return new InvalidApiVersionError(
        "Cannot connect to the gateway: it does not speak this version of the API; is there a newer version of this " +
          "library?",
        { code },
      );
    case GatewayCloseCode.InvalidIntents:
      return new InvalidIntentsError(
        `Cannot connect to the gateway: the intents ${intents} hold a bit that does not exist; join values of ` +
          "GatewayIntent",
        { code },
      );
    default:
      return new DisallowedIntentsError(
        `Cannot connect to the gateway: a privileged intent is not switched on for the bot (asked for: ${
          namesOf(intents)
        }); switch it on at ${PORTAL} (Bot, Privileged Gateway Intents), or leave it out`,
        { code },
      );
  }
}

function namesOf(intents: number): string {
  return PRIVILEGED.filter((name) => intents & GatewayIntent[name]).join(", ") || "none";
}
