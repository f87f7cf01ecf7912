/**
 * The Discord of `status_page.ts` where there is no token: guilds that talk, and connections that break.
 *
 * @module
 */
import { LocalGateway } from "@gangway/gateway/testing";
import process from "node:process";

const gateway = await LocalGateway.start({ shards: 24, guilds: 120, maxConcurrency: 4, heartbeatIntervalMs: 5_000 });
process.env.DISCORD_TOKEN = gateway.token;
process.env.GANGWAY_API_URL = gateway.url;

setInterval(() => {
  for (const { channels } of gateway.guilds) {
    if (Math.random() < 0.2) gateway.user("Ann").says("hello", { channelId: channels[0]?.id });
  }
}, 250);

setInterval(() => {
  const shardId = Math.floor(Math.random() * 24);
  const faults = [
    () => gateway.drop({ shardId }),
    () => gateway.freeze({ shardId }),
    () => gateway.reconnect({ shardId }),
    () => gateway.disconnect(4000, { shardId }),
    () => gateway.invalidateSession(false, { shardId }),
  ];
  faults[Math.floor(Math.random() * faults.length)]?.();
}, 3_000);
