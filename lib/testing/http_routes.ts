import { isFields } from "./event_rules.ts";
import type { Fields } from "./event_rules.ts";
import type { Hub } from "./hub.ts";
import { invalid, unknown } from "./http_answer.ts";
import type { Answer, Route } from "./http_answer.ts";
import { applicationFlags } from "./identify_rules.ts";
import { INTERACTION_ROUTES } from "./interaction_routes.ts";
import { MESSAGE_ROUTES } from "./message_routes.ts";
import { sampleId } from "./sample_id.ts";

/** Every route there is. */
export const ROUTES: readonly Route[] = [
  ...MESSAGE_ROUTES,
  ...INTERACTION_ROUTES,
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
    method: "POST",
    pattern: /^\/users\/@me\/channels$/,
    bucket: "users",
    answer: (hub, { body }) => directChannel(hub, body),
  },
  {
    method: "GET",
    pattern: /^\/applications\/@me$/,
    bucket: "users",
    answer: (hub) => ({
      status: 200,
      body: {
        id: hub.world.applicationId,
        name: hub.world.bot.username,
        flags: applicationFlags(hub.options.allowedIntents),
      },
    }),
  },
];

function directChannel(hub: Hub, body: unknown): Answer {
  const user = isFields(body) ? hub.world.userById(String(body.recipient_id)) : undefined;
  if (user === undefined) return invalid("recipient_id", "Must be a user who is known here");
  const id = hub.world.directChannelOf(user.id);
  return { status: 200, body: { id, type: 1, last_message_id: null, recipients: [user], flags: 0 } };
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
