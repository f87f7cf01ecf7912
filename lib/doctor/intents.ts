import { GatewayIntent } from "../intent.ts";

/** The name of an intent, as the library spells it. */
export type IntentName = keyof typeof GatewayIntent;

/** Whether a privileged intent is switched on for the bot; `unknown` where Discord did not say. */
export type IntentState = "on" | "off" | "unknown";

const NAMES = Object.keys(GatewayIntent) as IntentName[];

/**
 * The flags of an application that say that a privileged intent is on: for bots that Discord has reviewed, and for those
 * that need no review yet.
 *
 * @see {@link https://discord.com/developers/docs/resources/application#application-object-application-flags}
 */
const PRIVILEGED: Partial<Record<IntentName, number>> = {
  GuildPresences: 1 << 12 | 1 << 13,
  GuildMembers: 1 << 14 | 1 << 15,
  MessageContent: 1 << 18 | 1 << 19,
};

/** What the developer portal calls them. */
export const PORTAL_NAMES: Partial<Record<IntentName, string>> = {
  GuildPresences: "Presence Intent",
  GuildMembers: "Server Members Intent",
  MessageContent: "Message Content Intent",
};

/**
 * Reads intents as they are written on a command line: a number, or names with commas between them, in the library's
 * spelling or in Discord's (`GuildMessages`, `GUILD_MESSAGES`).
 *
 * @throws {TypeError} If a name is not one of an intent.
 * @throws {RangeError} If the number is none, or holds a bit that does not exist.
 */
export function parseIntents(text: string): number {
  if (/^[-+.\d]/.test(text)) return checkedIntents(text);
  let intents = 0;
  for (const given of text.split(/[\s,|]+/)) {
    const name = NAMES.find((name) => name.toLowerCase() === given.replaceAll("_", "").toLowerCase());
    if (name === undefined) {
      throw new TypeError(`Cannot read the intents: ${JSON.stringify(given)} is none of ${NAMES.join(", ")}`);
    }
    intents |= GatewayIntent[name];
  }
  return intents;
}

function checkedIntents(text: string): number {
  const all = NAMES.reduce((bits, name) => bits | GatewayIntent[name], 0);
  // As a bigint, because the operators on numbers look at 32 bits only.
  if (/^\d+$/.test(text) && (BigInt(text) & ~BigInt(all)) === 0n) return Number(text);
  throw new RangeError(`Cannot read the intents: a number must hold bits of ${all} only, received ${text}`);
}

/** The names of the intents in a number. */
export function namesOf(intents: number): IntentName[] {
  return NAMES.filter((name) => (intents & GatewayIntent[name]) !== 0);
}

/** Which of the privileged intents are on, by the flags of the application. */
export function privilegedStates(flags: number | undefined): { name: IntentName; state: IntentState }[] {
  return NAMES.flatMap((name) => {
    const bits = PRIVILEGED[name];
    if (bits === undefined) return [];
    return [{ name, state: flags === undefined ? "unknown" : (flags & bits) === 0 ? "off" : "on" }];
  });
}
