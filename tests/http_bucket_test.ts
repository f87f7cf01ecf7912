import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  AddressLimit,
  INVALID_LIMIT,
  INVALID_WINDOW_MS,
  type RateLimitAnswer,
  readRateLimit,
  routeOf,
} from "../lib/http_bucket.ts";
import { test } from "./harness.ts";

const SILENT: RateLimitAnswer = { bucket: null, waitMs: 0, blocked: null, invalid: false };

test("routeOf keeps the top-level resource apart and replaces every other id", () => {
  const route = routeOf("GET", "/channels/12/messages/34?limit=1");
  assertEquals(route.key, "GET /channels/:id/messages/:id");
  assertEquals(route.major, "channels/12/");
  assertEquals(route.label, "GET /channels/12/messages/34");
  assertEquals(route.secret, null);
  assertEquals(routeOf("GET", "/channels/12/messages/35").key, route.key);
  assertNotEquals(routeOf("DELETE", "/channels/12/messages/34").key, route.key);
  assertNotEquals(routeOf("GET", "/channels/13/messages/34").major, route.major);
  assertNotEquals(routeOf("GET", "/guilds/12").major, route.major);
  assertEquals(routeOf("GET", "/users/12").key, "GET /users/:id");
  assertEquals(routeOf("GET", "/users/12").major, "");
  assertEquals(routeOf("GET", "/gateway/bot").key, "GET /gateway/bot");
  assertEquals(routeOf("GET", "/").key, "GET /");
});

test("routeOf shows no token of a webhook or an interaction", () => {
  const webhook = routeOf("POST", "/webhooks/1/canary/messages/2?wait=true");
  assertEquals(webhook.key, "POST /webhooks/:id/[redacted]/messages/:id");
  assertEquals(webhook.major, "webhooks/1/canary");
  assertEquals(webhook.label, "POST /webhooks/1/[redacted]/messages/2");
  assertEquals(webhook.secret, "canary");
  const interaction = routeOf("POST", "/interactions/1/canary/callback");
  assertEquals(interaction.key, "POST /interactions/:id/[redacted]/callback");
  assertEquals(interaction.major, "interactions/1/canary");
  assertEquals(interaction.label, "POST /interactions/1/[redacted]/callback");
  assertEquals(routeOf("GET", "/webhooks/1").secret, null);
});

test("routeOf takes all emojis of a reaction for one", () => {
  const path = "/channels/1/messages/2/reactions";
  assertEquals(routeOf("PUT", `${path}/%F0%9F%94%A5/@me`).key, routeOf("PUT", `${path}/name:3/@me`).key);
});

test("readRateLimit reads the headers of a bucket", () => {
  const read = (remaining: string, resetAfter: string) =>
    readRateLimit(
      200,
      new Headers({
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": "1470173023.123",
        "X-RateLimit-Reset-After": resetAfter,
        "X-RateLimit-Bucket": "abcd1234",
      }),
      {},
    );
  assertEquals(read("0", "1.25"), { bucket: "abcd1234", waitMs: 1_250, blocked: null, invalid: false });
  assertEquals(read("3", "1.25").waitMs, 0);
  assertEquals(read("0", "soon").waitMs, 0);
});

test("readRateLimit tells no wait from an answer that says nothing of one", () => {
  for (const status of [200, 404, 502]) assertEquals(readRateLimit(status, new Headers(), {}), SILENT);
});

test("readRateLimit takes the longer of what the header and the body of a 429 say", () => {
  const blocked = (headers: Record<string, string>, body: unknown) =>
    readRateLimit(429, new Headers(headers), body).blocked;
  assertEquals(blocked({ "Retry-After": "2" }, { retry_after: 1.5 }), { what: "bucket", retryAfterMs: 2_000 });
  assertEquals(blocked({ "Retry-After": "1" }, { retry_after: 1.5 }), { what: "bucket", retryAfterMs: 1_500 });
  assertEquals(blocked({}, { retry_after: 0 }), { what: "bucket", retryAfterMs: 0 });
  assertEquals(blocked({ "X-RateLimit-Reset-After": "3" }, {}), { what: "bucket", retryAfterMs: 3_000 });
  assertEquals(blocked({ "Retry-After": "soon" }, { retry_after: "-1" }), { what: "bucket", retryAfterMs: 5_000 });
});

test("readRateLimit tells what a 429 holds up", () => {
  const what = (headers: Record<string, string>, body: unknown) =>
    readRateLimit(429, new Headers(headers), body).blocked?.what;
  assertEquals(what({ "X-RateLimit-Scope": "user" }, {}), "bucket");
  assertEquals(what({ "X-RateLimit-Scope": "shared" }, {}), "bucket");
  assertEquals(what({ "X-RateLimit-Scope": "global" }, {}), "bot");
  assertEquals(what({ "X-RateLimit-Global": "true" }, {}), "bot");
  assertEquals(what({}, { global: true }), "bot");
  assertEquals(what({ "Retry-After": "60" }, "<html>error code: 1015</html>"), "address");
  assertEquals(what({}, undefined), "address");
});

test("readRateLimit knows which answers count against the address", () => {
  const shared = new Headers({ "X-RateLimit-Scope": "shared" });
  for (const status of [401, 403, 429]) assert(readRateLimit(status, new Headers(), {}).invalid);
  for (const status of [200, 400, 404, 500]) assert(!readRateLimit(status, new Headers(), {}).invalid);
  assert(!readRateLimit(429, shared, {}).invalid);
});

test("AddressLimit pauses everything when the proxy asks for it", () => {
  const address = new AddressLimit();
  assertEquals(address.waitMs(0), 0);
  address.learn({ ...SILENT, blocked: { what: "address", retryAfterMs: 60_000 } }, 0);
  address.learn({ ...SILENT, blocked: { what: "bucket", retryAfterMs: 99_000 } }, 0);
  assertEquals(address.waitMs(1_000), 59_000);
  assertEquals(address.waitMs(60_000), 0);
});

test("AddressLimit stays away from the ban in every 10 minutes", () => {
  const address = new AddressLimit();
  const invalid = { ...SILENT, invalid: true };
  const sent: number[] = [];
  for (let now = 0; now < 3 * INVALID_WINDOW_MS; now += 20) {
    // Quiet at first, so that two bursts meet where two windows do.
    if ((now > 0 && now < INVALID_WINDOW_MS / 2) || address.waitMs(now) > 0) continue;
    address.learn(invalid, now);
    sent.push(now);
  }
  assert(sent.length > INVALID_LIMIT);
  for (let i = INVALID_LIMIT; i < sent.length; i++) assert(sent[i]! - sent[i - INVALID_LIMIT]! >= INVALID_WINDOW_MS);
  assertEquals(address.invalid(4 * INVALID_WINDOW_MS), 0);
  address.learn(SILENT, 4 * INVALID_WINDOW_MS);
  assertEquals(address.invalid(4 * INVALID_WINDOW_MS), 0);
});
