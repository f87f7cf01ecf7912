/**
 * What the examples have in common: where the token comes from, and how they end. `ping_pong.ts` does the same on its own.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, type CloseOptions, HTTPClient, type ShardManager } from "@gangway/gateway";
import process from "node:process";
import { setTimeout } from "node:timers";

const DEADLINE_MS = 2_000;

const { DISCORD_TOKEN, GANGWAY_API_URL } = process.env;
if (!DISCORD_TOKEN) {
  fail("Set DISCORD_TOKEN to your bot's token; https://discord.com/developers/applications has it under Bot");
}

/** The token in `DISCORD_TOKEN`. */
export const authentication: BotAuthentication = new BotAuthentication(DISCORD_TOKEN);

/** Asks Discord, or the `LocalGateway` whose URL is in `GANGWAY_API_URL`. */
export const httpClient: HTTPClient = new HTTPClient({ baseUrl: GANGWAY_API_URL });

/** Connects; resolves after Ctrl-C. A bot that cannot go on ends the process. */
export async function run(manager: ShardManager, options: CloseOptions = {}): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      // Towards a network that has gone silent, a socket can keep the process alive after it was closed.
      setTimeout(() => process.exit(), DEADLINE_MS).unref();
      void manager.close(options);
    });
  }
  // Whatever goes wrong, also while connecting, is what `closed` rejects with.
  void manager.connect();
  await manager.closed.catch(({ message }) => fail(message));
}

/** Says what is wrong and ends the process. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
