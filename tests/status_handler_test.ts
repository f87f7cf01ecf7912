import { statusHandler } from "@gangway/gateway/status";
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "./harness.ts";
import { fakeTime } from "./shard_rig.ts";
import { captureErrors } from "./shard_manager_rig.ts";
import { StatusReader, statusRig } from "./status_rig.ts";

const TOKEN = "let-me-in";

test("statusHandler answers each path with its type and without being stored", async () => {
  await using status = await statusRig({ memory: true });
  const types = { "/": "text/html", "/events": "text/event-stream", "/history": "application/json" };
  const others = { "/metrics": "text/plain; version=0.0.4", "/healthz": "application/json" };
  for (const [path, type] of Object.entries({ ...types, ...others })) {
    const response = await status.get(path);
    assertEquals(response.status, 200, path);
    assertStringIncludes(response.headers.get("content-type") ?? "", type);
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    assertEquals(response.headers.get("access-control-allow-origin"), null);
    assertStringIncludes(response.headers.get("content-security-policy") ?? "", "default-src 'none'");
    assert((await response.text()).length > 0);
  }
});

test("statusHandler answers HEAD without a body, other methods with 405 and other paths with 404", async () => {
  await using status = await statusRig({ memory: true });
  for (const path of ["/", "/events", "/metrics", "/readyz"]) {
    const response = await status.get(path, { method: "HEAD" });
    assertEquals([response.status, await response.text()], [path === "/readyz" ? 503 : 200, ""]);
  }
  const post = await status.get("/healthz", { method: "POST", body: "x" });
  assertEquals([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  for (const path of ["/status", "/metrics/", "//", "/events/1"]) assertEquals((await status.get(path)).status, 404);
  for (const query of ["?shard=0", "?shard=x", "?shard="]) {
    assertEquals((await status.get(`/history${query}`)).status, 404);
  }
});

test("statusHandler's page allows its own script and style and no other", async () => {
  await using status = await statusRig({ memory: true });
  const response = await status.get("/");
  const policy = response.headers.get("content-security-policy") ?? "";
  const page = await response.text();
  for (const [name, directive] of [["script", "script-src"], ["style", "style-src"]]) {
    const texts = [...page.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, "g"))].map(([, text]) => text ?? "");
    assertEquals(texts.length, 1);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(texts[0]));
    const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
    assertStringIncludes(policy, `${directive} 'sha256-${hash}'`);
  }
  assertEquals(/ (on\w+|style)=/.test(page), false);
  assertEquals(policy.includes("unsafe"), false);
});

test("statusHandler works under a path, and leads to it", async () => {
  await using status = await statusRig({ memory: true, status: { basePath: "/bot/status" } });
  assertEquals((await status.get("/bot/status/healthz")).status, 200);
  const bare = await status.get("/bot/status");
  assertEquals([bare.status, bare.headers.get("location")], [308, "/bot/status/"]);
  for (const path of ["/", "/healthz", "/bot/statushealthz"]) assertEquals((await status.get(path)).status, 404);
});

test("statusHandler refuses what could not work", async () => {
  await using status = await statusRig({ memory: true });
  for (const basePath of ["status", "//evil.example", "/a?b", ""]) {
    assertThrows(() => statusHandler(status.rig.manager, { basePath }), TypeError, "basePath must begin");
  }
  for (const token of ["", "two words", "ümlaut"]) {
    assertThrows(() => statusHandler(status.rig.manager, { token }), TypeError, "the token must be");
  }
});

test("statusHandler wants the token for everything in which there is something", async () => {
  await using status = await statusRig({ memory: true, status: { token: TOKEN } });
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  for (const path of ["/events", "/history", "/metrics", "/readyz"]) {
    for (const init of [{}, bearer("wrong"), bearer(`${TOKEN}x`), { headers: { authorization: TOKEN } }]) {
      const response = await status.get(path, init);
      assertEquals([response.status, response.headers.get("www-authenticate")], [401, 'Bearer realm="status"']);
      assertEquals((await response.text()).includes(TOKEN), false);
    }
    assertEquals((await status.get(`${path}?token=${TOKEN}`)).status, 401);
    assertEquals((await status.get(path, bearer(TOKEN))).status, path === "/readyz" ? 503 : 200);
  }
  for (const path of ["/", "/healthz"]) assertEquals((await status.get(path)).status, 200);
});

