import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { inspect } from "node:util";
import { BotAuthentication } from "../lib/authentication.ts";
import { InvalidTokenError } from "../lib/errors.ts";
import { HTTPClient } from "../lib/http_client.ts";
import { HTTPError } from "../lib/http_error.ts";
import type { RequestRetry } from "../lib/http_options.ts";
import { VERSION } from "../lib/version.ts";
import config from "../deno.json" with { type: "json" };
import { CANARY } from "./canary.ts";
import { test } from "./harness.ts";

const AUTH = new BotAuthentication(CANARY);
const BOT_INFO = {
  url: "wss://gateway.discord.gg/",
  shards: 2,
  session_start_limit: { total: 1_000, remaining: 999, reset_after: 14_400_000, max_concurrency: 1 },
};

/** A request as a server received it. */
interface Received {
  method: string;
  path: string;
  headers: Record<string, unknown>;
  body: string;
}

type Answer = (request: Received, response: ServerResponse) => void;

/** Runs a test against a real server on this machine. */
async function withServer(
  answer: Answer,
  body: (baseUrl: string, received: Received[]) => Promise<void>,
): Promise<void> {
  const received: Received[] = [];
  const server = createServer(async (message: IncomingMessage, response: ServerResponse) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const { method = "", url = "", headers } = message;
    const request = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
    received.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as { port: number }).port}/api/v10`, received);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Runs a test against a server that begins to answer at most, and tells when a request has come. */
function withArrival(
  begin: (response: ServerResponse) => void,
  body: (baseUrl: string, arrived: Promise<void>) => Promise<void>,
): Promise<void> {
  const { promise: arrived, resolve } = Promise.withResolvers<void>();
  const answer: Answer = (_request, response) => {
    begin(response);
    resolve();
  };
  return withServer(answer, (baseUrl) => body(baseUrl, arrived));
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

type Clock = ReturnType<typeof FakeTimers.install>;
type Script = (() => Response | Promise<Response>)[];

/** Runs a test with fake time and a client that gets scripted answers, the last one again and again. */
async function withScript(
  script: Script,
  body: (client: HTTPClient, clock: Clock, requests: { at: number; url: string }[]) => Promise<void>,
): Promise<void> {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const requests: { at: number; url: string }[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      init.signal?.throwIfAborted();
      requests.push({ at: performance.now(), url });
      return await script[Math.min(requests.length, script.length) - 1]!();
    };
    using client = new HTTPClient({ fetch });
    await body(client, clock, requests);
    assertEquals(clock.countTimers(), 0);
  } finally {
    clock.uninstall();
  }
}

function answer(status: number, body: unknown = {}, headers: Record<string, string> = {}): () => Response {
  return () => new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
}

/** Everything that an error could show: what runtimes print of it, and its causes and properties. */
function shown(error: unknown): string {
  const { Deno, Bun } = globalThis as unknown as Record<string, { inspect(value: unknown, options?: object): string }>;
  const parts = [
    String(error),
    inspect(error, { depth: 10, getters: true, showHidden: true }),
    (Deno ?? Bun)!.inspect(error, { depth: 10, getters: true, showHidden: true }),
  ];
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    parts.push(`${cause.message} ${cause.stack} ${JSON.stringify(cause)} ${JSON.stringify(Object.entries(cause))}`);
  }
  return parts.join("\n");
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return await promise.then(() => assert(false, "did not reject"), (error) => error) as unknown as Error;
}

test("VERSION is the one of deno.json", () => {
  assertEquals(VERSION, config.version);
});

test("HTTPClient posts a message as Discord wants it", () =>
  withServer((_request, response) => json(response, 200, { id: "2", content: "pong" }), async (baseUrl, received) => {
    using client = new HTTPClient({ baseUrl, userAgent: "PingPong/1.0" });
    const message = await client.createMessage(AUTH, "1", { content: "pong 🏓" });
    assertEquals(message.content, "pong");
    const { method, path, headers, body } = received[0]!;
    assertEquals([method, path], ["POST", "/api/v10/channels/1/messages"]);
    assertEquals(headers.authorization, `Bot ${CANARY}`);
    assertEquals(headers["user-agent"], `DiscordBot (https://jsr.io/@gangway/gateway, ${VERSION}) PingPong/1.0`);
    assertEquals(headers["content-type"], "application/json");
    assertEquals(JSON.parse(body), { content: "pong 🏓" });
  }));

