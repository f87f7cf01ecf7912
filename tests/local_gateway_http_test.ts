import { LocalGateway } from "@gangway/gateway/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "./harness.ts";
import { bareClient, identify } from "./local_gateway_client.ts";

const USER_AGENT = "DiscordBot (https://example.com/bot, 1.0.0) extra";

function ask(
  gateway: LocalGateway,
  path: string,
  { method = "GET", body, headers = {} }: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bot ${gateway.token}`, "user-agent": USER_AGENT, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test("LocalGateway answers GET /gateway without a token", async () => {
  await using gateway = await LocalGateway.start();
  const response = await fetch(`${gateway.url}/gateway`, { headers: { "user-agent": USER_AGENT } });
  assertEquals([response.status, await response.json()], [200, { url: gateway.gatewayUrl }]);
  assertEquals(gateway.httpRequests[0]?.authorization, "missing");
});

test("LocalGateway answers GET /gateway/bot with live limits and rate limit headers", async () => {
  const sessionStartLimit = { total: 1000, remaining: 7, resetAfterMs: 60_000 };
  await using gateway = await LocalGateway.start({ shards: 3, maxConcurrency: 16, sessionStartLimit });
  const client = await bareClient(gateway);
  client.send(2, identify(gateway));
  await client.takeEvent("READY");
  gateway.setRecommendedShards(4);
  const response = await ask(gateway, "/gateway/bot");
  const { url, shards, session_start_limit: limit } = await response.json();
  assertEquals([url, shards, limit.total, limit.remaining, limit.max_concurrency], [
    gateway.gatewayUrl,
    4,
    1000,
    6,
    16,
  ]);
  assert(limit.reset_after > 0 && limit.reset_after <= 60_000);
  for (const name of ["limit", "remaining", "reset", "reset-after", "bucket"]) {
    assert(response.headers.has(`x-ratelimit-${name}`), name);
  }
});

test("LocalGateway refuses a missing or wrong token and a missing prefix with 401", async () => {
  await using gateway = await LocalGateway.start();
  for (const authorization of ["Bot wrong", gateway.token, `Bearer ${gateway.token}`]) {
    const response = await ask(gateway, "/gateway/bot", { headers: { authorization } });
    assertEquals([response.status, await response.json()], [401, { message: "401: Unauthorized", code: 0 }]);
  }
  const response = await fetch(`${gateway.url}/gateway/bot`, { headers: { "user-agent": USER_AGENT } });
  assertEquals(response.status, 401);
  await response.body?.cancel();
  const seen = gateway.httpRequests.map(({ authorization }) => authorization);
  assertEquals(seen, ["wrong", "wrong", "wrong", "missing"]);
  assert(!JSON.stringify(gateway.httpRequests).includes(gateway.token));
});

test("LocalGateway refuses a wrong User-Agent, version, path and method", async () => {
  await using gateway = await LocalGateway.start();
  const statuses: number[] = [];
  for (
    const response of [
      await ask(gateway, "/gateway/bot", { headers: { "user-agent": "curl/8" } }),
      await ask(gateway, "/../v3/gateway/bot"),
      await ask(gateway, "/nothing"),
      await ask(gateway, "/gateway/bot", { method: "POST" }),
    ]
  ) {
    statuses.push(response.status);
    await response.body?.cancel();
  }
  assertEquals(statuses, [403, 400, 404, 405]);
});

test("LocalGateway.rejectHttp answers with a status, JSON or HTML, so many times and where told", async () => {
  await using gateway = await LocalGateway.start();
  gateway.rejectHttp(429, 1, { retryAfter: 0.25 });
  gateway.rejectHttp(429, 1, { retryAfter: 1.5, html: true });
  gateway.rejectHttp(502, 1, { path: "/users" });
  const limited = await ask(gateway, "/gateway/bot");
  assertEquals([limited.status, limited.headers.get("retry-after")], [429, "1"]);
  assertEquals((await limited.json()).retry_after, 0.25);
  const page = await ask(gateway, "/gateway/bot");
  assertEquals([page.status, page.headers.get("retry-after"), page.headers.get("content-type")], [
    429,
    "2",
    "text/html",
  ]);
  assertEquals(page.headers.get("x-ratelimit-limit"), null);
  await page.body?.cancel();
  gateway.rejectHttp(429, 1, { global: true });
  const everywhere = await ask(gateway, "/gateway/bot");
  assertEquals([everywhere.headers.get("x-ratelimit-global"), (await everywhere.json()).global], ["true", true]);
  const through = await ask(gateway, "/gateway/bot");
  assertEquals(through.status, 200);
  await through.body?.cancel();
  const failed = await ask(gateway, "/users/@me");
  assertEquals(failed.status, 502);
  await failed.body?.cancel();
});

test("LocalGateway.dropHttp ends the connection and delayHttp waits", async () => {
  await using gateway = await LocalGateway.start();
  gateway.dropHttp();
  await assertRejects(() => ask(gateway, "/gateway/bot"));
  gateway.delayHttp(60_000);
  const aborted = ask(gateway, "/gateway/bot").then((response) => response.body?.cancel(), () => "gone");
  gateway.delayHttp(0);
  const response = await ask(gateway, "/gateway/bot");
  assertEquals(response.status, 200);
  await response.body?.cancel();
  await gateway[Symbol.asyncDispose]();
  await aborted;
});

test("LocalGateway enforces a route's rate limit per channel", async () => {
  await using gateway = await LocalGateway.start({ rateLimits: { messages: { limit: 2, windowMs: 60_000 } } });
  const post = (channel: string) =>
    ask(gateway, `/channels/${channel}/messages`, { method: "POST", body: { content: "hi" } });
  const remaining: (string | null)[] = [];
  for (const channel of ["1", "1", "2"]) {
    const response = await post(channel);
    remaining.push(response.headers.get("x-ratelimit-remaining"));
    await response.body?.cancel();
  }
  assertEquals(remaining, ["1", "0", "1"]);
  const response = await post("1");
  const body = await response.json();
  assertEquals([response.status, body.global], [429, false]);
  assert(body.retry_after > 0 && body.retry_after <= 60);
  assertEquals(response.headers.get("retry-after"), String(Math.ceil(body.retry_after)));
  assertEquals(gateway.messages.length, 3);
});

test("LocalGateway posts a message, records it and sends it back as an event", async () => {
  await using gateway = await LocalGateway.start();
  const client = await bareClient(gateway);
  client.send(2, identify(gateway));
  await client.takeEvent("GUILD_CREATE");
  const channelId = gateway.guilds[0]?.channels[0]?.id ?? "";
  const posted = gateway.next("message");
  const response = await ask(gateway, `/channels/${channelId}/messages`, { method: "POST", body: { content: "pong" } });
  const message = await response.json();
  assertEquals([response.status, message.content, message.author.id], [200, "pong", gateway.bot.id]);
  assertEquals((await posted).content, "pong");
  const event = await client.takeEvent("MESSAGE_CREATE");
  assertEquals((event.d as { id: string }).id, message.id);
});

test("LocalGateway validates messages", async () => {
  await using gateway = await LocalGateway.start();
  const codes: number[] = [];
  for (const body of [{}, { content: "" }, { content: "x".repeat(2001) }, { content: 1 }, []]) {
    const response = await ask(gateway, "/channels/1/messages", { method: "POST", body });
    assertEquals(response.status, 400);
    codes.push((await response.json()).code);
  }
  assertEquals(codes, [50006, 50006, 50035, 50035, 50035]);
  const response = await ask(gateway, "/channels/x/messages", { method: "POST", body: { content: "hi" } });
  assertEquals([response.status, (await response.json()).code], [404, 10003]);
});

test("LocalGateway registers commands and takes one answer to an interaction", async () => {
  await using gateway = await LocalGateway.start();
  const application = await (await ask(gateway, "/applications/@me")).json();
  const command = { name: "ping", description: "Answers" };
  const registered = await ask(gateway, `/applications/${application.id}/commands`, { method: "PUT", body: [command] });
  const [{ id: commandId }] = await registered.json();
  const client = await bareClient(gateway);
  client.send(2, identify(gateway, { intents: 0 }));
  await client.takeEvent("READY");
  gateway.user("ann").uses("ping");
  const { d } = await client.takeEvent("INTERACTION_CREATE");
  const interaction = d as { id: string; token: string; data: { id: string } };
  assertEquals(interaction.data.id, commandId);
  const callback = `/interactions/${interaction.id}/${interaction.token}/callback`;
  const answer = { type: 4, data: { content: "pong" } };
  const first = await ask(gateway, callback, { method: "POST", body: answer });
  assertEquals(first.status, 204);
  const second = await ask(gateway, callback, { method: "POST", body: answer });
  assertEquals([second.status, (await second.json()).code], [400, 40060]);
  assertEquals(gateway.interactionResponses, [{ interactionId: interaction.id, ...answer }]);
  const unknown = await ask(gateway, "/interactions/1/x/callback", { method: "POST", body: answer });
  assertEquals(unknown.status, 404);
  await unknown.body?.cancel();
});
