import type { StatusOptions } from "@gangway/gateway/status";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type ConnectionInfo, isLoopbackAddress, isLoopbackHost, remoteReason } from "../lib/status/access.ts";
import { test } from "./harness.ts";
import { statusRig } from "./status_rig.ts";

const LOCAL = "http://localhost:8080/";

function deno(hostname: string): ConnectionInfo {
  return { remoteAddr: { transport: "tcp", hostname } };
}

function bun(address: string | null): ConnectionInfo {
  return { requestIP: () => address === null ? null : { address } };
}

test("isLoopbackAddress and isLoopbackHost know this machine and nothing that looks like it", () => {
  const addresses = ["127.0.0.1", "127.255.0.9", "::1", "[::1]", "::ffff:127.0.0.1", "::1%lo"];
  for (const address of addresses) assertEquals([address, isLoopbackAddress(address)], [address, true]);
  const others = ["128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "127.0.0.1.example", "", "1127.0.0.1"];
  for (const address of others) assertEquals([address, isLoopbackAddress(address)], [address, false]);
  const hosts = ["localhost", "LOCALHOST:80", "bot.localhost:1", "localhost.", "127.0.0.1:8080", "[::1]:8080"];
  for (const host of hosts) assertEquals([host, isLoopbackHost(host)], [host, true]);
  const names = ["localhost.example", "example.com:8080", "mylocalhost", "127.0.0.1.nip.io", "[::2]:80", "", "0.0.0.0"];
  for (const host of names) assertEquals([host, isLoopbackHost(host)], [host, false]);
});

test("remoteReason lets in whom the server knows to be on this machine", () => {
  const request = new Request(LOCAL);
  for (const connection of [deno("127.0.0.1"), deno("::1"), bun("::ffff:127.0.0.1"), bun("127.0.0.1")]) {
    assertEquals(remoteReason(request, connection, false), null);
  }
  assertEquals(remoteReason(request, { remoteAddr: { transport: "unix" } }, false), null);
  for (const connection of [deno("192.168.0.2"), bun("10.0.0.1"), bun("fe80::1")]) {
    assertEquals(remoteReason(request, connection, true), "the request comes from another machine");
  }
});

test("remoteReason takes no Host for where a request comes from, and looks at it nevertheless", () => {
  for (const connection of [undefined, null, {}, bun(null), { env: {} }]) {
    assertStringIncludes(remoteReason(new Request(LOCAL), connection, false) ?? "", "does not tell where");
    assertEquals(remoteReason(new Request(LOCAL), connection, true), null);
    assertEquals(remoteReason(new Request("http://192.168.0.2/"), connection, true), "the Host is not this machine's");
  }
  const rebound = new Request("http://rebound.example:8080/");
  assertEquals(remoteReason(rebound, deno("127.0.0.1"), false), "the Host is not this machine's");
});

test("statusHandler behind a router that does not hand on who asks wants a token, or to be told", async () => {
  const token = "let-me-in";
  const headers = { authorization: `Bearer ${token}` };
  const asked = async (options: StatusOptions, init: RequestInit = {}) => {
    await using status = await statusRig({ memory: true, status: options });
    return (await status.handler(new Request("http://localhost/metrics", init))).status;
  };
  assertEquals(await asked({}), 403);
  assertEquals(await asked({ token }), 401);
  assertEquals(await asked({ token }, { headers }), 200);
  assertEquals(await asked({ allowRemote: true }), 200);
});

test("remoteReason does not take a proxy on this machine for its visitors", () => {
  for (const name of ["forwarded", "x-forwarded-for", "x-real-ip", "via"]) {
    const request = new Request(LOCAL, { headers: { [name]: "127.0.0.1" } });
    assertEquals(remoteReason(request, deno("127.0.0.1"), true), "the request was forwarded by a proxy");
  }
});

test("statusHandler answers other machines only where it is told to", async () => {
  await using status = await statusRig({ memory: true });
  await using open = await statusRig({ memory: true, status: { allowRemote: true, token: "let-me-in" } });
  for (const path of ["/", "/healthz", "/metrics", "/nothing"]) {
    const refused = await status.handler(new Request(`http://localhost${path}`), bun("10.0.0.1"));
    assertEquals([refused.status, Object.keys(await refused.json())], [403, ["error"]]);
  }
  const request = new Request("http://bot.example/metrics");
  assertEquals((await open.handler(request, bun("10.0.0.1"))).status, 401);
  request.headers.set("authorization", "Bearer let-me-in");
  assertEquals((await open.handler(request, bun("10.0.0.1"))).status, 200);
});