test("HTTPClient.createMessage refuses a channel id that could lead elsewhere", async () => {
  using client = new HTTPClient({ fetch: () => Promise.reject(new Error("Asked")) });
  for (const id of ["", "1/../2", "@me", "1?x", 1 as never]) {
    await assertRejects(() => client.createMessage(AUTH, id, { content: "" }), TypeError, "must be a snowflake");
  }
});

test("HTTPClient rejects who is no BotAuthentication, asks nobody, and takes it for no wrong token", async () => {
  let asked = 0;
  using client = new HTTPClient({ fetch: () => (asked++, Promise.resolve(Response.json({}, { status: 401 }))) });
  for (const wrong of [CANARY, undefined, null, 5, {}, { token: CANARY, authorization: CANARY }] as never[]) {
    for (
      const ask of [
        () => client.getGatewayBot(wrong),
        () => client.createMessage(wrong, "1", {}),
        ...(wrong === undefined ? [] : [() => client.request("GET", "/a", { auth: wrong })]),
      ]
    ) {
      const error = await assertRejects(ask, TypeError, "must be a BotAuthentication");
      assert(!shown(error).includes("canary"));
    }
  }
  assertEquals(asked, 0);
  for (let i = 1; i <= 2; i++) {
    assertInstanceOf(await rejection(client.request("GET", "/a")), HTTPError);
    assertEquals(asked, i);
  }
});

test("HTTPClient refuses options of another type when it is made", () => {
  const wrong = {
    baseUrl: [5, null, new URL("https://a")],
    userAgent: [5, null, {}],
    fetch: ["fetch", {}, null],
    createWebSocket: [WebSocket.prototype, 5, null],
    requestTimeoutMs: ["5", 5n, null, {}],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of [...values, Symbol("wrong")]) {
      assertThrows(() => new HTTPClient({ [name]: value }), TypeError, "", `${name} ${String(value)}`);
    }
  }
  for (const requestTimeoutMs of [0, -1, NaN, Infinity, 2 ** 31]) {
    assertThrows(() => new HTTPClient({ requestTimeoutMs }), RangeError, "requestTimeoutMs");
  }
  assertThrows(() => new HTTPClient(null as never), TypeError, "options");
});

test("HTTPClient rejects arguments of another type, and never throws them", async () => {
  using client = new HTTPClient({ fetch: () => Promise.reject(new Error("Asked")) });
  const all = (options: never) => [
    () => client.getGateway(options),
    () => client.getGatewayBot(AUTH, options),
    () => client.createMessage(AUTH, "1", {}, options),
    () => client.request("GET", "/a", options),
    () => client.connectToGateway(options),
  ];
  for (const options of [null, 5, "x", { signal: 5 }, { signal: null }] as never[]) {
    for (const call of all(options)) await assertRejects(call, TypeError);
  }
  for (const method of ["", "A B", 5, null, CANARY] as never[]) {
    const error = await assertRejects(() => client.request(method, "/a"), TypeError, "the method");
    assert(!shown(error).includes("canary"));
  }
  await assertRejects(() => client.request("GET", "/a", { onRetry: 5 as never }), TypeError, "onRetry");
});

