import { isFields } from "./event_rules.ts";
import type { Fields } from "./event_rules.ts";
import type { Hub } from "./hub.ts";
import { failure, invalid, unknown } from "./http_answer.ts";
import type { Answer, Call, Route } from "./http_answer.ts";
import { deletionOf } from "./message_events.ts";
import { botMessage, changeMessage, isEphemeral, messageFault, overHttp } from "./message_routes.ts";
import type { SampleMessage } from "./samples.ts";
import type { PendingInteraction } from "./world.ts";

/** "You must send an initial response within 3 seconds of receiving the event." */
const FIRST_ANSWER_MS = 3000;
/** "Interaction tokens are valid for 15 minutes." */
const TOKEN_MS = 900_000;
/** "Is thinking…": the answer comes later. */
const LOADING = 128;

const MESSAGE = 4;
const DEFERRED_MESSAGE = 5;
const DEFERRED_UPDATE = 6;
const UPDATE = 7;
const AUTOCOMPLETE = 8;
const MODAL = 9;

/** Which types of answer a type of interaction takes. */
const ANSWERS: ReadonlyMap<number, readonly number[]> = new Map([
  [2, [MESSAGE, DEFERRED_MESSAGE, MODAL]],
  [3, [MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, MODAL]],
  [4, [AUTOCOMPLETE]],
  [5, [MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE]],
]);

/** Answers to interactions: the first one, and by the interaction's token what follows it. */
export const INTERACTION_ROUTES: readonly Route[] = [
  {
    method: "POST",
    pattern: /^\/interactions\/([^/]+)\/([^/]+)\/callback$/,
    bucket: "interactions",
    open: true,
    answer: answerInteraction,
  },
  {
    method: "POST",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)$/,
    bucket: "interactions",
    open: true,
    answer: (hub, call) => withInteraction(hub, call, (interaction) => followUp(hub, interaction, call.body)),
  },
  {
    method: "GET",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)\/messages\/([^/]+)$/,
    bucket: "interactions",
    open: true,
    answer: (hub, call) => withAnswer(hub, call, (message) => ({ status: 200, body: overHttp(message) })),
  },
  {
    method: "PATCH",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)\/messages\/([^/]+)$/,
    bucket: "interactions",
    open: true,
    answer: (hub, call) =>
      withAnswer(hub, call, (message, interaction) => editAnswer(hub, message, interaction, call.body)),
  },
  {
    method: "DELETE",
    pattern: /^\/webhooks\/([^/]+)\/([^/]+)\/messages\/([^/]+)$/,
    bucket: "interactions",
    open: true,
    answer: (hub, call) => withAnswer(hub, call, (message) => deleteAnswer(hub, message)),
  },
];

function answerInteraction(hub: Hub, { ids: [id = "", token], query, body }: Call): Answer {
  const interaction = hub.world.interactions.get(id);
  if (interaction === undefined || interaction.token !== token) return unknown("interaction", 10062);
  if (!isFields(body) || !Number.isInteger(body.type)) return invalid("type", "This field is required");
  if (interaction.originalId !== undefined) {
    return failure(400, 40060, "Interaction has already been acknowledged.");
  }
  if (Date.now() - interaction.sentAtMs > FIRST_ANSWER_MS) return unknown("interaction", 10062);
  const { type, data } = body as { type: number; data?: unknown };
  const allowed = ANSWERS.get(interaction.type) ?? [];
  if (!allowed.includes(type)) return invalid("type", `Value must be one of {${allowed.join(", ")}}.`);
  const fields = isFields(data) ? data : {};
  const source = hub.world.messages.get(interaction.messageId ?? "");
  if ((type === UPDATE || type === DEFERRED_UPDATE) && source === undefined) {
    return invalid("type", "There is no message to update.");
  }
  const fault = type === MESSAGE
    ? messageFault(data)
    : type === UPDATE
    ? messageFault({ ...source, ...fields })
    : type === MODAL && typeof fields.custom_id !== "string"
    ? invalid("custom_id", "This field is required")
    : null;
  if (fault !== null) return fault;
  const message = firstAnswer(hub, interaction, type, fields, source);
  interaction.originalId = message?.id ?? null;
  hub.records.add("interaction", { interactionId: id, type, data });
  // While the bot "is thinking", nobody has read anything yet.
  if (type !== DEFERRED_MESSAGE && type !== DEFERRED_UPDATE) {
    const content = message?.content ?? "";
    const what = { id: message?.id ?? null, channelId: interaction.channelId, content, callbackType: type };
    hub.replies.add({ kind: "interaction", ...what, interactionId: id, ...ephemeral(message), body: data });
  }
  if (query.get("with_response") !== "true") return { status: 204 };
  const resource = { type, ...(message === null ? {} : { message: overHttp(message) }) };
  const about = { id, type: interaction.type, ...(message === null ? {} : { response_message_id: message.id }) };
  return { status: 200, body: { interaction: about, resource } };
}

