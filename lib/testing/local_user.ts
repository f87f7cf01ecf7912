import type { SampleComponentInteraction, SampleInteraction, SampleModalSubmit } from "./sample_interactions.ts";
import type { SampleInteractionOption } from "./sample_interactions.ts";
import type { LocalReply } from "./replies.ts";
import type { SampleMember, SampleMessage, SampleReaction, SampleUser } from "./samples.ts";

/** Where a user does something. */
export interface LocalUserOptions {
  /**
   * The channel. One that is not a guild's is a direct message.
   *
   * @default {the first channel of the first guild}
   */
  channelId?: string | undefined;
}

/** Options of {@linkcode LocalUser.says}. */
export interface SaysOptions extends LocalUserOptions {
  /** Whether the message mentions the bot; the content of such a message is visible without MESSAGE_CONTENT. */
  mentionsBot?: boolean | undefined;
  /** The message that this one replies to; the channel is then that message's. */
  repliesTo?: MessageTarget | undefined;
}

/** Options of {@linkcode LocalUser.uses}. */
export interface UsesOptions extends LocalUserOptions {
  /** The options of the command, as filled in. */
  options?: SampleInteractionOption[] | undefined;
}

/** Options of {@linkcode LocalUser.joins} and {@linkcode LocalUser.leaves}. */
export interface JoinsOptions {
  /**
   * The guild.
   *
   * @default {the first guild}
   */
  guildId?: string | undefined;
}

/** Options of {@linkcode LocalUser.appears}. */
export interface AppearsOptions extends JoinsOptions {
  /** What the user is doing, in Discord's words. */
  activities?: readonly { name: string; type: number }[] | undefined;
}

/** Options of {@linkcode LocalUser.chooses}. */
export interface ComponentOptions {
  /** What was chosen in a select menu: values of options, or ids of users, roles or channels. */
  values: readonly string[];
}

/** A message: one that a user wrote, one that the bot posted, or a reply of the bot's. Only the id matters. */
export interface MessageTarget {
  /** The message's id; `null` is refused. */
  readonly id: string | null;
}

/**
 * Somebody on a {@linkcode LocalGateway}; made by `gateway.user(name)`. What they do becomes the events Discord would
 * send, to the sessions whose intents ask for them.
 *
 * @example
 * ```ts
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * await using gateway = new LocalGateway();
 * const [ann, ben] = [gateway.user("Ann"), gateway.user("Ben")];
 * const message = ann.says("Who is in?");
 * ben.reacts(message, "👍");
 * assertEquals(ann.edits(message, "Who is in today?").content, "Who is in today?");
 * // What people cannot do on Discord they cannot do here.
 * assertThrows(() => ben.edits(message, "Nobody"), RangeError);
 * ```
 */
export interface LocalUser {
  /** The user, as it appears in events. */
  readonly data: SampleUser;
  /** The user's id. */
  readonly id: string;
  /** The channel of direct messages with the bot, for `channelId`. */
  readonly directChannelId: string;
  /** Writes a message: MESSAGE_CREATE to the sessions that receive it. */
  says(text: string, options?: SaysOptions): SampleMessage;
  /** Changes an own message: MESSAGE_UPDATE. Throws a RangeError where it is somebody else's. */
  edits(message: MessageTarget, text: string): SampleMessage;
  /** Deletes a message, the own or, as moderators can, any: MESSAGE_DELETE. */
  deletes(message: MessageTarget): void;
  /** Reacts to a message: MESSAGE_REACTION_ADD. The emoji as people type it, or a custom one as `name:id`. */
  reacts(message: MessageTarget, emoji: string): SampleReaction;
  /** Takes a reaction back: MESSAGE_REACTION_REMOVE. */
  unreacts(message: MessageTarget, emoji: string): void;
  /** Starts to type: TYPING_START. */
  types(options?: LocalUserOptions): void;
  /** Joins a guild: GUILD_MEMBER_ADD. From then on requests for its members find the user. */
  joins(options?: JoinsOptions): SampleMember;
  /** Leaves a guild: GUILD_MEMBER_REMOVE. */
  leaves(options?: JoinsOptions): void;
  /** Goes online, idle, away or offline: PRESENCE_UPDATE. */
  appears(status: "online" | "idle" | "dnd" | "offline", options?: AppearsOptions): void;
  /** Invokes a slash command: INTERACTION_CREATE. The answer is the next `gateway.reply()`. */
  uses(command: string, options?: UsesOptions): SampleInteraction;
  /**
   * Clicks a button of a message: INTERACTION_CREATE. Throws a RangeError where the message has no such button, or one
   * that is disabled.
   */
  clicks(message: MessageTarget, customId: string): SampleComponentInteraction;
  /** Chooses in a select menu of a message: INTERACTION_CREATE. Throws a RangeError where the message has no such menu. */
  chooses(message: MessageTarget, customId: string, options: ComponentOptions): SampleComponentInteraction;
  /**
   * Fills in a modal that the bot answered with, by the custom ids of its inputs, and sends it off: INTERACTION_CREATE.
   * Throws a TypeError where the reply is no modal, and a RangeError for an input that it does not have or needs.
   */
  submits(modal: LocalReply, values: Readonly<Record<string, string>>): SampleModalSubmit;
}
