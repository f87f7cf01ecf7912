import { isFields } from "./event_rules.ts";
import type { Fields } from "./event_rules.ts";
import type { Hub } from "./hub.ts";
import type { LocalHttpRoute } from "./options.ts";
import { sampleId, sampleMessage } from "./samples.ts";
import type { SampleMessage } from "./samples.ts";

/** An answer before it becomes a `Response`. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request that is to be answered. */
export interface Call {
  /** What the groups of the pattern caught. */
  ids: string[];
  body: unknown;
}

/** A method and a path, and what answers there. */
export interface Route {
  method: string;
  pattern: RegExp;
  bucket: LocalHttpRoute;
  /** Interaction callbacks and `GET /gateway` need no token. */
  open?: boolean;
  answer(hub: Hub, call: Call): Answer;
}

const CONTENT_LIMIT = 2000;

/** Every route there is. */
export const ROUTES: readonly Route[] = [
  {
    method: "GET",
    pattern: /^\/gateway$/,
    bucket: "gateway",
    open: true,
    answer: (hub) => ({ status: 200, body: { url: hub.gatewayUrl } }),
  },
  {
    method: "GET",
    pattern: /^\/gateway\/bot$/,
    bucket: "gateway",
    answer: (hub) => ({
      status: 200,
      body: { url: hub.gatewayUrl, shards: hub.options.shards, session_start_limit: hub.sessionStartLimit() },
    }),
  },
  {
    method: "POST",
    pattern: /^\/channels\/([^/]+)\/messages$/,
    bucket: "messages",
    answer: (hub, { ids: [channelId = ""], body }) => postMessage(hub, channelId, body),
  },
  {
    method: "POST",
    pattern: /^\/interactions\/([^/]+)\/([^/]+)\/callback$/,
    bucket: "interactions",
    open: true,
    answer: (hub, { ids: [id = "", token = ""], body }) => answerInteraction(hub, id, token, body),
  },
  {
    method: "POST",
    pattern: /^\/applications\/([^/]+)\/commands$/,
    bucket: "commands",
    answer: (hub, { ids: [applicationId], body }) =>
      applicationId === hub.world.applicationId ? register(hub, [body], false) : unknown("Application", 10002),
  },
  {
    method: "PUT",
    pattern: /^\/applications\/([^/]+)\/commands$/,
    bucket: "commands",
    answer: (hub, { ids: [applicationId], body }) => {
      if (applicationId !== hub.world.applicationId) return unknown("Application", 10002);
      return Array.isArray(body) ? register(hub, body, true) : invalid("body", "Must be a list");
    },
  },
  {
    method: "GET",
    pattern: /^\/users\/@me$/,
    bucket: "users",
    answer: (hub) => ({ status: 200, body: hub.world.bot }),
  },
  {
    method: "GET",
    pattern: /^\/applications\/@me$/,
    bucket: "users",
    answer: (hub) => ({
      status: 200,
      body: { id: hub.world.applicationId, name: hub.world.bot.username, flags: 565_248 },
    }),
  },
];

function postMessage(hub: Hub, channelId: string, body: unknown): Answer {
  if (!/^\d{1,20}$/.test(channelId)) return unknown("Channel", 10003);
  if (!isFields(body)) return invalid("body", "Must be an object");
  const { content = "", embeds = [], components = [], sticker_ids: stickers = [], poll } = body;
  if (typeof content !== "string") return invalid("content", "Must be a string");
  if ([...content].length > CONTENT_LIMIT) return invalid("content", "Must be 2000 or fewer in length.");
  if (!Array.isArray(embeds) || !Array.isArray(components)) return invalid("embeds", "Must be a list");
  const empty = content === "" && embeds.length === 0 && components.length === 0 &&
    (!Array.isArray(stickers) || stickers.length === 0) && poll === undefined;
  if (empty) return failure(400, 50006, "Cannot send an empty message");
  const message = botMessage(hub, channelId, content, body);
  hub.records.add("message", { id: message.id, channelId, content, body });
  // Over HTTP there is neither guild_id nor member.
  const { guild_id: _, member: __, ...answer } = message;
  return { status: 200, body: answer };
}

/** Posts a message of the bot's, which comes back to it as an event. */
function botMessage(hub: Hub, channelId: string, content: string, body: Fields): SampleMessage {
  const guildId = hub.world.guildOfChannel(channelId);
  const message = sampleMessage(hub.world.bot, channelId, content, {
    ...(guildId === undefined ? {} : { guild_id: guildId }),
    embeds: (body.embeds ?? []) as SampleMessage["embeds"],
    ...(body.nonce === undefined ? {} : { nonce: body.nonce as string }),
    ...(body.message_reference === undefined
      ? {}
      : { type: 19 as SampleMessage["type"], message_reference: body.message_reference as never }),
  });
  hub.dispatch("MESSAGE_CREATE", message);
  return message;
}

function answerInteraction(hub: Hub, id: string, token: string, body: unknown): Answer {
  const interaction = hub.world.interactions.get(id);
  if (interaction === undefined || interaction.token !== token) return unknown("interaction", 10062);
  if (!isFields(body) || !Number.isInteger(body.type)) return invalid("type", "This field is required");
  if (interaction.answered) return failure(400, 40060, "Interaction has already been acknowledged.");
  interaction.answered = true;
  const { type, data } = body as { type: number; data?: unknown };
  hub.records.add("interaction", { interactionId: id, type, data });
  const text = isFields(data) && typeof data.content === "string" ? data.content : "";
  if (type === 4) botMessage(hub, interaction.channelId, text, isFields(data) ? data : {});
  return { status: 204 };
}

function register(hub: Hub, commands: unknown[], replace: boolean): Answer {
  for (const command of commands) {
    if (!isFields(command) || typeof command.name !== "string" || !/^[\p{L}\p{N}_-]{1,32}$/u.test(command.name)) {
      return invalid("name", "Command name is invalid");
    }
    if ((command.type ?? 1) === 1 && (typeof command.description !== "string" || command.description === "")) {
      return invalid("description", "This field is required");
    }
  }
  const { world } = hub;
  if (replace) world.commands.clear();
  const registered = (commands as Fields[]).map((command) => {
    const name = command.name as string;
    const id = world.commands.get(name)?.id ?? sampleId();
    const full = { type: 1, options: [], ...command, id, application_id: world.applicationId, version: sampleId() };
    world.commands.set(name, full);
    return full;
  });
  return { status: replace ? 200 : 201, body: replace ? registered : registered[0] };
}

/** An error as the API words it. */
export function failure(status: number, code: number, message: string): Answer {
  return { status, body: { message, code } };
}

function unknown(what: string, code: number): Answer {
  return failure(404, code, `Unknown ${what}`);
}

function invalid(field: string, message: string): Answer {
  const errors = { [field]: { _errors: [{ code: "INVALID", message }] } };
  return { status: 400, body: { message: "Invalid Form Body", code: 50035, errors } };
}
