import type { Hub } from "./hub.ts";
import { sampleInteraction, sampleMessage, sampleTyping } from "./samples.ts";
import type { SampleInteraction, SampleInteractionOption, SampleMessage, SampleUser } from "./samples.ts";

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
}

/** Options of {@linkcode LocalUser.uses}. */
export interface UsesOptions extends LocalUserOptions {
  /** The options of the command, as filled in. */
  options?: SampleInteractionOption[] | undefined;
}

/** Somebody who talks on a {@linkcode LocalGateway}; made by `gateway.user(name)`. */
export interface LocalUser {
  /** The user, as it appears in events. */
  readonly data: SampleUser;
  /** The user's id. */
  readonly id: string;
  /** Writes a message: MESSAGE_CREATE to the sessions that receive it. */
  says(text: string, options?: SaysOptions): SampleMessage;
  /** Starts to type: TYPING_START. */
  types(options?: LocalUserOptions): void;
  /** Invokes a slash command: INTERACTION_CREATE. The answer is recorded in `gateway.interactionResponses`. */
  uses(command: string, options?: UsesOptions): SampleInteraction;
}

/** Somebody who talks to the sessions behind a hub. */
export class HubUser implements LocalUser {
  readonly data: SampleUser;
  readonly #hub: Hub;

  /** Gives a user a voice. */
  constructor(hub: Hub, data: SampleUser) {
    this.#hub = hub;
    this.data = data;
  }

  get id(): string {
    return this.data.id;
  }

  says(text: string, { channelId, mentionsBot = false }: SaysOptions = {}): SampleMessage {
    const { world } = this.#hub;
    const place = this.#place(channelId);
    const mentions = (mentionsBot ? [world.bot] : []) as SampleMessage["mentions"];
    const message = sampleMessage(this.data, place.channelId, text, { ...place.guild, mentions });
    this.#hub.dispatch("MESSAGE_CREATE", message);
    return message;
  }

  types({ channelId }: LocalUserOptions = {}): void {
    const place = this.#place(channelId);
    this.#hub.dispatch("TYPING_START", sampleTyping(this.data, place.channelId, place.guild));
  }

  uses(command: string, { channelId, options }: UsesOptions = {}): SampleInteraction {
    const { world } = this.#hub;
    const place = this.#place(channelId);
    const interaction = sampleInteraction(this.data, command, {
      applicationId: world.applicationId,
      channelId: place.channelId,
      guildId: place.guild.guild_id,
      commandId: world.commands.get(command)?.id as string | undefined,
      options,
    });
    const { id, token } = interaction;
    world.interactions.set(id, { token, channelId: place.channelId, answered: false });
    this.#hub.dispatch("INTERACTION_CREATE", interaction);
    return interaction;
  }

  #place(channelId = this.#hub.world.defaultChannelId): { channelId: string; guild: { guild_id?: string } } {
    const guildId = this.#hub.world.guildOfChannel(channelId);
    return { channelId, guild: guildId === undefined ? {} : { guild_id: guildId } };
  }
}
