import { isFields } from "./event_rules.ts";
import type { Fields } from "./event_rules.ts";
import type { Hub } from "./hub.ts";
import { failure, invalid, unknown } from "./http_answer.ts";
import type { Answer, Call, Route } from "./http_answer.ts";
import { addReaction, deletionOf, removeReaction } from "./message_events.ts";
import { sampleEmoji, sampleMessage, sampleTyping } from "./samples.ts";
import type { SampleMessage } from "./samples.ts";

const CONTENT_LIMIT = 2000;
/** What of a message an edit can change. */
const EDITABLE = ["content", "embeds", "components", "attachments", "flags"];
/** "Only the user sees it": such a message is an event for nobody. */
const EPHEMERAL = 64;

/** Messages of channels, reactions to them, and typing. */
export const MESSAGE_ROUTES: readonly Route[] = [
  {
    method: "POST",
    pattern: /^\/channels\/([^/]+)\/messages$/,
    bucket: "messages",
    answer: (hub, { ids: [channelId = ""], body }) => postMessage(hub, channelId, body),
  },
  {
    method: "GET",
    pattern: /^\/channels\/([^/]+)\/messages\/([^/]+)$/,
    bucket: "messages",
    answer: (hub, call) => withMessage(hub, call, (message) => ({ status: 200, body: overHttp(message) })),
  },
  {
    method: "PATCH",
    pattern: /^\/channels\/([^/]+)\/messages\/([^/]+)$/,
    bucket: "messages",
    answer: (hub, call) => withMessage(hub, call, (message) => editMessage(hub, message, call.body)),
  },
  {
    method: "DELETE",
    pattern: /^\/channels\/([^/]+)\/messages\/([^/]+)$/,
    bucket: "messages",
    answer: (hub, call) => withMessage(hub, call, (message) => deleteMessage(hub, message)),
  },
  {
    method: "PUT",
    pattern: /^\/channels\/([^/]+)\/messages\/([^/]+)\/reactions\/([^/]+)\/@me$/,
    bucket: "reactions",
    answer: (hub, call) => withMessage(hub, call, (message) => react(hub, message, call, false)),
  },
  {
    method: "DELETE",
    pattern: /^\/channels\/([^/]+)\/messages\/([^/]+)\/reactions\/([^/]+)\/@me$/,
    bucket: "reactions",
    answer: (hub, call) => withMessage(hub, call, (message) => react(hub, message, call, true)),
  },
  {
    method: "POST",
    pattern: /^\/channels\/([^/]+)\/typing$/,
    bucket: "messages",
    answer: (hub, { ids: [channelId = ""] }) => {
      hub.dispatch("TYPING_START", sampleTyping(hub.world.bot, channelId, hub.world.guildFields(channelId)));
      return { status: 204 };
    },
  },
];

function withMessage(hub: Hub, { ids: [channelId, id = ""] }: Call, use: (message: SampleMessage) => Answer): Answer {
  const message = hub.world.messages.get(id);
  return message === undefined || message.channel_id !== channelId ? unknown("Message", 10008) : use(message);
}

function postMessage(hub: Hub, channelId: string, body: unknown): Answer {
  if (!/^\d{1,20}$/.test(channelId)) return unknown("Channel", 10003);
  const fault = messageFault(body);
  if (fault !== null) return fault;
  const fields = body as Fields;
  const message = botMessage(hub, channelId, fields);
  hub.records.add("message", { id: message.id, channelId, content: message.content, body });
  hub.replies.add({
    kind: "message",
    id: message.id,
    channelId,
    content: message.content,
    repliesTo: message.message_reference?.message_id ?? null,
    body,
  });
  return { status: 200, body: overHttp(message) };
}

function editMessage(hub: Hub, message: SampleMessage, body: unknown): Answer {
  if (message.author.id !== hub.world.bot.id) {
    return failure(403, 50005, "Cannot edit a message authored by another user");
  }
  const fault = messageFault(isFields(body) ? { ...message, ...body } : body);
  if (fault !== null) return fault;
  const changed = changeMessage(hub, message, body as Fields);
  const { id, channel_id: channelId, content } = changed;
  hub.records.add("edit", { id, channelId, content, body });
  hub.replies.add({ kind: "edit", id, channelId, content, body });
  return { status: 200, body: overHttp(changed) };
}

