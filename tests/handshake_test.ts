import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { DisconnectError } from "../lib/errors.ts";
import { gatewayUrl } from "../lib/handshake.ts";
import { HTTPClient } from "../lib/http_client.ts";
import { test } from "./harness.ts";

/** Answers every connection's request (its head is given) with raw bytes, or not at all. */
async function withServer(
  answer: (head: string, socket: Socket) => Uint8Array | undefined,
  body: (url: string, connected: Promise<Socket>) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const { promise: connected, resolve: connect } = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let head = "";
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      if (head.endsWith("\r\n\r\n")) return;
      head += chunk.toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      connect(socket);
      const bytes = answer(head, socket);
      if (bytes !== undefined) socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body(`ws://127.0.0.1:${(server.address() as { port: number }).port}`, connected);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** The 101 of a handshake, with more in the same bytes. */
function switching(head: string, ...frames: Uint8Array[]): Uint8Array {
  const key = /sec-websocket-key: *(.*)\r\n/i.exec(head)![1];
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), ...frames]);
}

function frame(opcode: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
}

/** Notes what a socket receives until it is closed. */
function listen(socket: WebSocket): Promise<unknown[]> {
  const received: unknown[] = [];
  return new Promise((resolve) => {
    socket.addEventListener("message", ({ data }) => received.push(data));
    socket.addEventListener("close", ({ code }) => resolve([...received, code]), { once: true });
  });
}

const HELLO = frame(1, Buffer.from('{"op":10}'));
const BINARY = frame(2, Buffer.from([1, 2, 3]));
const CLOSE_4004 = frame(8, Buffer.from([0x0f, 0xa4]));

test("gatewayUrl fills in the query of a bare host, one with a slash and one with a query", () => {
  const query = "v=10&encoding=json&compress=zlib-stream";
  const url = (base: string) => gatewayUrl(base, { compress: "zlib-stream" }).href;
  assertEquals(url("wss://gateway.discord.gg"), `wss://gateway.discord.gg/?${query}`);
  assertEquals(url("wss://gateway.discord.gg/"), `wss://gateway.discord.gg/?${query}`);
  assertEquals(url("ws://127.0.0.1:1234/resume/a"), `ws://127.0.0.1:1234/resume/a?${query}`);
  assertEquals(url("wss://gateway.discord.gg/?v=9&encoding=etf"), `wss://gateway.discord.gg/?${query}`);
  assertEquals(url("wss://gateway.discord.gg/?key=a%26b#there"), `wss://gateway.discord.gg/?key=a%26b&${query}`);
});

test("gatewayUrl leaves compression out where there is none", () => {
  assertEquals(gatewayUrl("wss://a").search, "?v=10&encoding=json");
  assertEquals(
    gatewayUrl("wss://a/?compress=zlib-stream", { version: 9, compress: "none" }).search,
    "?v=9&encoding=json",
  );
});

test("gatewayUrl refuses what is not the URL of a gateway", () => {
  assertThrows(() => gatewayUrl("gateway.discord.gg"), TypeError, "must begin with wss: or ws:");
  assertThrows(() => gatewayUrl("https://discord.com"), TypeError, "must begin with wss: or ws:");
  for (const url of ["javascript:alert(1)", "", null, 5, {}, Symbol("wss://a")]) {
    assertThrows(() => gatewayUrl(url as string), TypeError, "must begin with wss: or ws:");
  }
  assertThrows(() => gatewayUrl("wss://a", { version: "10" as never }), TypeError, 'received "10"');
  assertThrows(() => gatewayUrl("wss://a", { version: 0 }), RangeError, "received 0");
  assertThrows(() => gatewayUrl("wss://a", { version: 10.5 }), RangeError, "received 10.5");
  assertThrows(() => gatewayUrl("wss://a", { encoding: "etf" as never }), TypeError, '"etf"');
  assertThrows(() => gatewayUrl("wss://a", { compress: "gzip" as never }), TypeError, '"gzip"');
});

test("HTTPClient.connectToGateway loses no message that comes with the end of the handshake", () =>
  withServer((head) => switching(head, HELLO, BINARY, CLOSE_4004), async (url) => {
    using client = new HTTPClient();
    const socket = await client.connectToGateway({ url });
    const received = await listen(socket);
    assertEquals(received[0], '{"op":10}');
    assertInstanceOf(received[1], ArrayBuffer);
    assertEquals([...new Uint8Array(received[1])], [1, 2, 3]);
    assertEquals(received[2], 4004);
  }));

test("HTTPClient.connectToGateway loses none either where it asks for the URL itself", () =>
  withServer((head) => switching(head, HELLO, CLOSE_4004), async (url) => {
    using client = new HTTPClient({ fetch: () => Promise.resolve(Response.json({ url })) });
    const socket = await client.connectToGateway();
    assertEquals(await listen(socket), ['{"op":10}', 4004]);
  }));

