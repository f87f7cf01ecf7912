import type { ChannelInfoField } from "../command_data.ts";
import type { MembersQuery } from "../member_query.ts";
import type { GuildMember, PresenceUpdateData, VoiceStateUpdateData } from "../payload.ts";
import type { Shard } from "../shard.ts";
import type { NatsConnection } from "./nats.ts";

/** A command on its way to the node that owns the shard. */
export type Command =
  | { readonly name: "presence"; readonly presence: PresenceUpdateData }
  | { readonly name: "voice"; readonly update: VoiceStateUpdateData }
  | { readonly name: "soundboard"; readonly guildIds: readonly string[] }
  | { readonly name: "channel info"; readonly guildId: string; readonly fields: readonly ChannelInfoField[] }
  | { readonly name: "members"; readonly guildId: string; readonly query: MembersQuery; readonly timeoutMs: number };

/** An answer, or a part of one. */
export interface CommandAnswer {
  /** Which part it is, from 0. */
  readonly part: number;
  /** Members of a guild, in a part of the answer. */
  readonly members?: GuildMember[];
  /** Whether there is nothing more to come. */
  readonly isDone: boolean;
  /** Whether the shard is closed for a while: it has to be asked again. */
  readonly isAway?: boolean;
  /** Why it failed. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** What {@linkcode serveCommands} works with. */
export interface CommandServerOptions {
  /** The connection. */
  nats: NatsConnection;
  /** Where commands for the shard come. */
  subject: string;
  /** The shard. */
  shard: Shard;
  /** Ends it. */
  signal: AbortSignal;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Does what others ask of a shard. */
export function serveCommands({ nats, subject, shard, signal }: CommandServerOptions): void {
  const subscription = nats.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null || message.reply === undefined) return;
      let part = 0;
      const respond = (answer: Omit<CommandAnswer, "part">) =>
        message.respond(encoder.encode(JSON.stringify({ ...answer, part: part++ })));
      // Where the connection is closed there is nobody to answer.
      answer(shard, decoder.decode(message.data), respond, signal).catch(() => {});
    },
  });
  signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
}

async function answer(
  shard: Shard,
  text: string,
  respond: (answer: Omit<CommandAnswer, "part">) => boolean,
  signal: AbortSignal,
): Promise<void> {
  try {
    await perform(shard, JSON.parse(text) as Command, respond, signal);
    respond({ isDone: true });
  } catch (error) {
    // A shard that moves meanwhile does not answer: whoever asked asks its new owner.
    if (signal.aborted) return;
    // NATS took no events, and the shard will be back when it does.
    if (shard.phase === "closed") return void respond({ isDone: true, isAway: true });
    const { name, message } = error as Error;
    respond({ isDone: true, error: { name, message } });
  }
}

async function perform(
  shard: Shard,
  command: Command,
  respond: (answer: Omit<CommandAnswer, "part">) => boolean,
  signal: AbortSignal,
): Promise<void> {
  switch (command.name) {
    case "presence":
      return await shard.presenceUpdate(command.presence, { signal });
    case "voice":
      return await shard.voiceStateUpdate(command.update, { signal });
    case "soundboard":
      return await shard.requestSoundboardSounds(command.guildIds, { signal });
    case "channel info":
      return await shard.requestChannelInfo(command.guildId, command.fields, { signal });
    case "members": {
      const { guildId, query, timeoutMs } = command;
      for await (const { members } of shard.requestGuildMembers(guildId, query, { signal, timeoutMs })) {
        respond({ members, isDone: false });
      }
    }
  }
}