function deleteMessage(hub: Hub, message: SampleMessage): Answer {
  hub.dispatch("MESSAGE_DELETE", deletionOf(message));
  hub.records.add("deletion", { id: message.id, channelId: message.channel_id });
  return { status: 204 };
}

function react(hub: Hub, message: SampleMessage, { ids }: Call, removed: boolean): Answer {
  const emoji = decode(ids[2] ?? "");
  // Bots send the emoji itself, or `name:id`; `:name:` is what people type.
  if (emoji === "" || /^[\x20-\x7e]+$/.test(emoji) && sampleEmoji(emoji).id === null) {
    return failure(400, 10014, "Unknown Emoji");
  }
  if (removed) removeReaction(hub, hub.world.bot, message, emoji);
  else addReaction(hub, hub.world.bot, message, emoji);
  hub.records.add("reaction", { id: message.id, channelId: message.channel_id, emoji, removed });
  return { status: 204 };
}

/** Paths carry emoji percent-encoded. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** What is wrong with the body of a message, or `null`. */
export function messageFault(body: unknown): Answer | null {
  if (!isFields(body)) return invalid("body", "Must be an object");
  const { embeds = [], components = [], attachments = [], sticker_ids: stickers = [], poll } = body;
  // An edit takes the text away with `null`.
  const content = body.content ?? "";
  if (typeof content !== "string") return invalid("content", "Must be a string");
  if ([...content].length > CONTENT_LIMIT) return invalid("content", "Must be 2000 or fewer in length.");
  const lists = [embeds ?? [], components ?? [], attachments ?? [], stickers ?? []];
  if (!lists.every(Array.isArray)) return invalid("embeds", "Must be a list");
  const empty = content === "" && lists.every((list) => (list as unknown[]).length === 0);
  const isForward = isFields(body.message_reference) && body.message_reference.type === 1;
  if (empty && poll === undefined && !isForward) {
    return failure(400, 50006, "Cannot send an empty message");
  }
  return null;
}

/** A message of the bot's, which comes back to it as an event unless only one user sees it. */
export function botMessage(hub: Hub, channelId: string, body: Fields): SampleMessage {
  const { world } = hub;
  const { content, embeds, components, attachments, flags, nonce, message_reference: reference } = body;
  const message = sampleMessage(world.bot, channelId, (content ?? "") as string, {
    ...world.guildFields(channelId),
    embeds: (embeds ?? []) as SampleMessage["embeds"],
    components: (components ?? []) as NonNullable<SampleMessage["components"]>,
    attachments: (attachments ?? []) as SampleMessage["attachments"],
    flags: (flags ?? 0) as NonNullable<SampleMessage["flags"]>,
    ...(nonce === undefined ? {} : { nonce: nonce as string }),
    ...(isFields(reference)
      ? { type: 19 as SampleMessage["type"], message_reference: { channel_id: channelId, ...reference } as never }
      : {}),
  });
  if (isEphemeral(message)) world.messages.keep(message);
  else hub.dispatch("MESSAGE_CREATE", message);
  return message;
}

/** Changes a message of the bot's, which comes back to it as an event unless only one user sees it. */
export function changeMessage(hub: Hub, message: SampleMessage, body: Fields): SampleMessage {
  const changes = Object.fromEntries(
    EDITABLE.filter((name) => body[name] !== undefined).map((name) => {
      // `null` takes away.
      return [name, body[name] ?? (name === "content" ? "" : name === "flags" ? 0 : [])];
    }),
  );
  const changed = { ...message, ...changes, edited_timestamp: new Date().toISOString() } as SampleMessage;
  if (isEphemeral(message)) hub.world.messages.keep(changed);
  else hub.dispatch("MESSAGE_UPDATE", changed);
  return changed;
}

/** Whether only one user sees a message. */
export function isEphemeral({ flags }: SampleMessage): boolean {
  return (Number(flags ?? 0) & EPHEMERAL) !== 0;
}

/** Over HTTP a message has neither `guild_id` nor `member`. */
export function overHttp({ guild_id: _, member: __, ...message }: SampleMessage): unknown {
  return message;
}
