/**
 * What the examples have in common: where the token comes from, and how they end. `ping_pong.ts` does the same on its own.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, HTTPClient, type ShardManager } from "@gangway/gateway";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import process from "node:process";
import { Screen } from "./screen.ts";
import { showShards } from "./show_shards.ts";

const { DISCORD_TOKEN, GANGWAY_API_URL } = process.env;
if (!DISCORD_TOKEN) {
  fail("Set DISCORD_TOKEN to your bot's token; https://discord.com/developers/applications has it under Bot");
}

/** The token in `DISCORD_TOKEN`. */
export const authentication: BotAuthentication = new BotAuthentication(DISCORD_TOKEN);

/** Asks Discord, or the `LocalGateway` whose URL is in `GANGWAY_API_URL`. */
export const httpClient: HTTPClient = new HTTPClient({ baseUrl: GANGWAY_API_URL });

/** Runs the bot until Ctrl-C, which ends the process; so does a bot that cannot go on. */
export async function run(manager: ShardManager): Promise<void> {
  shutdownOnSignal(manager);
  const ended = new AbortController();
  // What ends the bot also ends this; `closed` is where it is told.
  showShards(manager, new Screen(), ended.signal).catch(() => {});
  // Whatever goes wrong, also while connecting, is what `closed` rejects with.
  void manager.connect();
  try {
    await manager.closed;
  } catch (error) {
    fail((error as Error).message);
  } finally {
    ended.abort();
  }
}

/** Says what is wrong and ends the process. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
