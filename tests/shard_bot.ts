/**
 * A bot of one shard with a gateway of its own, for the tests of how its process ends. The argument says what happens.
 *
 * @module
 */
import { GatewayIntent, HTTPClient, Shard, TimesPer } from "../mod.ts";
import { LocalGateway } from "../lib/testing/mod.ts";
import process from "node:process";

const scenario = process.argv[2];
const gateway = await LocalGateway.start({ heartbeatIntervalMs: 200 });
const client = new HTTPClient({ baseUrl: gateway.url });
const token = scenario === "close" ? gateway.token : "wrong-canary";
const intents = GatewayIntent.GuildMessages | GatewayIntent.MessageContent;
const shard = new Shard(0, 1, intents, token, new TimesPer(1, 5), client);
shard.dispatcher.listen("phase", ({ phase }) => phase === "closed" && void gateway[Symbol.asyncDispose]());
if (scenario === "critical") shard.dispatcher.listen("critical", ({ name }) => process.stdout.write(`${name}\n`));
// Nobody looks at what these come to.
void shard.connect();
void shard.ready;
void shard.requestGuildMembers("1", { userIds: "1" });
void shard.requestSoundboardSounds(["1"]);
if (scenario === "close") {
  shard.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => {
    process.stdout.write(`${content}\n`);
    void shard.close();
  });
  shard.dispatcher.listen("heartbeat", () => gateway.user("Ann").says("bye"));
}
if (scenario === "closed") {
  await shard.closed.catch((error) => process.stdout.write(`${error.name}\n`));
}
