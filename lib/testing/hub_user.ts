import { modalComponents, usableComponent } from "./components.ts";
import type { Hub } from "./hub.ts";
import type {
  AppearsOptions,
  ComponentOptions,
  JoinsOptions,
  LocalUser,
  LocalUserOptions,
  MessageTarget,
  SaysOptions,
  UsesOptions,
} from "./local_user.ts";
import { addReaction, deletionOf, removeReaction } from "./message_events.ts";
import type { LocalReply } from "./replies.ts";
import { sampleComponentInteraction, sampleInteraction, sampleModalSubmit } from "./sample_interactions.ts";
import type { SampleComponentInteraction, SampleInteraction, SampleModalSubmit } from "./sample_interactions.ts";
import { sampleMember, sampleMessage, samplePresence, sampleTyping } from "./samples.ts";
import type { SampleMember, SampleMessage, SamplePresence, SampleReaction, SampleUser } from "./samples.ts";
import type { Guild } from "./world.ts";

const BUTTON = 2;

/** Somebody who is seen by the sessions behind a hub. */
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

  get directChannelId(): string {
    return this.#hub.world.directChannelOf(this.id);
  }

  says(text: string, { channelId, mentionsBot = false, repliesTo }: SaysOptions = {}): SampleMessage {
    const { world } = this.#hub;
    const answered = repliesTo === undefined ? undefined : this.#message(repliesTo, "reply");
    const place = this.#place(answered?.channel_id ?? channelId);
    const mentioned = new Set([
      ...(mentionsBot ? [world.bot] : []),
      ...(answered === undefined ? [] : [answered.author]),
    ]);
    const message = sampleMessage(this.data, place.channelId, text, {
      ...place.guild,
      mentions: [...mentioned] as SampleMessage["mentions"],
      ...(answered === undefined ? {} : {
        type: 19 as SampleMessage["type"],
        message_reference: { type: 0, message_id: answered.id, channel_id: place.channelId, ...place.guild } as never,
        referenced_message: answered,
      }),
    });
    this.#hub.dispatch("MESSAGE_CREATE", message);
    return message;
  }

  edits(target: MessageTarget, text: string): SampleMessage {
    const message = this.#message(target, "edit");
    if (message.author.id !== this.id) {
      throw new RangeError(`Cannot edit message ${message.id}: it is ${message.author.username}'s`);
    }
    const edited = { ...message, content: text, edited_timestamp: new Date().toISOString() };
    this.#hub.dispatch("MESSAGE_UPDATE", edited);
    return edited;
  }

  deletes(target: MessageTarget): void {
    this.#hub.dispatch("MESSAGE_DELETE", deletionOf(this.#message(target, "delete")));
  }

  reacts(target: MessageTarget, emoji: string): SampleReaction {
    return addReaction(this.#hub, this.data, this.#message(target, "react to"), emoji);
  }

  unreacts(target: MessageTarget, emoji: string): void {
    removeReaction(this.#hub, this.data, this.#message(target, "take back the reaction to"), emoji);
  }

  types({ channelId }: LocalUserOptions = {}): void {
    const place = this.#place(channelId);
    this.#hub.dispatch("TYPING_START", sampleTyping(this.data, place.channelId, place.guild));
  }

  joins({ guildId }: JoinsOptions = {}): SampleMember {
    const guild = this.#guild(guildId, "join");
    const member = sampleMember(this.data, { joined_at: new Date().toISOString() });
    guild.joined.set(this.id, member);
    this.#hub.dispatch("GUILD_MEMBER_ADD", { ...member, guild_id: guild.id });
    return member;
  }

  leaves({ guildId }: JoinsOptions = {}): void {
    const guild = this.#guild(guildId, "leave");
    guild.joined.delete(this.id);
    this.#hub.dispatch("GUILD_MEMBER_REMOVE", { user: this.data, guild_id: guild.id });
  }

  appears(status: "online" | "idle" | "dnd" | "offline", { guildId, activities = [] }: AppearsOptions = {}): void {
    const guild = this.#guild(guildId, "appear in");
    const presence = { status, activities, client_status: status === "offline" ? {} : { desktop: status } };
    const overrides = presence as unknown as Partial<SamplePresence>;
    this.#hub.dispatch("PRESENCE_UPDATE", samplePresence(this.id, guild.id, overrides));
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
    this.#interact(interaction, place.channelId);
    return interaction;
  }

  clicks(target: MessageTarget, customId: string): SampleComponentInteraction {
    return this.#component(target, customId, "click", (type) => type === BUTTON, {});
  }

  chooses(target: MessageTarget, customId: string, { values }: ComponentOptions): SampleComponentInteraction {
    return this.#component(target, customId, "choose in", (type) => type !== BUTTON, { values });
  }

  submits(modal: LocalReply, values: Readonly<Record<string, string>>): SampleModalSubmit {
    const { customId, components } = modalComponents(modal, values);
    const place = { applicationId: this.#hub.world.applicationId, channelId: modal.channelId };
    const guildId = this.#hub.world.guildOfChannel(modal.channelId);
    const interaction = sampleModalSubmit(this.data, customId, components, { ...place, guildId });
    const asked = this.#hub.world.interactions.get(modal.interactionId ?? "");
    this.#interact(interaction, modal.channelId, asked?.messageId);
    return interaction;
  }

  #component(
    target: MessageTarget,
    customId: string,
    action: string,
    fits: (type: number) => boolean,
    choice: Partial<ComponentOptions>,
  ): SampleComponentInteraction {
    const message = this.#message(target, action);
    const component = usableComponent(message, customId, action, fits);
    const options = { applicationId: this.#hub.world.applicationId, componentType: component.type, ...choice };
    const interaction = sampleComponentInteraction(this.data, message, customId, options);
    this.#interact(interaction, message.channel_id, message.id);
    return interaction;
  }

  #interact(
    interaction: SampleInteraction | SampleComponentInteraction | SampleModalSubmit,
    channelId: string,
    messageId?: string,
  ): void {
    const { id, token, type } = interaction;
    const sentAtMs = Date.now();
    const followUpIds = new Set<string>();
    this.#hub.world.interactions.set(id, { id, token, type, channelId, messageId, sentAtMs, followUpIds });
    this.#hub.dispatch("INTERACTION_CREATE", interaction);
  }

  #place(channelId = this.#hub.world.defaultChannelId): { channelId: string; guild: { guild_id?: string } } {
    return { channelId, guild: this.#hub.world.guildFields(channelId) };
  }

  #guild(guildId: string | undefined, action: string): Guild {
    const { guilds } = this.#hub.world;
    const [first] = guilds.values();
    const guild = guildId === undefined ? first : guilds.get(guildId);
    if (guild === undefined) throw new RangeError(`Cannot ${action} guild ${guildId ?? ""}: there is no such guild`);
    return guild;
  }

  #message({ id }: MessageTarget, action: string): SampleMessage {
    if (id === null) throw new TypeError(`Cannot ${action} a message: the reply is none`);
    const message = this.#hub.world.messages.get(id);
    if (message === undefined) throw new RangeError(`Cannot ${action} message ${id}: there is no such message`);
    return message;
  }
}