test("HTTPClient quotes no wrong argument that could be a token", async () => {
  const errors = [
    () => new HTTPClient({ userAgent: `${CANARY}\n` }),
    () => new HTTPClient({ baseUrl: CANARY }),
    () => new HTTPClient({ baseUrl: `${CANARY.replaceAll("_", "")}://x` }),
    () => new HTTPClient({ requestTimeoutMs: CANARY as never }),
  ].map((make) => assertThrows(make, TypeError) as Error);
  using client = new HTTPClient({ fetch: () => Promise.resolve(Response.json({}, { status: 404 })) });
  errors.push(
    await rejection(client.createMessage(AUTH, CANARY, {})),
    await rejection(client.request("GET", `/users/${CANARY}`)),
    await rejection(client.request("GET", "/a", { auth: AUTH, headers: { authorization: `${CANARY}\n` } })),
    await rejection(client.request("GET", "/short-canary", { auth: new BotAuthentication("short-canary") })),
    await rejection(client.connectToGateway({ url: CANARY })),
    await rejection(client.connectToGateway({ url: "wss://a", compress: CANARY as never })),
  );
  for (const error of errors) assert(!shown(error).includes("canary"), shown(error));
});

test("HTTPClient takes a token out of an answer also where JSON writes it with escapes", async () => {
  const token = 'quote"back\\slash/canary';
  const escaped = [...token].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  const bodies = [
    `{"message":"${escaped}","code":1,"${escaped}":["${escaped}"]}`,
    JSON.stringify({ message: token, errors: { [token]: [token] } }),
    `<html>${JSON.stringify(token)}`,
  ];
  const auth = new BotAuthentication(token);
  for (const body of bodies) {
    using client = new HTTPClient({ fetch: () => Promise.resolve(new Response(body, { status: 403 })) });
    const error = await rejection(client.createMessage(auth, "1", {})) as HTTPError;
    assert(!`${shown(error)} ${JSON.stringify(error.body)}`.includes("canary"), shown(error));
    using other = new HTTPClient({ fetch: () => Promise.resolve(new Response(body)) });
    const shape = await rejection(other.getGatewayBot(auth)) as HTTPError;
    assert(!`${shown(shape)} ${JSON.stringify(shape.body)}`.includes("canary"), shown(shape));
  }
});

test("HTTPClient.getGatewayBot gives what Discord answers", () =>
  withServer((_request, response) => json(response, 200, BOT_INFO), async (baseUrl, received) => {
    using client = new HTTPClient({ baseUrl: `${baseUrl}/` });
    assertEquals(await client.getGatewayBot(AUTH), BOT_INFO);
    assertEquals([received[0]!.method, received[0]!.path], ["GET", "/api/v10/gateway/bot"]);
    assertEquals(received[0]!.headers["content-type"], undefined);
  }));

test("HTTPClient.getGatewayBot refuses an answer of another shape", async () => {
  const wrong: [unknown, string][] = [
    [undefined, "url"],
    [null, "url"],
    [[], "url"],
    [{ ...BOT_INFO, url: "https://discord.com" }, "url"],
    [{ ...BOT_INFO, shards: 0 }, "shards"],
    [{ ...BOT_INFO, shards: "2" }, "shards"],
    [{ ...BOT_INFO, shards: 1e9 }, "shards"],
    [{ ...BOT_INFO, session_start_limit: null }, "max_concurrency"],
    [{ ...BOT_INFO, session_start_limit: { ...BOT_INFO.session_start_limit, max_concurrency: 0 } }, "max_concurrency"],
    [{ ...BOT_INFO, session_start_limit: { ...BOT_INFO.session_start_limit, remaining: -1 } }, "remaining"],
    [{ ...BOT_INFO, session_start_limit: { ...BOT_INFO.session_start_limit, reset_after: 0.5 } }, "reset_after"],
  ];
  for (const [body, name] of wrong) {
    using client = new HTTPClient({ fetch: () => Promise.resolve(new Response(JSON.stringify(body))) });
    const error = await assertRejects(() => client.getGatewayBot(AUTH), HTTPError, name);
    assertStringIncludes(error.message, "Cannot use the answer to GET /gateway/bot: ");
    assertEquals(error.status, 200);
  }
});

