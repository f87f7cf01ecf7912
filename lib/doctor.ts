/**
 * Tells why a bot does not start, and what to do about it: whether the token is valid, which privileged intents are switched
 * off, how many shards and identifies there are, how far away the gateway is. It spends no identify.
 *
 * ```sh
 * DISCORD_TOKEN=… deno run -A jsr:@gangway/gateway/doctor --intents Guilds,MessageContent
 * DISCORD_TOKEN=… bunx --bun @gangway/gateway --intents Guilds,MessageContent
 * ```
 *
 * The token is taken from the environment alone. `--json` is for scripts, `--local` examines a Discord that the process
 * brings along, `--help` shows everything. The exit code is 0 where nothing is wrong, 1 where something is, and 2 where the
 * command cannot be understood.
 *
 * @example The same from code
 * ```ts
 * import { examine } from "@gangway/gateway/doctor";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start();
 * const { ok, problems } = await examine({ token: discord.token, http: { baseUrl: discord.url } });
 * assertEquals({ ok, problems }, { ok: true, problems: [] });
 * ```
 *
 * @module
 */
import process from "node:process";
import { runDoctor } from "./doctor/run.ts";

export type { CompressionFormat } from "./decompressor.ts";
export { type DoctorReport, examine, type ExamineOptions, type GatewayReport } from "./doctor/examine.ts";
export type { IntentName, IntentState } from "./doctor/intents.ts";
export type { RoundTrip } from "./doctor/round_trip.ts";
export type { HTTPClientOptions } from "./http_options.ts";
export { GatewayIntent } from "./intent.ts";
export { runDoctor };

if (import.meta.main) process.exit(await runDoctor(process.argv.slice(2)));
