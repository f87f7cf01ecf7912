/**
 * Registers the command /ping, which `ping_pong_slash_command.ts` answers. Once is enough: Discord remembers it.
 *
 *     DISCORD_TOKEN=… deno run -A examples/register_slash_command.ts
 *     DISCORD_TOKEN=… bun run examples/register_slash_command.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { authentication, fail, httpClient } from "./environment.ts";

const auth = authentication;
try {
  const { id } = await httpClient.request<{ id: string }>("GET", "/applications/@me", { auth });
  // https://discord.com/developers/docs/interactions/application-commands#create-global-application-command
  const body = { name: "ping", description: "Answers with pong" };
  await httpClient.request("POST", `/applications/${id}/commands`, { auth, body });
  console.log("Registered /ping");
} catch (error) {
  fail((error as Error).message);
}
