import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  AddressLimit,
  HTTPBucket,
  INVALID_LIMIT,
  INVALID_WINDOW_MS,
  type RateLimitAnswer,
  readRateLimit,
  routeOf,
} from "../lib/http_bucket.ts";
import { test } from "./harness.ts";

const SILENT: RateLimitAnswer = {
  bucket: null,
  limit: null,
  remaining: 0,
  resetAfterMs: 0,
  blocked: null,
  invalid: false,
};

/** A bucket of 5 a window, of which one has been used at the time 0. */
function bucketOfFive(): HTTPBucket {
  const bucket = new HTTPBucket();
  bucket.take(0);
  bucket.release();
  bucket.learn({ ...SILENT, limit: 5, remaining: 4, resetAfterMs: 1_000 }, 0);
  return bucket;
}

test("routeOf keeps the top-level resource apart and replaces every other id", () => {
  const route = routeOf("GET", "/channels/12/messages/34?limit=1");
  assertEquals(route.key, "GET /channels/:major/messages/:id");
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
  assertEquals(webhook.key, "POST /webhooks/:major/:token/messages/:id");
  assertEquals(webhook.major, "webhooks/1/canary");
  assertEquals(webhook.label, "POST /webhooks/1/[redacted]/messages/2");
  assertEquals(webhook.secret, "canary");
  const interaction = routeOf("POST", "/interactions/1/canary/callback");
  assertEquals(interaction.key, "POST /interactions/:id/:token/callback");
  assertEquals(interaction.major, "");
  assertEquals(interaction.label, "POST /interactions/1/[redacted]/callback");
  assertEquals(routeOf("GET", "/webhooks/1").secret, null);
});

test("routeOf takes all emojis of a reaction for one", () => {
  const path = "/channels/1/messages/2/reactions";
  assertEquals(routeOf("PUT", `${path}/%F0%9F%94%A5/@me`).key, routeOf("PUT", `${path}/name:3/@me`).key);
});

test("readRateLimit reads the headers of a bucket", () => {
  const headers = new Headers({
    "X-RateLimit-Limit": "5",
    "X-RateLimit-Remaining": "3",
    "X-RateLimit-Reset": "1470173023.123",
    "X-RateLimit-Reset-After": "1.25",
    "X-RateLimit-Bucket": "abcd1234",
  });
  assertEquals(readRateLimit(200, headers, {}), {
    bucket: "abcd1234",
    limit: 5,
    remaining: 3,
    resetAfterMs: 1_250,
    blocked: null,
    invalid: false,
  });
});