test("HTTPClient.getGateway asks once, without a token, and again on request", () =>
  withServer(
    (_request, response) => json(response, 200, { url: "wss://gateway.discord.gg" }),
    async (baseUrl, received) => {
      using client = new HTTPClient({ baseUrl });
      assertEquals(await client.getGateway(), { url: "wss://gateway.discord.gg" });
      await client.getGateway();
      assertEquals(received.length, 1);
      assertEquals(received[0]!.headers.authorization, undefined);
      await client.getGateway({ refresh: true });
      assertEquals(received.length, 2);
    },
  ));

test("HTTPClient.request sends headers, a reason and no body, and takes an empty answer", () =>
  withServer((_request, response) => response.writeHead(204).end(), async (baseUrl, received) => {
    using client = new HTTPClient({ baseUrl });
    const headers = { "x-test": "1", "user-agent": "Other", authorization: "Other" };
    const options = { auth: AUTH, headers, reason: "Spam & more 🏓\ud800" };
    assertEquals(await client.request("delete", "/channels/1/messages/2?a=%2F", options), undefined);
    const request = received[0]!;
    assertEquals([request.method, request.path, request.body], ["DELETE", "/api/v10/channels/1/messages/2?a=%2F", ""]);
    assertEquals(request.headers["x-test"], "1");
    assertEquals(request.headers["x-audit-log-reason"], "Spam%20%26%20more%20%F0%9F%8F%93%EF%BF%BD");
    assertEquals(request.headers.authorization, `Bot ${CANARY}`);
    assertStringIncludes(`${request.headers["user-agent"]}`, "DiscordBot (");
  }));

test("HTTPClient.request refuses a path that could lead elsewhere", async () => {
  using client = new HTTPClient({ fetch: () => Promise.reject(new Error("Asked")) });
  const paths = [
    "",
    "a",
    "//evil.example",
    "/..",
    "/a/../b",
    "/a/%2E%2e/b",
    "/a/.%2e",
    "/./a",
    "/a\\..\\b",
    "/a#b",
    "/a b",
  ];
  paths.push("/a\t/b", "/a\n", "\\\\evil", "@evil.example/", "https://evil.example/", undefined as never);
  for (const path of paths) {
    await assertRejects(() => client.request("GET", path), TypeError, "Cannot send a request: the path ");
  }
  await assertRejects(() => client.request("GET", "/a", { body: {} }), TypeError, "GET has no body");
});

test("HTTPClient refuses a base URL that is none", () => {
  for (
    const baseUrl of ["discord.com", "ftp://discord.com", "http://u:canary@a", "http://a/?canary", "http://a/#canary"]
  ) {
    const error = assertThrows(() => new HTTPClient({ baseUrl }), TypeError, "Cannot use the base URL: it ");
    assert(!error.message.includes("canary"));
  }
  assertThrows(() => new HTTPClient({ userAgent: "a\r\nb: c" }), TypeError, "Cannot use the user agent");
});

test("HTTPClient does not follow a redirect", async () => {
  let followed = 0;
  await withServer((_request, response) => json(response, 200, { at: ++followed }), async (elsewhere) => {
    await withServer(
      (_request, response) => response.writeHead(302, { location: elsewhere }).end(),
      async (baseUrl) => {
        using client = new HTTPClient({ baseUrl });
        const error = await assertRejects(() => client.getGatewayBot(AUTH), HTTPError, "redirects are not followed");
        assertEquals(error.status, 302);
      },
    );
  });
  assertEquals(followed, 0);
});

test("HTTPError says what Discord says", () =>
  withServer((_request, response) => {
    json(response, 400, { code: 50_035, message: "Invalid Form Body", errors: { content: {} } });
  }, async (baseUrl) => {
    using client = new HTTPClient({ baseUrl });
    const error = await assertRejects(() => client.createMessage(AUTH, "1", {}), HTTPError);
    assertEquals(
      error.message,
      "Cannot POST /channels/1/messages: answered with 400: Invalid Form Body (50035)",
    );
    assertEquals([error.name, error.status, error.code], ["HTTPError", 400, 50_035]);
    assertEquals(error.body, { code: 50_035, message: "Invalid Form Body", errors: { content: {} } });
  }));

