import { LocalGateway } from "@gangway/gateway/testing";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "./harness.ts";

const HEADERS = { authorization: "Bot local-token", "user-agent": "DiscordBot (https://example.com, 1)" };

interface Answered {
  status: number;
  // deno-lint-ignore no-explicit-any
  body: any;
}

async function ask(gateway: LocalGateway, method: string, path: string, body?: unknown): Promise<Answered> {
  const json = body === undefined || body instanceof FormData ? body : JSON.stringify(body);
  const init = { method, headers: HEADERS, ...(json === undefined ? {} : { body: json }) };
  const response = await gateway.fetch(`${gateway.url}${path}`, init);
  const text = await response.text();
  // Clients tell by the type whether there is something to parse.
  assertEquals(response.headers.get("content-type"), text === "" ? null : "application/json");
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

function channelOf(gateway: LocalGateway): string {
  return gateway.guilds[0]?.channels[0]?.id as string;
}

test("LocalGateway.replies hands out each thing the bot says once, in order, also what came before the call", async () => {
  await using gateway = new LocalGateway();
  const path = `/channels/${channelOf(gateway)}/messages`;
  const question = gateway.user("Ann").says("?");
  for (const content of ["a", "b", "c"]) await ask(gateway, "POST", path, { content });
  const two = await gateway.replies(2);
  assertEquals(two.map(({ content }) => content), ["a", "b"]);
  const later = gateway.replies(2);
  const last = gateway.reply();
  await ask(gateway, "POST", path, { content: "d", message_reference: { message_id: question.id } });
  assertEquals((await later).map(({ content, repliesTo }) => [content, repliesTo]), [["c", null], ["d", question.id]]);
  const { body: { id } } = await ask(gateway, "POST", path, { embeds: [{ title: "e" }] });
  assertEquals(await last, {
    kind: "message",
    id,
    channelId: channelOf(gateway),
    content: "",
    repliesTo: null,
    interactionId: null,
    callbackType: null,
    ephemeral: false,
    body: { embeds: [{ title: "e" }] },
  });
});

test("LocalGateway.replies rejects at its timeout and says what came instead", async () => {
  await using gateway = new LocalGateway();
  const none = await assertRejects(() => gateway.reply({ timeoutMs: 1 }), DOMException);
  assertEquals(none.name, "TimeoutError");
  assertEquals(none.message, "Cannot get a reply: none came within 1 ms; no bot is connected");
  const path = `/channels/${channelOf(gateway)}/messages`;
  await ask(gateway, "POST", path, { content: "one" });
  await ask(gateway, "POST", path, { embeds: [{}] });
  const few = await assertRejects(() => gateway.replies(3, { timeoutMs: 1 }), DOMException);
  assertMatch(few.message, /^Cannot get 3 replies: only "one", \(message\) came within 1 ms/);
  // What was not taken is still there.
  assertEquals((await gateway.replies(2)).length, 2);
});

test("LocalGateway.replies rejects with its signal, at the gateway's end, and for a count that is none", async () => {
  const gateway = new LocalGateway();
  const reason = new Error("enough");
  assertEquals(await gateway.replies(1, { signal: AbortSignal.abort(reason) }).catch((error) => error), reason);
  const controller = new AbortController();
  const asked = gateway.replies(1, { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await asked.catch((error) => error), reason);
  for (const count of [0, -1, 1.5, NaN]) await assertRejects(() => gateway.replies(count), RangeError);
  const waiting = gateway.replies();
  await gateway[Symbol.asyncDispose]();
  assertEquals((await assertRejects(() => waiting, DOMException)).name, "AbortError");
});

test("LocalGateway.clearRecords forgets replies that nobody took", async () => {
  await using gateway = new LocalGateway();
  await ask(gateway, "POST", `/channels/${channelOf(gateway)}/messages`, { content: "old" });
  gateway.clearRecords();
  await ask(gateway, "POST", `/channels/${channelOf(gateway)}/messages`, { content: "new" });
  assertEquals((await gateway.reply()).content, "new");
});

test("LocalGateway lets the bot edit and delete its messages and read any, but not edit those of others", async () => {
  await using gateway = new LocalGateway();
  const path = `/channels/${channelOf(gateway)}/messages`;
  const { body: { id } } = await ask(gateway, "POST", path, { content: "first", embeds: [{ title: "e" }] });
  const edited = await ask(gateway, "PATCH", `${path}/${id}`, { content: "second", embeds: null });
  assertEquals([edited.status, edited.body.content, edited.body.embeds], [200, "second", []]);
  const read = await ask(gateway, "GET", `${path}/${id}`);
  assertEquals([read.body.content, read.body.guild_id, typeof read.body.edited_timestamp], [
    "second",
    undefined,
    "string",
  ]);
  assertEquals((await gateway.replies(2)).map(({ kind, content }) => [kind, content]), [
    ["message", "first"],
    ["edit", "second"],
  ]);
  assertEquals(gateway.edits.map(({ content }) => content), ["second"]);
  assertEquals((await ask(gateway, "PATCH", `${path}/${id}`, { content: "" })).body.code, 50006);
  const { id: annsId } = gateway.user("Ann").says("mine");
  assertEquals((await ask(gateway, "PATCH", `${path}/${annsId}`, { content: "x" })).body.code, 50005);
  assertEquals((await ask(gateway, "GET", `/channels/1/messages/${annsId}`)).body.code, 10008);
  assertEquals((await ask(gateway, "DELETE", `${path}/${annsId}`)).status, 204);
  assertEquals(gateway.deletions, [{ id: annsId, channelId: channelOf(gateway) }]);
  assertEquals((await ask(gateway, "DELETE", `${path}/${annsId}`)).status, 404);
});

test("LocalGateway records the bot's reactions and its typing", async () => {
  await using gateway = new LocalGateway();
  const { id, channel_id: channelId } = gateway.user("Ann").says("nice");
  const path = `/channels/${channelId}/messages/${id}/reactions`;
  assertEquals((await ask(gateway, "PUT", `${path}/${encodeURIComponent("🎉")}/@me`)).status, 204);
  assertEquals((await ask(gateway, "DELETE", `${path}/party:123/@me`)).status, 204);
  assertEquals((await ask(gateway, "PUT", `${path}/tada/@me`)).body.code, 10014);
  assertEquals((await ask(gateway, "PUT", `${path}/%E0%A4%A/@me`)).body.code, 10014);
  assertEquals(gateway.reactions.map(({ emoji, removed }) => [emoji, removed]), [["🎉", false], ["party:123", true]]);
  assertEquals((await ask(gateway, "POST", `/channels/${channelId}/typing`)).status, 204);
});

test("LocalGateway takes files beside the JSON of a message", async () => {
  await using gateway = new LocalGateway();
  const form = new FormData();
  form.set("payload_json", JSON.stringify({ content: "look", attachments: [{ id: 0, description: "a cat" }] }));
  form.set("files[0]", new File(["meow"], "cat.txt", { type: "text/plain" }));
  const { status, body } = await ask(gateway, "POST", `/channels/${channelOf(gateway)}/messages`, form);
  assertEquals([status, body.content], [200, "look"]);
  const [{ filename, size, description }] = body.attachments;
  assertEquals([filename, size, description], ["cat.txt", 4, "a cat"]);
  const alone = new FormData();
  alone.set("files[0]", new File(["x"], "x.bin"));
  assertEquals((await ask(gateway, "POST", `/channels/${channelOf(gateway)}/messages`, alone)).status, 200);
});

test("LocalGateway takes an answer that was deferred as an edit of @original, and what follows it", async () => {
  await using gateway = new LocalGateway();
  const { id, token, application_id } = gateway.user("Ann").uses("slow");
  const webhook = `/webhooks/${application_id}/${token}`;
  assertEquals((await ask(gateway, "POST", webhook, { content: "too soon" })).body.code, 10015);
  const callback = `/interactions/${id}/${token}/callback`;
  const deferred = await ask(gateway, "POST", `${callback}?with_response=true`, { type: 5, data: { flags: 64 } });
  assertEquals([deferred.status, deferred.body.resource.message.flags], [200, 192]);
  assertEquals((await ask(gateway, "POST", callback, { type: 4, data: { content: "twice" } })).body.code, 40060);
  assertEquals((await ask(gateway, "PATCH", `${webhook}/messages/@original`, { content: "done" })).body.flags, 64);
  const follow = await ask(gateway, "POST", webhook, { content: "and" });
  assertEquals((await ask(gateway, "PATCH", `${webhook}/messages/${follow.body.id}`, { content: "more" })).status, 200);
  const replies = await gateway.replies(3);
  assertEquals(replies.map(({ kind, content, ephemeral }) => [kind, content, ephemeral]), [
    ["edit", "done", true],
    ["followup", "and", false],
    ["edit", "more", false],
  ]);
  assertEquals(replies.map(({ interactionId }) => interactionId), [id, id, id]);
  assertEquals((await ask(gateway, "GET", `${webhook}/messages/@original`)).body.content, "done");
  assertEquals((await ask(gateway, "DELETE", `${webhook}/messages/@original`)).status, 204);
  assertEquals((await ask(gateway, "GET", `${webhook}/messages/@original`)).body.code, 10008);
  const strange = gateway.user("Ann").says("not an answer");
  assertEquals((await ask(gateway, "GET", `${webhook}/messages/${strange.id}`)).body.code, 10008);
});

test("LocalGateway lets a click change the message, and each interaction have the answers that fit it", async () => {
  await using gateway = new LocalGateway();
  const ann = gateway.user("Ann");
  const components = [{ type: 1, components: [{ type: 2, custom_id: "go" }] }];
  await ask(gateway, "POST", `/channels/${channelOf(gateway)}/messages`, { content: "Go?", components });
  const message = await gateway.reply();
  const click = ann.clicks(message, "go");
  const callback = `/interactions/${click.id}/${click.token}/callback`;
  assertEquals((await ask(gateway, "POST", callback, { type: 8, data: {} })).body.code, 50035);
  assertEquals(
    (await ask(gateway, "POST", callback, { type: 7, data: { content: "Gone", components: [] } })).status,
    204,
  );
  const reply = await gateway.reply();
  assertEquals([reply.kind, reply.id, reply.content, reply.callbackType], ["interaction", message.id, "Gone", 7]);
  const command = ann.uses("x");
  const path = `/interactions/${command.id}/${command.token}/callback`;
  for (const body of [{ type: 7, data: {} }, { type: 4, data: {} }, { type: 9, data: {} }, {}]) {
    assertEquals((await ask(gateway, "POST", path, body)).status, 400);
  }
});

test("LocalGateway shows an answer for one user only to nobody else", async () => {
  await using gateway = new LocalGateway();
  const { id, token } = gateway.user("Ann").uses("secret");
  const data = { content: "psst", flags: 64 };
  await ask(gateway, "POST", `/interactions/${id}/${token}/callback`, { type: 4, data });
  const reply = await gateway.reply();
  assertEquals([reply.ephemeral, reply.content], [true, "psst"]);
  // The user can still use it.
  gateway.user("Ann").says("what?", { repliesTo: reply });
});
