import { LocalGateway } from "@gangway/gateway/testing";
import type { LocalGatewayOptions } from "@gangway/gateway/testing";
import { assert, assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { bareClient, identify } from "./local_gateway_client.ts";
import type { BareClient } from "./local_gateway_client.ts";

interface Started {
  client: BareClient;
  sessionId: string;
  /** The newest sequence number. */
  seq: number;
}

/** A session with one guild, so that the newest number is 2. */
async function start(gateway: LocalGateway): Promise<Started> {
  const client = await bareClient(gateway);
  client.send(2, identify(gateway));
  const ready = await client.takeEvent("READY");
  const guild = await client.takeEvent("GUILD_CREATE");
  return { client, sessionId: (ready.d as { session_id: string }).session_id, seq: guild.s as number };
}

async function resume(gateway: LocalGateway, sessionId: string, seq: number): Promise<BareClient> {
  const client = await bareClient(gateway, "", { url: gateway.resumeUrl });
  await client.take(10);
  client.send(6, { token: gateway.token, session_id: sessionId, seq });
  return client;
}

/** Starts a session, loses its connection, and says three things meanwhile. */
async function interrupted(options: LocalGatewayOptions = {}): Promise<Started & { gateway: LocalGateway }> {
  const gateway = await LocalGateway.start(options);
  const { client, ...session } = await start(gateway);
  gateway.drop();
  await client.closed;
  for (const text of ["one", "two", "three"]) gateway.user("ann").says(text);
  return { gateway, client, ...session };
}

test("LocalGateway replays what was missed, in order, then RESUMED, then live events", async () => {
  const { gateway, sessionId, seq } = await interrupted();
  await using _ = gateway;
  const client = await resume(gateway, sessionId, seq);
  await client.takeEvent("RESUMED");
  gateway.user("ann").says("four");
  await client.takeEvent("MESSAGE_CREATE");
  const dispatches = client.payloads.filter(({ op }) => op === 0);
  assertEquals(dispatches.map(({ s }) => s), [3, 4, 5, 6, 7]);
  assertEquals(dispatches.map(({ t, d }) => t === "RESUMED" ? t : (d as { content: string }).content), [
    "one",
    "two",
    "three",
    "RESUMED",
    "four",
  ]);
  assertEquals(gateway.connections.map(({ via }) => via), ["gateway", "resume"]);
  assertEquals(gateway.resumes.map(({ outcome, seq }) => [outcome, seq]), [["resumed", 2]]);
  assertEquals(gateway.violations, []);
});

test("LocalGateway resumes on the address for new sessions too", async () => {
  const { gateway, sessionId, seq } = await interrupted();
  await using _ = gateway;
  const client = await bareClient(gateway);
  client.send(6, { token: gateway.token, session_id: sessionId, seq });
  await client.takeEvent("RESUMED");
  assertEquals(gateway.violations, []);
});

test("LocalGateway holds live events back while a replay is paused", async () => {
  const { gateway, sessionId, seq } = await interrupted();
  await using _ = gateway;
  gateway.pauseReplayAfter(1);
  const client = await resume(gateway, sessionId, seq);
  await client.takeEvent("MESSAGE_CREATE");
  gateway.user("ann").says("four");
  client.send(1, 3);
  await client.take(11);
  assertEquals(client.payloads.filter(({ op }) => op === 0).length, 1);
  gateway.pauseReplayAfter(null);
  await client.takeEvent("RESUMED");
  assertEquals(client.payloads.filter(({ op }) => op === 0).map(({ s }) => s), [3, 4, 5, 6, 7]);
  assertEquals(gateway.violations, []);
});

test("LocalGateway closes a sequence number that is ahead or was forgotten with 4007", async () => {
  for (const seq of [6, 2]) {
    const { gateway, sessionId } = await interrupted({ replayLimit: 2 });
    await using _ = gateway;
    const client = await resume(gateway, sessionId, seq);
    assertEquals((await client.closed).code, 4007);
    const again = await resume(gateway, sessionId, 5);
    assertEquals((await again.take(9)).d, false);
    assertEquals(gateway.resumes.map(({ outcome }) => outcome), [4007, "invalid session"]);
  }
});

test("LocalGateway answers unknown, expired and wrongly authorized resumes with an invalid session", async () => {
  const { gateway, sessionId, seq } = await interrupted();
  await using _ = gateway;
  const unknown = await resume(gateway, "nothing", seq);
  assertEquals((await unknown.take(9)).d, false);
  const wrong = await bareClient(gateway, "", { url: gateway.resumeUrl });
  wrong.send(6, { token: "wrong", session_id: sessionId, seq });
  assertEquals((await wrong.take(9)).d, false);
  gateway.expireSessions();
  const expired = await resume(gateway, sessionId, seq);
  assertEquals((await expired.take(9)).d, false);
  assertEquals(gateway.violations, []);
});

test("LocalGateway forgets a session after its time to live", async () => {
  const { gateway, sessionId, seq } = await interrupted({ sessionTtlMs: 0 });
  await using _ = gateway;
  const client = await resume(gateway, sessionId, seq);
  assertEquals((await client.take(9)).d, false);
});

test("LocalGateway refuses to resume what the client closed with 1000, and keeps it after 4900", async () => {
  for (const code of [1000, 4900]) {
    await using gateway = await LocalGateway.start();
    const { client, sessionId, seq } = await start(gateway);
    const closed = gateway.next("close");
    client.socket.close(code);
    const record = await closed;
    assertEquals([record.code, record.initiator], [code, "client"]);
    await client.closed;
    const resumed = await resume(gateway, sessionId, seq);
    if (code === 1000) assertEquals((await resumed.take(9)).d, false);
    else await resumed.takeEvent("RESUMED");
    assertEquals(gateway.violations.length, code === 1000 ? 1 : 0);
  }
});

test("LocalGateway closes the old connection when its session is resumed elsewhere", async () => {
  await using gateway = await LocalGateway.start();
  const { client, sessionId, seq } = await start(gateway);
  const resumed = await resume(gateway, sessionId, seq);
  await resumed.takeEvent("RESUMED");
  assertEquals((await client.closed).code, 4000);
  assertEquals(gateway.user("ann").says("hi").content, "hi");
  await resumed.takeEvent("MESSAGE_CREATE");
});

test("LocalGateway.refuseResumes lets a resumable session be resumed on retry", async () => {
  const { gateway, sessionId, seq } = await interrupted();
  await using _ = gateway;
  gateway.refuseResumes(1, { resumable: true });
  const client = await resume(gateway, sessionId, seq);
  assertEquals((await client.take(9)).d, true);
  client.send(6, { token: gateway.token, session_id: sessionId, seq });
  await client.takeEvent("RESUMED");
});

test("LocalGateway.brickResumes drops each connection that resumes", async () => {
  const { gateway, sessionId, seq } = await interrupted();
  await using _ = gateway;
  gateway.brickResumes();
  const bricked = await resume(gateway, sessionId, seq);
  assert([0, 1006].includes((await bricked.closed).code));
  gateway.brickResumes(false);
  const resumed = await resume(gateway, sessionId, seq);
  await resumed.takeEvent("RESUMED");
  assertEquals(gateway.resumes.map(({ outcome }) => outcome), ["dropped", "resumed"]);
});

test("LocalGateway records an IDENTIFY on the address for resuming and a resume with another query", async () => {
  const { gateway, sessionId, seq } = await interrupted({ identifyWindowMs: 0 });
  await using _ = gateway;
  const resumed = await bareClient(gateway, "zlib-stream", { url: gateway.resumeUrl });
  resumed.send(6, { token: gateway.token, session_id: sessionId, seq });
  await resumed.takeEvent("RESUMED");
  const identified = await bareClient(gateway, "", { url: gateway.resumeUrl });
  identified.send(2, identify(gateway));
  await identified.takeEvent("READY");
  assertEquals(gateway.violations.length, 2);
});

test("LocalGateway closes sessions with the codes that end them, and keeps the others", async () => {
  for (const [code, kept] of [[4000, true], [4009, false], [4008, true], [4003, false], [4999, true]] as const) {
    await using gateway = await LocalGateway.start();
    const { client, sessionId, seq } = await start(gateway);
    gateway.disconnect(code, { reason: "test" });
    assertEquals(await client.closed, { code, reason: "test" });
    const resumed = await resume(gateway, sessionId, seq);
    if (kept) await resumed.takeEvent("RESUMED");
    else assertEquals((await resumed.take(9)).d, false);
  }
});