test("HTTPError keeps a body that is not JSON, within bounds", async () => {
  await withScript([answer(403, "<html>".repeat(1_000))], async (client) => {
    const error = await assertRejects(() => client.request("GET", "/a"), HTTPError, "answered with 403");
    assertEquals((error.body as string).length, 2_001);
    assertEquals(error.code, undefined);
  });
  await withScript([answer(200, "<html>")], async (client) => {
    const error = await assertRejects(() => client.request("GET", "/a"), HTTPError, "the answer is not JSON");
    assertEquals([error.status, error.body], [200, "<html>"]);
  });
});

test("HTTPClient.getGatewayBot rejects a wrong token at once, and never asks with it again", () =>
  withServer(
    (_request, response) => json(response, 401, { message: "401: Unauthorized", code: 0 }),
    async (baseUrl, received) => {
      using client = new HTTPClient({ baseUrl });
      const error = await assertRejects(() => client.getGatewayBot(AUTH), InvalidTokenError, "Reset Token");
      assertInstanceOf(error.cause, HTTPError);
      assertEquals(error.cause.status, 401);
      const again = [
        client.getGatewayBot(new BotAuthentication(CANARY)),
        client.createMessage(AUTH, "1", { content: "" }),
      ];
      for (const promise of again) assertInstanceOf(await rejection(promise), InvalidTokenError);
      assertEquals(received.length, 1);
      assertEquals(client.invalidResponses, 1);
      await assertRejects(() => client.getGatewayBot(new BotAuthentication("another")), InvalidTokenError);
      assertEquals(received.length, 2);
    },
  ));

test("HTTPClient does not send what waited behind a wrong token", () =>
  withScript([answer(401)], async (client, _clock, requests) => {
    const posts = Array.from({ length: 5 }, () => client.createMessage(AUTH, "1", { content: "" }));
    for (const promise of posts) assertInstanceOf(await rejection(promise), InvalidTokenError);
    assertEquals(requests.length, 1);
  }));

test("HTTPClient takes a 401 for an interaction's token as being about that one", () =>
  withScript([answer(401, { code: 50_027, message: "Invalid Webhook Token" }), answer(200)], async (client) => {
    const error = await rejection(client.request("POST", "/interactions/1/secret/callback", { auth: AUTH, body: {} }));
    assertInstanceOf(error, HTTPError);
    assertEquals(error.message.includes("secret"), false);
    assertEquals(await client.createMessage(AUTH, "1", { content: "" }) as unknown, {});
  }));

test("HTTPClient tries a GET again after faults of the server and the network, with its signal as the only end", () => {
  const fault = () => Promise.reject(new TypeError("Connection refused"));
  return withScript(
    [fault, answer(502, "<html>"), answer(503), fault, answer(200, BOT_INFO)],
    async (client, clock, requests) => {
      const retries: RequestRetry[] = [];
      const asked = client.getGatewayBot(AUTH, { onRetry: (retry) => retries.push(retry) });
      await clock.tickAsync(60_000);
      assertEquals(await asked, BOT_INFO);
      assertEquals(requests.length, 5);
      assertEquals(retries.map(({ attempt }) => attempt), [1, 2, 3, 4]);
      assertEquals(retries.map(({ error }) => error.message), [
        "Cannot GET /gateway/bot: Connection refused",
        "Cannot GET /gateway/bot: answered with 502",
        "Cannot GET /gateway/bot: answered with 503",
        "Cannot GET /gateway/bot: Connection refused",
      ]);
      retries.forEach(({ delayMs, attempt }) => assert(delayMs >= 0 && delayMs <= 1_000 * 2 ** (attempt - 1)));
    },
  );
});