test("statusHandler says when all shards are ready, and which are not", async () => {
  using time = fakeTime();
  await using status = await statusRig({ memory: true, gateway: { shards: 2 } });
  assertEquals(await status.json("/readyz"), { ready: false, shards: { total: 0, ready: 0 }, notReady: [] });
  void status.rig.manager.connect();
  await time.pass(1_000);
  const response = await status.get("/readyz");
  assertEquals(response.status, 503);
  assertEquals(await response.json(), {
    ready: false,
    shards: { total: 2, ready: 1 },
    notReady: [{ shard: 1, phase: "waiting", reason: null }],
  });
  await time.pass(6_000);
  assertEquals((await status.get("/readyz")).status, 200);
  status.rig.gateway.rejectUpgrade(503, 100);
  status.rig.gateway.disconnect(4000, { shardId: 1 });
  // By then it has tried to reconnect at least once, which is within a second; on the normal URL if more often.
  await time.pass(1_100);
  const [waiting, ...others] = (await status.json("/readyz")).notReady;
  assertEquals([waiting.shard, waiting.phase, others], [1, "backing_off", []]);
  assertMatch(
    waiting.reason,
    /^Cannot connect to the gateway at (resume|gateway)\.local\.invalid: the WebSocket handshake failed$/,
  );
});

test("statusHandler has neither the token nor the content of events in anything", async () => {
  using time = fakeTime();
  await using status = await statusRig({ memory: true, gateway: { token: "MTk4.secret-canary" } });
  void status.rig.manager.connect();
  await time.pass(1_000);
  const reader = new StatusReader(await status.get("/events"));
  status.rig.gateway.user("Ann").says("content-canary");
  status.rig.gateway.disconnect(4000);
  await time.pass(6_000);
  await reader.cancel();
  const seen = reader.messages.map((message) => JSON.stringify(message));
  assert(seen.some((text) => text.includes('"step":true')));
  for (const path of ["/", "/history", "/history?shard=0", "/metrics", "/readyz", "/healthz"]) {
    const response = await status.get(path);
    seen.push(JSON.stringify([...response.headers]), await response.text());
  }
  for (const text of seen) assertEquals(/canary/.test(text), false);
});

test("statusHandler answers with 503 and leaves no timer once it is disposed of or its signal aborts", async () => {
  for (const end of ["dispose", "abort"]) {
    using time = fakeTime();
    const ending = new AbortController();
    await using status = await statusRig({ memory: true, status: { signal: ending.signal } });
    void status.rig.manager.connect();
    await time.pass(1_000);
    const reader = new StatusReader(await status.get("/events"));
    await reader.next();
    const before = time.timers();
    if (end === "dispose") status.handler[Symbol.dispose]();
    else ending.abort();
    assertEquals(time.timers(), before - 1);
    assertEquals(await reader.next(), null);
    for (const path of ["/", "/events", "/healthz"]) assertEquals((await status.get(path)).status, 503);
    // A second time is as good as once, and what the manager does no longer matters.
    status.handler[Symbol.dispose]();
    status.rig.gateway.disconnect(4000);
    await time.pass(10_000);
    assertEquals((await status.get("/metrics")).status, 503);
  }
});

test("statusHandler keeps nobody from being told of a critical error", async () => {
  using errors = captureErrors();
  await using status = await statusRig({ memory: true, token: "wrong", deaf: true });
  const error = await status.rig.manager.connect().catch((error) => error);
  assertEquals(errors.printed, [error]);
  const { summary } = (await new StatusReader(await status.get("/events")).next())?.data ?? {};
  assertMatch(summary.failure, /token/i);
  assertEquals(summary.alive, false);
});
