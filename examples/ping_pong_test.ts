/**
 * The tests of `ping_pong.ts`: the bot as it is, on a Discord of the test's own. Copy it for yours.
 *
 *     deno test -A examples/ping_pong_test.ts
 *     bun test ./examples/ping_pong_test.ts
 *
 * @module
 */
import { LocalGateway } from "@gangway/gateway/testing";
import assert from "node:assert/strict";
import process from "node:process";
import { after, afterEach, before, beforeEach, test } from "node:test";

const discord = await LocalGateway.start();
process.env.DISCORD_TOKEN = discord.token;
process.env.GANGWAY_API_URL = discord.url;
// The bot reads where its Discord is when it is loaded.
const { manager } = await import("./ping_pong.ts");

before(async () => {
  await manager.connect();
  await manager.eventDispatcher.waitFor("READY");
});
beforeEach(() => discord.clearRecords());
// Whatever a test was about, the bot has to keep Discord's rules.
afterEach(() => assert.deepEqual(discord.violations, []));
after(async () => {
  await manager.close();
  await discord[Symbol.asyncDispose]();
});

test("the bot answers ping with pong, in the same channel", async () => {
  const ann = discord.user("Ann");
  ann.says("ping");
  const inGuild = await discord.reply();
  assert.deepEqual([inGuild.content, inGuild.channelId], ["pong", discord.guilds[0]?.channels[0]?.id]);
});

test("the bot answers nothing else, and not itself", async () => {
  const ann = discord.user("Ann");
  for (const text of ["Ping", "ping?", "pong", ""]) ann.says(text);
  // Events arrive in order: once it has answered this, it has seen all of the others.
  ann.says("ping");
  assert.equal((await discord.reply()).content, "pong");
  assert.equal(discord.messages.length, 1);
});

test("the bot answers what was said while it was away", async () => {
  const resumed = manager.dispatcher.waitFor("resumed");
  discord.drop();
  discord.user("Ben").says("ping");
  await resumed;
  assert.equal((await discord.reply()).content, "pong");
  assert.equal(discord.identifies.length, 0);
});

test("the bot goes on after an answer that Discord did not take", async () => {
  const failed = manager.dispatcher.waitFor("listener_error");
  discord.rejectHttp(500, 1, { path: "/messages" });
  discord.user("Cleo").says("ping");
  assert.match(String((await failed).error), /^HTTPError: .*500/);
  discord.user("Cleo").says("ping");
  assert.equal((await discord.reply()).content, "pong");
});