test("HTTPClient.connectToGateway sends the query", async () => {
  let line: string | undefined;
  await withServer((head) => {
    line = head.split("\r\n")[0];
    return switching(head, CLOSE_4004);
  }, async (url) => {
    using client = new HTTPClient();
    await listen(await client.connectToGateway({ url, compress: "zstd-stream", version: 9 }));
  });
  assertEquals(line, "GET /?v=9&encoding=json&compress=zstd-stream HTTP/1.1");
});

test("HTTPClient.connectToGateway rejects where the handshake is refused", () =>
  withServer(
    () => Buffer.from("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    async (url) => {
      using client = new HTTPClient();
      const error = await assertRejects(() => client.connectToGateway({ url }), DisconnectError);
      assert(error.message.startsWith(`Cannot connect to the gateway at ${new URL(url).host}: `), error.message);
      assertEquals(error.code, undefined);
    },
  ));

test("HTTPClient.connectToGateway rejects where the connection ends instead", () =>
  withServer((_head, socket) => void socket.destroy(), async (url) => {
    using client = new HTTPClient();
    await assertRejects(() => client.connectToGateway({ url }), DisconnectError);
  }));

test("HTTPClient.connectToGateway rejects where nobody listens", async () => {
  let gone = "";
  await withServer(() => undefined, (url) => Promise.resolve(void (gone = url)));
  using client = new HTTPClient();
  await assertRejects(() => client.connectToGateway({ url: gone }), DisconnectError);
});

test("HTTPClient.connectToGateway gives up a handshake that is not answered when its signal aborts", () =>
  withServer(() => undefined, async (url, connected) => {
    using client = new HTTPClient();
    const controller = new AbortController();
    const reason = new RangeError("Not needed any more");
    const connecting = client.connectToGateway({ url, signal: controller.signal }).catch((error) => error);
    const ended = once(await connected, "close");
    controller.abort(reason);
    assertStrictEquals(await connecting, reason);
    await ended;
  }));

test("HTTPClient.connectToGateway makes no socket for a signal that has aborted already", async () => {
  let made = 0;
  using client = new HTTPClient({ createWebSocket: (url) => (made++, new WebSocket(url)) });
  const signal = AbortSignal.abort(new RangeError("Not needed any more"));
  await assertRejects(() => client.connectToGateway({ url: "ws://127.0.0.1:9", signal }), RangeError);
  assertEquals(made, 0);
});

test("HTTPClient.connectToGateway gives up a handshake when the client is closed", () =>
  withServer(() => undefined, async (url, connected) => {
    const client = new HTTPClient();
    const connecting = assertRejects(() => client.connectToGateway({ url }), DOMException, "closed");
    const ended = once(await connected, "close");
    client.close();
    assertEquals((await connecting).name, "AbortError");
    await ended;
    assertEquals((await assertRejects(() => client.connectToGateway({ url }), DOMException)).name, "InvalidStateError");
  }));

test("HTTPClient.connectToGateway leaves an open socket to its signal's owner", () =>
  withServer((head) => switching(head), async (url, connected) => {
    const client = new HTTPClient();
    const controller = new AbortController();
    const socket = await client.connectToGateway({ url, signal: controller.signal });
    controller.abort();
    client.close();
    assertEquals(socket.readyState, WebSocket.OPEN);
    const closed = listen(socket);
    (await connected).write(CLOSE_4004);
    assertEquals(await closed, [4004]);
  }));

test("HTTPClient.connectToGateway asks anew for a URL that no longer works", async () => {
  let asked = 0;
  await withServer(
    (head) => asked === 1 ? Buffer.from("HTTP/1.1 520 No\r\n\r\n") : switching(head, CLOSE_4004),
    async (url) => {
      const fetch = () => Promise.resolve(Response.json({ url, asked: ++asked }));
      using client = new HTTPClient({ fetch });
      await assertRejects(() => client.connectToGateway(), DisconnectError);
      for (let i = 0; i < 2; i++) await listen(await client.connectToGateway());
    },
  );
  assertEquals(asked, 2);
});

test("HTTPClient.connectToGateway passes the URL to createWebSocket", () =>
  withServer((head) => switching(head, CLOSE_4004), async (url) => {
    const urls: string[] = [];
    const createWebSocket = (given: string) => {
      urls.push(given);
      return new WebSocket(`${url}/proxied`);
    };
    using client = new HTTPClient({ createWebSocket });
    await listen(await client.connectToGateway({ url: "wss://gateway.discord.gg" }));
    assertEquals(urls, ["wss://gateway.discord.gg/?v=10&encoding=json"]);
  }));

test("HTTPClient.connectToGateway may fail without anybody looking", async () => {
  using client = new HTTPClient();
  client.connectToGateway({ url: "nonsense" });
  await new Promise((resolve) => setTimeout(resolve));
});
