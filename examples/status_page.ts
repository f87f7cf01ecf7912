/**
 * A bot with a status page, on Discord where `DISCORD_TOKEN` is set, and otherwise on a Discord that it brings along and
 * where something goes wrong now and then.
 *
 *     deno run -A examples/status_page.ts
 *     bun run examples/status_page.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { GatewayIntent, ShardManager } from "@gangway/gateway";
import { type StatusHandler, statusHandler } from "@gangway/gateway/status";
import process from "node:process";

if (!process.env.DISCORD_TOKEN) await import("./status_page_gateway.ts");
const { authentication, httpClient, run } = await import("./environment.ts");

const manager = new ShardManager(authentication, GatewayIntent.Guilds | GatewayIntent.GuildMessages, httpClient);

// Before the manager connects: READY says in how many guilds a shard is.
const port = serve(statusHandler(manager), Number(process.env.PORT ?? 8080));
console.log(`The status page is at http://localhost:${port}/`);
await run(manager);

/** A line on either runtime; this is both. */
function serve(fetch: StatusHandler, port: number): number {
  const { Bun } = globalThis as { Bun?: { serve(options: unknown): { port: number } } };
  if (Bun !== undefined) return Bun.serve({ hostname: "127.0.0.1", port, fetch }).port;
  return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, fetch).addr.port;
}
