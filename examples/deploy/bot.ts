/**
 * A bot made to be run by systemd or in a container: it resumes after a restart, says why it ends, and ends in time.
 *
 * | variable                     | meaning                                                               |
 * | ---------------------------- | --------------------------------------------------------------------- |
 * | `DISCORD_TOKEN`              | the token, or                                                         |
 * | `CREDENTIALS_DIRECTORY`      | the folder with it in the file `discord_token`; systemd sets it       |
 * | `STATE_DIRECTORY`            | the folder for what it takes to resume; systemd sets it               |
 * | `GANGWAY_API_URL`            | where Discord is, if not at Discord's address                         |
 *
 * Exit codes: 0 after SIGTERM or SIGINT, 78 where a human has to change something first, 1 for everything else.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { BotAuthentication, GatewayError, GatewayIntent, HTTPClient, ShardManager } from "@gangway/gateway";
import { FileSessionStore } from "@gangway/gateway/file-session-store";
import { shutdownOnSignal } from "@gangway/gateway/shutdown";
import { readFile } from "node:fs/promises";
import process from "node:process";

/** "Configuration error", which a service manager can be told not to try again. */
const EX_CONFIG = 78;
/** Less than what systemd and container engines wait until they end a process the hard way. */
const DEADLINE_MS = 8_000;

const { DISCORD_TOKEN, CREDENTIALS_DIRECTORY, STATE_DIRECTORY, GANGWAY_API_URL } = process.env;

try {
  const token = DISCORD_TOKEN ?? await readFile(`${CREDENTIALS_DIRECTORY ?? "."}/discord_token`, "utf8");
  const authentication = new BotAuthentication(token);
  const httpClient = new HTTPClient({ baseUrl: GANGWAY_API_URL });
  const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
  const manager = new ShardManager(authentication, intents, httpClient, {
    // A bot that crashes again and again stops to identify while there is something left for a human.
    identifyReserve: 100,
    ...(STATE_DIRECTORY === undefined ? {} : { sessionStore: new FileSessionStore(STATE_DIRECTORY) }),
  });

  manager.eventDispatcher.listen("MESSAGE_CREATE", async (message) => {
    if (message.content !== "ping") return;
    await httpClient.createMessage(authentication, message.channel_id, { content: "pong" });
  });

  const { dispatcher } = manager;
  dispatcher.listen("ready", (_, { shardId }) => console.log(`shard ${shardId}: new session`));
  dispatcher.listen("resumed", (_, { shardId }) => console.log(`shard ${shardId}: resumed`));
  dispatcher.listen("reconnecting", ({ error, delayMs }, { shardId }) => {
    console.warn(`shard ${shardId}: ${error.message}; tries again in ${Math.round(delayMs)} ms`);
  });
  dispatcher.listen("listener_error", ({ error, event }) => console.error(`${event.type}:`, error));

  shutdownOnSignal(manager, { deadlineMs: DEADLINE_MS });
  void manager.connect();
  await manager.closed;
} catch (error) {
  const { code, message } = error as Error & { code?: unknown };
  console.error(message);
  // No token, a wrong one, an intent that is switched off: the same again would only use up the day's identifies.
  const isLasting = error instanceof GatewayError || error instanceof TypeError || code === "ENOENT";
  process.exit(isLasting ? EX_CONFIG : 1);
}
