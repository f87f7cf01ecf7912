import { assertEquals, assertStrictEquals } from "@std/assert";
import { Connection } from "../lib/connection.ts";
import { DisconnectError } from "../lib/errors.ts";
import type { HTTPClient } from "../lib/http_client.ts";
import { ShardCore } from "../lib/shard_core.ts";
import { TimesPer } from "../lib/times_per.ts";
import { test } from "./harness.ts";

/** What a connection is made with, and how many sockets were asked for. */
async function parts() {
  const limiter = new TimesPer(1, 5);
  const opened: (string | undefined)[] = [];
  const httpClient = {
    connectToGateway: ({ url }: { url?: string }) => {
      opened.push(url);
      return new Promise(() => {});
    },
  } as unknown as HTTPClient;
  const core = new ShardCore(
    { shardId: 0, shardCount: 1, intents: 0, token: "ok", identifyRateLimiter: limiter, httpClient },
    {},
  );
  const permit = await limiter.acquire({ shardId: 0, shardCount: 1 });
  return { core, permit, opened, limiter };
}

test("Connection whose signal is aborted already opens no socket and gives its permit back", async () => {
  const { core, permit, opened, limiter } = await parts();
  const signal = AbortSignal.abort(new Error("Closed"));
  const connection = new Connection(core, { url: "wss://a", onResumeUrl: false, permit, signal });
  assertStrictEquals(await connection.run().catch((error) => error), signal.reason);
  assertEquals(opened, []);
  using _ = await limiter.acquire({ shardId: 0, shardCount: 1 });
});

test("Connection that was given up before it ran opens no socket, and another giving up changes nothing", async () => {
  const { core, permit, opened } = await parts();
  const { signal } = new AbortController();
  const connection = new Connection(core, { url: "wss://a", onResumeUrl: false, permit, signal });
  const reason = new DisconnectError("First");
  connection.giveUp(reason);
  connection.giveUp(new DisconnectError("Second"));
  const { error, life } = await connection.run();
  assertEquals([error, life.greeted, opened], [reason, false, []]);
});