test("HTTPClient.getGatewayBot ends its retries when the signal aborts", () =>
  withScript([answer(502)], async (client, clock, requests) => {
    const controller = new AbortController();
    const reason = new RangeError("Not needed any more");
    const asked = rejection(client.getGatewayBot(AUTH, { signal: controller.signal }));
    await clock.tickAsync(3_600_000);
    assert(requests.length > 60);
    controller.abort(reason);
    assertStrictEquals(await asked, reason);
  }));

test("HTTPClient does not do twice what is not a GET, unless told to", async () => {
  await withScript([answer(502), answer(200)], async (client, _clock, requests) => {
    await assertRejects(() => client.createMessage(AUTH, "1", { content: "" }), HTTPError, "answered with 502");
    assertEquals(requests.length, 1);
  });
  await withScript([() => Promise.reject(new Error("Reset"))], async (client, _clock, requests) => {
    await assertRejects(() => client.createMessage(AUTH, "1", { content: "" }), TypeError, "Reset");
    await assertRejects(() => client.request("GET", "/a", { retry: false }), TypeError, "Cannot GET /a: Reset");
    assertEquals(requests.length, 2);
  });
  await withScript([answer(502), answer(200)], async (client, clock, requests) => {
    const done = client.request("PUT", "/a", { retry: true });
    await clock.tickAsync(1_000);
    await done;
    assertEquals(requests.length, 2);
  });
});

test("HTTPClient waits what a 429 says and tries again", () => {
  const limited = answer(429, { message: "You are being rate limited.", retry_after: 1.5, global: false }, {
    "Retry-After": "1",
    "X-RateLimit-Scope": "user",
  });
  return withScript([limited, answer(200)], async (client, clock, requests) => {
    const retries: RequestRetry[] = [];
    const done = client.request("POST", "/a", { onRetry: (retry) => retries.push(retry) });
    await clock.tickAsync(1_499);
    assertEquals(requests.length, 1);
    await clock.tickAsync(1);
    await done;
    assertEquals(requests.map(({ at }) => at - requests[0]!.at), [0, 1_500]);
    assertEquals(retries.map(({ delayMs }) => delayMs), [1_500]);
    assertEquals(client.invalidResponses, 1);
  });
});

test("HTTPClient takes a 429 in HTML", () =>
  withScript(
    [answer(429, "<html>error code: 1015</html>", { "Retry-After": "3" }), answer(200)],
    async (client, clock, requests) => {
      const limited = client.request("POST", "/a");
      await clock.tickAsync(0);
      // The proxy means the address: nothing else goes either.
      const other = client.request("POST", "/b");
      await clock.tickAsync(2_999);
      assertEquals(requests.length, 1);
      await clock.tickAsync(1);
      await Promise.all([limited, other]);
      assertEquals(requests.length, 3);
    },
  ));

test("HTTPClient gives up after the sixth 429 what is not to be tried again", () =>
  withScript(
    [answer(429, { message: "You are being rate limited.", retry_after: 1 })],
    async (client, clock, requests) => {
      const done = rejection(client.createMessage(AUTH, "1", { content: "" }));
      await clock.tickAsync(10_000);
      const error = await done;
      assertInstanceOf(error, HTTPError);
      assertEquals(error.status, 429);
      assertEquals(requests.length, 6);
    },
  ));

test("HTTPClient.getGatewayBot waits for as long as it is answered with 429, and backs off where that says no time", () => {
  const script = Array.from({ length: 20 }, (_, i) => answer(429, { retry_after: i < 10 ? 1 : 0 }));
  return withScript([...script, answer(200, BOT_INFO)], async (client, clock, requests) => {
    const retries: RequestRetry[] = [];
    const asked = client.getGatewayBot(AUTH, { onRetry: (retry) => retries.push(retry) });
    await clock.tickAsync(1_200_000);
    assertEquals([await asked, requests.length], [BOT_INFO, 21]);
    assert(retries.slice(0, 5).every(({ delayMs }) => delayMs === 1_000));
    assert(requests.at(-1)!.at > 15_000);
  });
});