/** Does what the first answer says, and gives the message that `@original` then means. */
function firstAnswer(
  hub: Hub,
  { channelId }: PendingInteraction,
  type: number,
  data: Fields,
  source: SampleMessage | undefined,
): SampleMessage | null {
  if (type === MESSAGE) return botMessage(hub, channelId, data);
  if (type === DEFERRED_MESSAGE) return botMessage(hub, channelId, { flags: Number(data.flags ?? 0) | LOADING });
  if (source === undefined || type === MODAL) return null;
  return type === UPDATE ? changeMessage(hub, source, data) : source;
}

function withInteraction(
  hub: Hub,
  { ids: [applicationId, token] }: Call,
  use: (interaction: PendingInteraction) => Answer,
): Answer {
  const interaction = [...hub.world.interactions.values()].find((interaction) => interaction.token === token);
  // Before the first answer there is nothing to follow up.
  if (applicationId !== hub.world.applicationId || interaction?.originalId === undefined) {
    return unknown("Webhook", 10015);
  }
  if (Date.now() - interaction.sentAtMs > TOKEN_MS) return failure(401, 50027, "Invalid Webhook Token");
  return use(interaction);
}

function withAnswer(
  hub: Hub,
  call: Call,
  use: (message: SampleMessage, interaction: PendingInteraction) => Answer,
): Answer {
  return withInteraction(hub, call, (interaction) => {
    const name = call.ids[2] ?? "";
    const id = name === "@original" ? interaction.originalId ?? "" : name;
    const message = hub.world.messages.get(id);
    const isIts = id === interaction.originalId || interaction.followUpIds.has(id);
    return message === undefined || !isIts ? unknown("Message", 10008) : use(message, interaction);
  });
}

function followUp(hub: Hub, interaction: PendingInteraction, body: unknown): Answer {
  const fault = messageFault(body);
  if (fault !== null) return fault;
  const message = botMessage(hub, interaction.channelId, body as Fields);
  interaction.followUpIds.add(message.id);
  hub.replies.add({
    kind: "followup",
    id: message.id,
    channelId: interaction.channelId,
    content: message.content,
    interactionId: interaction.id,
    ...ephemeral(message),
    body,
  });
  return { status: 200, body: overHttp(message) };
}

function editAnswer(hub: Hub, message: SampleMessage, interaction: PendingInteraction, body: unknown): Answer {
  const fault = messageFault(isFields(body) ? { ...message, ...body } : body);
  if (fault !== null) return fault;
  const fields = body as Fields;
  const flags = Number(message.flags ?? 0) & ~LOADING;
  const changed = changeMessage(hub, message, { ...fields, flags });
  const { id, channel_id: channelId, content } = changed;
  hub.records.add("edit", { id, channelId, content, body });
  const reply = { id, channelId, content, interactionId: interaction.id, ...ephemeral(changed), body };
  hub.replies.add({ kind: "edit", ...reply });
  return { status: 200, body: overHttp(changed) };
}

function deleteAnswer(hub: Hub, message: SampleMessage): Answer {
  const data = deletionOf(message);
  if (isEphemeral(message)) hub.world.messages.follow("MESSAGE_DELETE", data);
  else hub.dispatch("MESSAGE_DELETE", data);
  hub.records.add("deletion", { id: message.id, channelId: message.channel_id });
  return { status: 204 };
}

function ephemeral(message: SampleMessage | null): { ephemeral: boolean } {
  return { ephemeral: message !== null && isEphemeral(message) };
}
