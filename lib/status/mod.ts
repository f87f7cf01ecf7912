/**
 * A status page, metrics and health checks for a bot: a plain `(Request) => Promise<Response>`, for `Deno.serve`,
 * `Bun.serve` and every router on web standards.
 *
 * It shows each shard's phase, latency, guilds, events a second, and how it lost its last connection, live; and of all
 * of them how many identifies are left and how long it takes until everything is connected. It answers this machine
 * only, unless it is told otherwise, and has neither the bot's token nor any event's content in what it says.
 *
 * @example Beside a bot, on Deno
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { statusHandler } from "@gangway/gateway/status";
 * import { LocalGateway } from "@gangway/gateway/testing";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * const manager = new ShardManager(new BotAuthentication(discord.token), GatewayIntent.Guilds, httpClient);
 * // 0 is any port that is free.
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0 }, statusHandler(manager));
 * await manager.connect();
 * // … the bot at work …
 * await manager.close();
 * await server.shutdown();
 * ```
 *
 * @example Under a path, for other machines that have the token, on Bun
 * ```ts
 * import { BotAuthentication, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { statusHandler } from "@gangway/gateway/status";
 * import { assertEquals } from "@std/assert";
 *
 * const manager = new ShardManager(new BotAuthentication("token"), GatewayIntent.Guilds, new HTTPClient());
 * using status = statusHandler(manager, { basePath: "/status", token: "let-me-in", allowRemote: true });
 * // Bun.serve({ port: 8080, routes: { "/status": status, "/status/*": status } });
 *
 * const headers = { authorization: "Bearer let-me-in" };
 * const response = await status(new Request("http://bot.example/status/metrics", { headers }));
 * assertEquals(response.status, 200);
 * ```
 *
 * @module
 */
export type { BunConnectionInfo, ConnectionInfo, DenoConnectionInfo } from "./access.ts";
export type { StatusHandler, StatusOptions } from "./route_handler.ts";
export { statusHandler } from "./status_handler.ts";