for (const [what, retryAfter] of [["negative", -5], ["no number", "x"], ["an object", {}], ["null", null]] as const) {
  test(`HTTPClient waits five seconds where what a 429 says to wait is ${what}`, () =>
    withScript([answer(429, { retry_after: retryAfter }), answer(200)], async (client, clock, requests) => {
      const done = client.request("GET", "/a");
      await clock.tickAsync(4_999);
      assertEquals(requests.length, 1);
      await clock.tickAsync(1);
      await done;
    }));
}

test("HTTPClient waits a day at most before it asks again, whatever an answer says", async () => {
  const day = 86_400_000;
  const headers = { "x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "1e12" };
  for (const [first, wait] of [[answer(429, { retry_after: 1e12 }), day], [answer(200, {}, headers), day]] as const) {
    await withScript([first, answer(200)], async (client, clock, requests) => {
      const done = Promise.all([client.request("GET", "/a"), client.request("GET", "/a").catch(() => {})]);
      await clock.tickAsync(wait - 1);
      assertEquals(requests.length, 1);
      await clock.tickAsync(1);
      await done;
    });
  }
});

test("HTTPClient lets an exhausted bucket wait, in order, and others go", () => {
  const left: Record<string, number> = {};
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const sent: string[] = [];
  const fetch = (url: string, init: RequestInit) => {
    const channel = /channels\/(\d+)/.exec(url)![1]!;
    sent.push(`${channel}:${JSON.parse(`${init.body}`).content}`);
    left[channel] = ((left[channel] ?? 2) + 1) % 3;
    return Promise.resolve(Response.json({}, {
      headers: {
        "X-RateLimit-Limit": "3",
        "X-RateLimit-Remaining": `${2 - left[channel]}`,
        "X-RateLimit-Reset-After": "2",
        "X-RateLimit-Bucket": "abcd",
      },
    }));
  };
  const run = async () => {
    using client = new HTTPClient({ fetch });
    const posts = ["a", "b", "c", "d", "e"].map((content) => client.createMessage(AUTH, "1", { content }));
    await clock.tickAsync(0);
    posts.push(client.createMessage(AUTH, "2", { content: "x" }));
    await clock.tickAsync(1_999);
    assertEquals(sent, ["1:a", "1:b", "1:c", "2:x"]);
    await clock.tickAsync(1);
    await Promise.all(posts);
    assertEquals(sent, ["1:a", "1:b", "1:c", "2:x", "1:d", "1:e"]);
    assertEquals(clock.countTimers(), 0);
  };
  return run().finally(() => clock.uninstall());
});

test("HTTPClient ends an attempt that is not answered", () =>
  withServer(() => {}, async (baseUrl) => {
    using client = new HTTPClient({ baseUrl, requestTimeoutMs: 50 });
    const error = await assertRejects(() => client.createMessage(AUTH, "1", { content: "" }), TypeError);
    assertEquals(error.message, "Cannot POST /channels/1/messages: No answer within 50 ms");
    assertEquals((error.cause as Error).name, "TimeoutError");
  }));

test("HTTPClient ends a request under way with its signal's reason", () =>
  withArrival((response) => response.writeHead(200).write("{"), async (baseUrl, arrived) => {
    using client = new HTTPClient({ baseUrl });
    const controller = new AbortController();
    const reason = new RangeError("Not needed any more");
    const asked = rejection(client.getGatewayBot(AUTH, { signal: controller.signal }));
    await arrived;
    controller.abort(reason);
    assertStrictEquals(await asked, reason);
    assertStrictEquals(await rejection(client.getGatewayBot(AUTH, { signal: controller.signal })), reason);
  }));

test("HTTPClient takes an answer that breaks off for a fault of the network", () =>
  withServer((_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("{", () => response.destroy());
  }, async (baseUrl) => {
    using client = new HTTPClient({ baseUrl });
    await assertRejects(() => client.request("GET", "/a", { retry: false }), TypeError, "Cannot GET /a: ");
  }));

test("HTTPClient.close ends what is under way and refuses the rest", () =>
  withArrival(() => {}, async (baseUrl, arrived) => {
    const client = new HTTPClient({ baseUrl });
    const asked = rejection(client.getGatewayBot(AUTH));
    await arrived;
    client.close();
    client.close();
    assertEquals((await asked).name, "AbortError");
    for (const promise of [client.getGatewayBot(AUTH), client.getGateway(), client.createMessage(AUTH, "1", {})]) {
      assertEquals((await rejection(promise)).name, "InvalidStateError");
    }
  }));

test("HTTPClient.close ends the waiting for a rate limit and for a retry", () =>
  withScript([answer(429, { retry_after: 3_600 })], async (client, clock) => {
    const asked = [rejection(client.getGatewayBot(AUTH)), rejection(client.getGatewayBot(AUTH))];
    await clock.tickAsync(1_000);
    client.close();
    for (const promise of asked) assertEquals((await promise).name, "AbortError");
  }));

test("HTTPClient may fail without anybody looking", async () => {
  using client = new HTTPClient({ fetch: () => Promise.reject(new Error("Reset")) });
  client.createMessage(AUTH, "1", { content: "" });
  client.request("GET", "nonsense");
  client.getGatewayBot(AUTH);
  await new Promise((resolve) => setTimeout(resolve));
});

test("HTTPClient shows no token, neither the bot's nor one in a path, in any error", async () => {
  const echo = (status: number) =>
    answer(status, { message: `Bot ${CANARY} webhook-canary`, code: 1, errors: [CANARY] });
  const thrown = Object.assign(new Error(`Failed: Bot ${CANARY} webhook-canary`), {
    name: CANARY,
    code: CANARY,
    path: `/webhooks/1/webhook-canary`,
    request: { headers: { authorization: `Bot ${CANARY}` } },
    cause: new Error(CANARY),
  });
  const scripts: Script = [
    echo(400),
    echo(401),
    echo(403),
    echo(500),
    answer(200, `<html>${CANARY} webhook-canary`),
    answer(404, `<html>${CANARY} webhook-canary`),
    () => Promise.reject(thrown),
    () => Promise.reject(CANARY),
  ];
  for (const script of scripts) {
    for (const path of ["/webhooks/1/webhook-canary?wait=true", "/channels/1"]) {
      using client = new HTTPClient({ fetch: async () => await script() });
      const error = await rejection(client.request("POST", path, { auth: AUTH, body: { AUTH } }));
      assertInstanceOf(error, Error);
      const text = shown(error);
      assert(!text.includes(CANARY), text);
      if (path.startsWith("/webhooks")) assert(!text.includes("webhook-canary"), text);
      assert(!shown(client).includes("canary"));
    }
  }
});

test("HTTPClient shows no token where the network itself fails", async () => {
  let gone = "";
  await withServer(() => {}, (baseUrl) => Promise.resolve(void (gone = baseUrl)));
  using client = new HTTPClient({ baseUrl: gone });
  const error = await rejection(client.request("POST", "/webhooks/1/webhook-canary", { auth: AUTH }));
  assertInstanceOf(error, TypeError);
  // What the runtime says of the reason is kept.
  assertMatch(shown(error), /refused|ECONNREFUSED/);
  assert(!shown(error).includes("canary"), shown(error));
});

test("HTTPClient reads every body to its end and keeps the connection", () => {
  let connections = 0;
  const seen = new Set<unknown>();
  return withServer((_request, response) => {
    if (!seen.has(response.socket)) connections++;
    seen.add(response.socket);
    json(response, 404, { message: "Unknown Channel", code: 10_003, padding: "x".repeat(100_000) });
  }, async (baseUrl) => {
    using client = new HTTPClient({ baseUrl });
    for (let i = 0; i < 20; i++) await rejection(client.request("GET", "/channels/1"));
    assertEquals(connections, 1);
  });
});
