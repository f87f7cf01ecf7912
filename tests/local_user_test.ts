import { LocalGateway, type LocalReply } from "@gangway/gateway/testing";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "./harness.ts";
import { type BareClient, bareClient, identify } from "./local_gateway_client.ts";

const HEADERS = { authorization: "Bot local-token", "user-agent": "DiscordBot (https://example.com, 1)" };

/** A gateway in memory with a client that receives everything. */
async function connected(): Promise<
  { gateway: LocalGateway; client: BareClient; [Symbol.asyncDispose](): Promise<void> }
> {
  const gateway = new LocalGateway({ guilds: 2 });
  const client = await bareClient(gateway, "", { memory: true });
  client.send(2, identify(gateway));
  await client.takeEvent("GUILD_CREATE");
  return { gateway, client, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

async function take(client: BareClient, event: string): Promise<Record<string, unknown>> {
  return (await client.takeEvent(event)).d as Record<string, unknown>;
}

/** Does what a bot does over HTTP. */
async function post(gateway: LocalGateway, path: string, body: unknown): Promise<number> {
  const init = { method: "POST", headers: HEADERS, body: JSON.stringify(body) };
  const response = await gateway.fetch(`${gateway.url}${path}`, init);
  await response.body?.cancel();
  return response.status;
}

test("LocalUser edits and deletes what was written", async () => {
  await using rig = await connected();
  const { gateway, client } = rig;
  const [ann, ben] = [gateway.user("Ann"), gateway.user("Ben")];
  const written = ann.says("helo");
  const edited = ann.edits(written, "hello");
  const update = await take(client, "MESSAGE_UPDATE");
  assertEquals([update.id, update.content, update.guild_id], [written.id, "hello", gateway.guilds[0]?.id]);
  assertEquals(typeof update.edited_timestamp, "string");
  assertThrows(() => ben.edits(edited, "no"), RangeError, `Cannot edit message ${written.id}: it is ann's`);
  ben.deletes(written);
  const { id: guild_id, channels } = gateway.guilds[0] as { id: string; channels: { id: string }[] };
  assertEquals(await take(client, "MESSAGE_DELETE"), { id: written.id, channel_id: channels[0]?.id, guild_id });
  assertThrows(() => ann.edits(written, "again"), RangeError, "there is no such message");
});

test("LocalUser replies to a message, in its channel", async () => {
  await using rig = await connected();
  const { gateway, client } = rig;
  const channelId = gateway.user("Ann").directChannelId;
  const question = gateway.user("Ann").says("who?", { channelId });
  gateway.user("Ben").says("me", { repliesTo: question });
  await client.takeEvent("MESSAGE_CREATE");
  const reply = await take(client, "MESSAGE_CREATE");
  assertEquals([reply.channel_id, reply.guild_id, reply.type], [channelId, undefined, 19]);
  assertEquals((reply.message_reference as { message_id: string }).message_id, question.id);
  assertEquals((reply.mentions as { username: string }[]).map(({ username }) => username), ["ann"]);
});

test("LocalUser reacts to messages and takes reactions back", async () => {
  await using rig = await connected();
  const { gateway, client } = rig;
  const [ann, ben] = [gateway.user("Ann"), gateway.user("Ben")];
  const message = ann.says("lunch?");
  ben.reacts(message, "👍");
  ben.unreacts(message, "gangway:1234");
  const added = await take(client, "MESSAGE_REACTION_ADD");
  assertEquals(added.emoji, { id: null, name: "👍" });
  assertEquals([added.user_id, added.message_id, added.message_author_id], [ben.id, message.id, ann.id]);
  assertEquals((added.member as { user: { id: string } }).user.id, ben.id);
  const removed = await take(client, "MESSAGE_REACTION_REMOVE");
  assertEquals(removed.emoji, { id: "1234", name: "gangway" });
  assertEquals("member" in removed, false);
});

test("LocalUser joins, is found among the members, and leaves", async () => {
  await using rig = await connected();
  const { gateway, client } = rig;
  const ann = gateway.user("Ann");
  const guildId = gateway.guilds[1]?.id as string;
  const ids = (d: unknown) => (d as { members: { user: { id: string } }[] }).members.map(({ user }) => user.id);
  ann.joins({ guildId });
  const added = await take(client, "GUILD_MEMBER_ADD");
  assertEquals([added.guild_id, (added.user as { id: string }).id], [guildId, ann.id]);
  client.send(8, { guild_id: guildId, user_ids: [ann.id] });
  assertEquals(ids((await client.takeEvent("GUILD_MEMBERS_CHUNK")).d), [ann.id]);
  client.send(8, { guild_id: guildId, query: "an", limit: 10 });
  assertEquals(ids((await client.takeEvent("GUILD_MEMBERS_CHUNK")).d), [ann.id]);
  ann.leaves({ guildId });
  const removed = await take(client, "GUILD_MEMBER_REMOVE");
  assertEquals([removed.guild_id, (removed.user as { id: string }).id], [guildId, ann.id]);
  client.send(8, { guild_id: guildId, user_ids: [ann.id] });
  assertEquals(ids((await client.takeEvent("GUILD_MEMBERS_CHUNK")).d), []);
  assertThrows(() => ann.joins({ guildId: "1" }), RangeError, "Cannot join guild 1: there is no such guild");
});

test("LocalGateway counts who joined in GUILD_CREATE", async () => {
  await using gateway = new LocalGateway({ guilds: [{ memberCount: 3 }] });
  gateway.user("Ann").joins();
  const client = await bareClient(gateway, "", { memory: true });
  client.send(2, identify(gateway));
  const guild = (await client.takeEvent("GUILD_CREATE")).d as { member_count: number; members: unknown[] };
  assertEquals([guild.member_count, guild.members.length], [4, 4]);
});

test("LocalUser appears with a status and what they do", async () => {
  await using rig = await connected();
  const { gateway, client } = rig;
  gateway.user("Ann").appears("dnd", { activities: [{ name: "Chess", type: 0 }] });
  const presence = await take(client, "PRESENCE_UPDATE");
  assertEquals([presence.status, presence.client_status], ["dnd", { desktop: "dnd" }]);
  assertEquals(presence.activities, [{ name: "Chess", type: 0 }]);
  gateway.user("Ann").appears("offline");
  assertEquals((await take(client, "PRESENCE_UPDATE")).client_status, {});
});

test("LocalUser clicks the buttons that a message has, and chooses in its menus", async () => {
  await using rig = await connected();
  const { gateway, client } = rig;
  const ann = gateway.user("Ann");
  const channelId = gateway.guilds[0]?.channels[0]?.id as string;
  const buttons = [{ type: 2, custom_id: "yes" }, { type: 2, custom_id: "no", disabled: true }];
  // In a row, and deeper.
  const menu = { type: 17, components: [{ type: 9, accessory: { type: 3, custom_id: "size", options: [] } }] };
  const components = [{ type: 1, components: buttons }, menu];
  await post(gateway, `/channels/${channelId}/messages`, { content: "Sure?", components });
  const reply = await gateway.reply();
  const clicked = ann.clicks(reply, "yes");
  const received = await take(client, "INTERACTION_CREATE");
  assertEquals([received.id, received.type, received.channel_id], [clicked.id, 3, channelId]);
  assertEquals(received.data, { custom_id: "yes", component_type: 2, id: 1 });
  assertEquals((received.message as { content: string }).content, "Sure?");
  ann.chooses(reply, "size", { values: ["L"] });
  const chosen = (await take(client, "INTERACTION_CREATE")).data;
  assertEquals(chosen, { custom_id: "size", component_type: 3, id: 1, values: ["L"] });
  assertThrows(() => ann.clicks(reply, "no"), RangeError, 'Cannot click "no": it is disabled');
  assertThrows(() => ann.clicks(reply, "size"), RangeError, 'the message has "yes", "no"');
  assertThrows(() => ann.chooses(reply, "yes", { values: [] }), RangeError, 'the message has "size"');
  assertThrows(() => ann.clicks(ann.says("no buttons"), "yes"), RangeError, "the message has none");
  assertThrows(() => ann.clicks({ id: null }, "yes"), TypeError, "the reply is none");
  assertEquals(await post(gateway, `/interactions/${clicked.id}/${clicked.token}/callback`, { type: 6 }), 204);
});

test("LocalUser fills in the modal that a bot answers with", async () => {
  await using rig = await connected();
  const { gateway, client } = rig;
  const ann = gateway.user("Ann");
  const command = ann.uses("feedback");
  const rows = [
    { type: 18, label: "Text", component: { type: 4, custom_id: "text", style: 2 } },
    { type: 1, components: [{ type: 4, custom_id: "name", style: 1, required: false, value: "nobody" }] },
    { type: 10, content: "Thank you" },
    { type: 18, label: "Stars", component: { type: 3, custom_id: "stars", options: [] } },
  ];
  const data = { custom_id: "feedback", title: "Feedback", components: rows };
  assertEquals(await post(gateway, `/interactions/${command.id}/${command.token}/callback`, { type: 9, data }), 204);
  const modal = await gateway.reply();
  assertEquals([modal.kind, modal.id, modal.callbackType], ["interaction", null, 9]);
  ann.submits(modal, { text: "good", stars: "5" });
  await client.takeEvent("INTERACTION_CREATE");
  const submitted = await take(client, "INTERACTION_CREATE");
  assertEquals(submitted.type, 5);
  assertEquals(submitted.data, {
    custom_id: "feedback",
    components: [
      { type: 18, component: { type: 4, custom_id: "text", value: "good" } },
      { type: 1, components: [{ type: 4, custom_id: "name", value: "nobody" }] },
      { type: 10 },
      { type: 18, component: { type: 3, custom_id: "stars", values: ["5"] } },
    ],
  });
  assertThrows(() => ann.submits(modal, { text: "good" }), RangeError, '"stars" has to be filled in');
  const unknown = { text: "good", stars: "5", age: "7" };
  assertThrows(() => ann.submits(modal, unknown), RangeError, 'the modal has "text", "name", "stars"');
  const message = { ...modal, callbackType: 4 } as LocalReply;
  assertThrows(() => ann.submits(message, {}), TypeError, "Cannot submit the reply: it is no modal");
});

test("LocalGateway gives each user one direct channel, and a bot that asks for it the same", async () => {
  await using gateway = new LocalGateway();
  const ann = gateway.user("Ann");
  assertStrictEquals(ann.directChannelId, gateway.user("Ann").directChannelId);
  const ask = (recipient_id: string) =>
    gateway.fetch(`${gateway.url}/users/@me/channels`, {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify({ recipient_id }),
    });
  const response = await ask(ann.id);
  assertEquals((await response.json()).id, ann.directChannelId);
  assertEquals((await ask("1")).status, 400);
});

test("LocalGateway remembers the newest thousand messages, and forgets what was deleted", async () => {
  await using gateway = new LocalGateway();
  const ann = gateway.user("Ann");
  const [first, second] = [ann.says("first"), ann.says("second")];
  for (let count = 0; count < 999; count++) ann.says("more");
  assertThrows(() => ann.edits(first, "gone"), RangeError, "there is no such message");
  ann.edits(second, "kept");
  // Also what was not done by a user.
  gateway.emit("MESSAGE_DELETE_BULK", { ids: [second.id], channel_id: second.channel_id });
  assertThrows(() => ann.edits(second, "gone"), RangeError, "there is no such message");
});

test("LocalGateway remembers the newest thousand interactions", async () => {
  await using gateway = new LocalGateway();
  const ann = gateway.user("Ann");
  const [first, second] = [ann.uses("ping"), ann.uses("ping")];
  for (let count = 0; count < 999; count++) ann.uses("ping");
  const answer = ({ id, token }: { id: string; token: string }) =>
    gateway.fetch(`${gateway.url}/interactions/${id}/${token}/callback`, {
      method: "POST",
      headers: { "user-agent": "DiscordBot (https://example.com, 1)", "content-type": "application/json" },
      body: JSON.stringify({ type: 4, data: { content: "pong" } }),
    });
  assertEquals((await answer(first)).status, 404);
  assertEquals((await answer(second)).status, 204);
});
