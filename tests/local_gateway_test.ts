import { LocalGateway } from "@gangway/gateway/testing";
import { assert, assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { bareClient, identify } from "./local_gateway_client.ts";

test("LocalGateway answers /gateway/bot and starts a session", async () => {
  await using gateway = await LocalGateway.start();
  const client = await bareClient(gateway, "zlib-stream");
  const hello = await client.take(10);
  assertEquals((hello.d as { heartbeat_interval: number }).heartbeat_interval, 41_250);
  client.send(1, null);
  await client.take(11);
  client.send(2, identify(gateway));
  const ready = await client.take(0);
  assertEquals([ready.t, ready.s], ["READY", 1]);
  const guild = await client.take(0);
  assertEquals([guild.t, guild.s], ["GUILD_CREATE", 2]);
  gateway.user("ann").says("ping");
  const message = await client.take(0);
  assertEquals((message.d as { content: string }).content, "ping");
  assertEquals(gateway.violations, []);
  assert(gateway.identifies[0]?.outcome === "ready");
});
