import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "./harness.ts";
import { StatusReader, statusRig } from "./status_rig.ts";
import { serveStatus } from "./status_server.ts";

/** What a server answers to a request with a Host of its own, which `fetch` does not send. */
async function answerTo(url: string, host: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  try {
    await once(socket, "connect");
    socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const [data] = await once(socket, "data");
    return String(data).split("\r\n", 1)[0] ?? "";
  } finally {
    const closed = once(socket, "close");
    socket.destroy();
    await closed;
  }
}

test("statusHandler answers on the runtime's own server, and refuses names that lead here", async () => {
  await using status = await statusRig();
  await using server = serveStatus(status.handler);
  for (const [path, code] of [["", 200], ["metrics", 200], ["healthz", 200], ["readyz", 503], ["nothing", 404]]) {
    const response = await fetch(`${server.url}${path}`);
    await response.body?.cancel();
    assertEquals([path, response.status], [path as string, code as number]);
  }
  assertEquals(await answerTo(server.url, "localhost"), "HTTP/1.1 200 OK");
  assertEquals(await answerTo(server.url, "rebound.example"), "HTTP/1.1 403 Forbidden");
});

test("statusHandler streams over a socket, and ends with the manager", async () => {
  await using status = await statusRig({ unlimited: true, gateway: { shards: 2 } });
  await using server = serveStatus(status.handler);
  await status.rig.up();
  const reader = new StatusReader(await fetch(`${server.url}events`));
  assertEquals((await reader.next())?.name, "snapshot");
  status.rig.gateway.disconnect(4000, { shardId: 1 });
  const { shards } = await reader.until(({ shards }) => shards[0]?.resumes === 1);
  assertEquals([shards[0].id, shards[0].last.code], [1, 4000]);
  await status.rig.manager.close();
  for (let message = await reader.next(); message !== null; message = await reader.next());
  assertEquals(
    (await fetch(`${server.url}events`).then((response) => response.text())).includes('"alive":false'),
    true,
  );
});

/** The same stream, and a word once nobody reads it any more. */
function watched(response: Response, onCancel: () => void): Response {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      await reader.cancel(reason);
      onCancel();
    },
  });
  return new Response(stream, response);
}

test("statusHandler forgets whoever goes away", async () => {
  await using status = await statusRig({ unlimited: true });
  let left = 100;
  const gone = Promise.withResolvers<void>();
  await using server = serveStatus(async (request, connection) => {
    const response = await status.handler(request, connection);
    if (response.status !== 200) return response;
    return watched(response, () => {
      if (--left === 0) gone.resolve();
    });
  });
  await status.rig.up();
  const { port } = new URL(server.url);
  // As many as there may be: one more gets an answer only once they are gone.
  const sockets = Array.from({ length: left }, () => connect(Number(port), "127.0.0.1"));
  await Promise.all(sockets.map(async (socket) => {
    await once(socket, "connect");
    socket.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "data");
    socket.pause();
  }));
  const full = await fetch(`${server.url}events`);
  assertEquals([full.status, full.headers.get("retry-after")], [503, "10"]);
  await full.body?.cancel();
  const closed = sockets.map((socket) => once(socket, "close"));
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  // The server learns of it in its own time.
  await gone.promise;
  const next = await fetch(`${server.url}events`);
  assertEquals(next.status, 200);
  await next.body?.cancel();
});