test("readRateLimit tells no limit from an answer that says nothing of one", () => {
  assertEquals(readRateLimit(200, new Headers(), {}).limit, Infinity);
  assertEquals(readRateLimit(404, new Headers(), {}).limit, Infinity);
  assertEquals(readRateLimit(502, new Headers(), "").limit, null);
  assertEquals(readRateLimit(429, new Headers(), {}).limit, null);
  assertEquals(readRateLimit(200, new Headers({ "X-RateLimit-Limit": "many" }), {}).limit, Infinity);
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

test("HTTPBucket sends one at a time until an answer has told its limit", () => {
  const bucket = new HTTPBucket();
  assertEquals(bucket.waitMs(0), 0);
  bucket.take(0);
  assertEquals(bucket.waitMs(0), Infinity);
  bucket.release();
  bucket.learn(SILENT, 0);
  assertEquals(bucket.waitMs(0), 0);
  bucket.take(0);
  assertEquals(bucket.waitMs(0), Infinity);
  bucket.release();
  bucket.learn({ ...SILENT, limit: Infinity }, 0);
  for (let i = 0; i < 100; i++) {
    assertEquals(bucket.waitMs(0), 0);
    bucket.take(0);
  }
});

test("HTTPBucket sends what is left and waits for the rest of the window", () => {
  const bucket = bucketOfFive();
  for (let i = 0; i < 4; i++) {
    assertEquals(bucket.waitMs(100), 0);
    bucket.take(100);
  }
  assertEquals(bucket.waitMs(100), 900);
  assertEquals(bucket.waitMs(1_000), 0);
});

test("HTTPBucket lets a new window begin with the first request after the old one", () => {
  const bucket = bucketOfFive();
  for (let i = 0; i < 5; i++) {
    assertEquals(bucket.waitMs(5_000), 0);
    bucket.take(5_000);
  }
  // Only the answer tells when this window ends.
  assertEquals(bucket.waitMs(9_000), Infinity);
  bucket.release();
  bucket.learn({ ...SILENT, limit: 5, remaining: 4, resetAfterMs: 1_000 }, 9_000);
  assertEquals(bucket.waitMs(9_000), 1_000);
});

test("HTTPBucket believes the smaller number when answers overtake each other", () => {
  const bucket = bucketOfFive();
  bucket.take(1);
  bucket.take(1);
  bucket.release();
  bucket.learn({ ...SILENT, limit: 5, remaining: 2, resetAfterMs: 990 }, 10);
  bucket.release();
  bucket.learn({ ...SILENT, limit: 5, remaining: 3, resetAfterMs: 990 }, 10);
  bucket.take(10);
  bucket.take(10);
  assertEquals(bucket.waitMs(10), 990);
});

test("HTTPBucket notices requests of other processes", () => {
  const bucket = bucketOfFive();
  bucket.take(1);
  bucket.release();
  bucket.learn({ ...SILENT, limit: 5, remaining: 0, resetAfterMs: 500 }, 1);
  assertEquals(bucket.waitMs(1), 999);
});

test("HTTPBucket goes on when all requests of a window have failed without an answer", () => {
  const bucket = bucketOfFive();
  for (let i = 0; i < 5; i++) bucket.take(2_000);
  assertEquals(bucket.waitMs(2_000), Infinity);
  for (let i = 0; i < 5; i++) bucket.release();
  assertEquals(bucket.waitMs(2_000), 0);
  assert(bucket.isIdle(2_000));
});

test("HTTPBucket waits what a 429 says, whether its limit is known or not", () => {
  const blocked = { what: "bucket", retryAfterMs: 3_000 } as const;
  for (const bucket of [new HTTPBucket(), bucketOfFive()]) {
    bucket.take(0);
    bucket.release();
    bucket.learn({ ...SILENT, blocked }, 0);
    assertEquals(bucket.waitMs(1_000), 2_000);
    assert(!bucket.isIdle(1_000));
    assertEquals(bucket.waitMs(3_000), 0);
    assert(bucket.isIdle(3_000));
  }
});

test("HTTPBucket takes a limit that is told only later", () => {
  const bucket = new HTTPBucket();
  bucket.take(0);
  bucket.release();
  bucket.learn({ ...SILENT, limit: Infinity }, 0);
  bucket.take(1);
  bucket.take(1);
  bucket.release();
  bucket.learn({ ...SILENT, limit: 2, remaining: 1, resetAfterMs: 100 }, 1);
  // The one still under way may not have been counted yet.
  assertEquals(bucket.waitMs(1), 100);
});

test("HTTPBucket never sends more than the limit in a window, whatever the order of answers", () => {
  let seed = 7;
  const random = (): number => (seed = seed * 48_271 % 2_147_483_647) / 2_147_483_647;
  for (let round = 0; round < 200; round++) {
    const bucket = new HTTPBucket();
    const limit = 1 + Math.floor(random() * 5);
    let windowEnd = -1;
    let used = 0;
    const underWay: { arrivesAt: number; answer: RateLimitAnswer | null; sentAt: number }[] = [];
    for (let now = 0; now < 5_000; now += 10) {
      for (const request of underWay.filter(({ arrivesAt }) => arrivesAt <= now)) {
        underWay.splice(underWay.indexOf(request), 1);
        bucket.release();
        if (request.answer !== null) bucket.learn(request.answer, now);
      }
      if (random() < 0.5 || bucket.waitMs(now) > 0) continue;
      bucket.take(now);
      // The server counts at once; its answer takes up to 300 ms and one in ten is lost.
      if (now >= windowEnd) {
        windowEnd = now + 1_000;
        used = 0;
      }
      assert(++used <= limit, `${used} of ${limit} in round ${round}`);
      const answer = { ...SILENT, limit, remaining: limit - used, resetAfterMs: windowEnd - now };
      underWay.push({
        sentAt: now,
        arrivesAt: now + random() * 300,
        answer: underWay.length > 0 && random() < 0.1 ? null : answer,
      });
    }
  }
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
