import type { Hub } from "./hub.ts";
import { sampleReaction } from "./samples.ts";
import type { SampleMessage, SampleReaction, SampleUser } from "./samples.ts";

/** What MESSAGE_DELETE says of a message. */
export function deletionOf({ id, channel_id, guild_id: guildId }: SampleMessage): Record<string, unknown> {
  return { id, channel_id, ...(guildId === undefined ? {} : { guild_id: guildId }) };
}

/** Somebody reacts to a message. */
export function addReaction(hub: Hub, user: SampleUser, message: SampleMessage, emoji: string): SampleReaction {
  const reaction = sampleReaction(user, message, emoji);
  hub.dispatch("MESSAGE_REACTION_ADD", reaction);
  return reaction;
}

/** Somebody takes a reaction back. */
export function removeReaction(hub: Hub, user: SampleUser, message: SampleMessage, emoji: string): void {
  const { member: _, message_author_id: __, burst_colors: ___, ...removed } = sampleReaction(user, message, emoji);
  hub.dispatch("MESSAGE_REACTION_REMOVE", removed);
}
