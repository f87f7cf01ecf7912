import type {
  APIApplicationCommandInteractionDataOption,
  APIChatInputApplicationCommandInteraction,
  APIMessageComponentInteraction,
  APIModalSubmitInteraction,
} from "discord-api-types/v10";
import { sampleId } from "./sample_id.ts";
import { sampleMember } from "./samples.ts";
import type { SampleMessage, SampleUser } from "./samples.ts";

/** The data of INTERACTION_CREATE for a slash command. */
export type SampleInteraction = APIChatInputApplicationCommandInteraction;
/** An option of a slash command, as it was filled in. */
export type SampleInteractionOption = APIApplicationCommandInteractionDataOption;
/** The data of INTERACTION_CREATE for a button or a select menu. */
export type SampleComponentInteraction = APIMessageComponentInteraction;
/** The data of INTERACTION_CREATE for a modal that was sent off. */
export type SampleModalSubmit = APIModalSubmitInteraction;
/** What was filled into a modal. */
export type SampleModalComponents = SampleModalSubmit["data"]["components"];

/** Where an interaction happens, and for which application. */
export interface SampleInteractionPlace {
  /** The application; its id is the bot's. */
  applicationId: string;
  /** The channel. */
  channelId: string;
  /** The guild of the channel; without, it is a direct message. */
  guildId?: string | undefined;
}

/** Options of {@linkcode sampleInteraction}. */
export interface SampleInteractionOptions extends SampleInteractionPlace {
  /** The id of the command. */
  commandId?: string | undefined;
  /** The options of the command, as filled in. */
  options?: SampleInteractionOption[] | undefined;
}

/** Options of {@linkcode sampleComponentInteraction}. */
export interface SampleComponentOptions {
  /** The application; its id is the bot's. */
  applicationId: string;
  /**
   * The kind of component: 2 is a button, 3 and 5 to 8 are select menus.
   *
   * @default {2}
   */
  componentType?: number | undefined;
  /** What was chosen in a select menu. */
  values?: readonly string[] | undefined;
}

/** A slash command that a user invoked. */
export function sampleInteraction(
  user: SampleUser,
  command: string,
  options: SampleInteractionOptions,
): SampleInteraction {
  const data = { id: options.commandId ?? sampleId(), name: command, type: 1, options: options.options ?? [] };
  return interaction(2, user, options, { data }) as SampleInteraction;
}

/** A button that a user clicked, or a select menu in which something was chosen. */
export function sampleComponentInteraction(
  user: SampleUser,
  message: SampleMessage,
  customId: string,
  options: SampleComponentOptions,
): SampleComponentInteraction {
  const { guild_id: guildId, member: _, ...shown } = message;
  const { componentType = 2, values } = options;
  const place = { applicationId: options.applicationId, channelId: message.channel_id, guildId };
  const data = {
    custom_id: customId,
    component_type: componentType,
    id: 1,
    ...(values === undefined ? {} : { values }),
  };
  return interaction(3, user, place, { data, message: shown }) as SampleComponentInteraction;
}

/** A modal that a user filled in and sent off: `values` by the custom ids of its text inputs. */
export function sampleModalSubmit(
  user: SampleUser,
  customId: string,
  values: Readonly<Record<string, string>> | SampleModalComponents,
  place: SampleInteractionPlace,
): SampleModalSubmit {
  const components = Array.isArray(values) ? values : Object.entries(values).map(([id, value]) => ({
    type: 1,
    components: [{ type: 4, custom_id: id, value }],
  }));
  return interaction(5, user, place, { data: { custom_id: customId, components } }) as SampleModalSubmit;
}

/** What all interactions have in common. */
function interaction(
  type: number,
  user: SampleUser,
  { applicationId, channelId, guildId }: SampleInteractionPlace,
  own: Record<string, unknown>,
): unknown {
  return {
    id: sampleId(),
    application_id: applicationId,
    type,
    token: `interaction-${sampleId()}`,
    version: 1,
    ...own,
    channel_id: channelId,
    channel: { id: channelId, type: guildId === undefined ? 1 : 0 },
    locale: "en-US",
    app_permissions: "2248473465835073",
    authorizing_integration_owners: { 0: guildId ?? "0" },
    context: guildId === undefined ? 1 : 0,
    entitlements: [],
    attachment_size_limit: 10_485_760,
    ...(guildId === undefined
      ? { user }
      : { guild_id: guildId, guild_locale: "en-US", member: { ...sampleMember(user), permissions: "0" } }),
  };
}
