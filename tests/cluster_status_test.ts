import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Board } from "../lib/cluster/board.ts";
import { type ClusterStatus, clusterStatus, clusterStatusHandler, type NatsConnection } from "../lib/cluster/mod.ts";
import type { StatusHandler } from "../lib/status/mod.ts";
import { ClusterRig, connectTo, natsTest, until } from "./cluster/rig.ts";
import { launchChromium, readAxe, WITHOUT_CHROMIUM } from "./chromium.ts";
import { Flow } from "./cluster/flow.ts";
import { runtime, test } from "./harness.ts";
import { HERE } from "./status_rig.ts";
import { serveStatus } from "./status_server.ts";

const TOKEN = "let-me-in";

/** Where nothing is asked of it. */
const NO_NATS = {} as NatsConnection;

function get(handler: StatusHandler, path: string, init: RequestInit = {}, host = "localhost:8080"): Promise<Response> {
  return handler(new Request(`http://${host}${path}`, init), HERE);
}

// deno-lint-ignore no-explicit-any -- the tests compare it
async function json(handler: StatusHandler, path: string): Promise<any> {
  return await (await get(handler, path)).json();
}

async function metricsOf(handler: StatusHandler): Promise<Map<string, number>> {
  const text = await (await get(handler, "/metrics")).text();
  const samples = text.trim().split("\n").filter((line) => !line.startsWith("#"));
  return new Map(samples.map((line) => {
    const end = line.lastIndexOf(" ");
    return [line.slice(0, end), Number(line.slice(end + 1))];
  }));
}

test("clusterStatusHandler answers those only who may be told", async () => {
  using open = clusterStatusHandler({ nats: NO_NATS });
  assertEquals((await get(open, "/", {}, "bot.example")).status, 403);
  assertEquals((await get(open, "/", { headers: { "x-forwarded-for": "192.0.2.1" } })).status, 403);
  assertEquals((await get(open, "/nothing")).status, 404);
  assertEquals((await get(open, "/status", { method: "POST" })).status, 405);
  using locked = clusterStatusHandler({ nats: NO_NATS, token: TOKEN, allowRemote: true, basePath: "/cluster" });
  for (const path of ["/view", "/status", "/metrics", "/readyz"]) {
    assertEquals((await get(locked, `/cluster${path}`, {}, "bot.example")).status, 401);
  }
  const page = await get(locked, "/cluster/", {}, "bot.example");
  assertEquals(page.status, 200);
  assertStringIncludes(page.headers.get("content-security-policy") ?? "", "script-src 'sha256-");
  assertEquals(page.headers.get("cache-control"), "no-store");
  assertEquals(/ (on\w+|style)=/.test(await page.text()), false);
  const headers = { authorization: `Bearer ${TOKEN}` };
  assertEquals((await get(locked, "/cluster/metrics", { headers }, "bot.example")).status, 200);
});

test("clusterStatusHandler refuses what could not work, and ends with its signal", async () => {
  assertThrows(() => clusterStatusHandler({ nats: NO_NATS, app: "a.b" }), TypeError, "app");
  assertThrows(() => clusterStatusHandler({ nats: NO_NATS, token: "two words" }), TypeError, "the token must be");
  assertThrows(() => clusterStatusHandler({ nats: NO_NATS, basePath: "x" }), TypeError, "basePath must begin");
  const ending = new AbortController();
  const handler = clusterStatusHandler({ nats: NO_NATS, signal: ending.signal });
  assertEquals((await get(handler, "/healthz")).status, 200);
  ending.abort();
  assertEquals((await get(handler, "/healthz")).status, 503);
});

test("clusterStatusHandler says that the cluster cannot be seen", async () => {
  using handler = clusterStatusHandler({ nats: NO_NATS });
  for (const path of ["/view", "/status", "/readyz"]) {
    const response = await get(handler, path);
    assertEquals(response.status, 503);
    assertStringIncludes((await response.json()).error, "The cluster cannot be seen");
  }
  assertEquals(await metricsOf(handler), new Map([["gangway_cluster_up", 0]]));
  assertEquals((await get(handler, "/healthz")).status, 200);
});

natsTest("clusterStatusHandler shows nodes, leases, the identify limit and how far workers are", async (server) => {
  await using rig = await ClusterRig.start(server);
  using handler = clusterStatusHandler({ nats: await rig.connect() });
  const one = await rig.addNode({ name: "one" });
  await rig.addNode({ name: "other" });
  const worker = await rig.makeWorker();
  await worker.connect();
  await rig.ready(4);
  const flow = new Flow(rig.gateway);
  for (let count = 0; count < 20; count++) flow.send();
  const isReady = async () => (await get(handler, "/readyz")).status === 200;
  await until(isReady);
  assertEquals(await json(handler, "/readyz"), { ready: true, shards: { total: 4, ready: 4 }, notReady: [] });

  const status: ClusterStatus = await json(handler, "/status");
  assertEquals([status.shardCount, status.generation, status.rescalingTo], [4, 1, null]);
  assertEquals(status.nodes.map(({ name, shards, ready }) => [name, shards, ready]).sort(), [["one", 2, 2], [
    "other",
    2,
    2,
  ]]);
  for (const { leaseLeftMs } of status.nodes) assert(leaseLeftMs !== null && leaseLeftMs > 0 && leaseLeftMs <= 3_000);
  for (const { ageMs, pending, notReady } of status.leases) {
    assert(ageMs !== null && pending !== null);
    assertEquals(notReady, []);
  }

  const metrics = await metricsOf(handler);
  assertEquals(metrics.get("gangway_cluster_up"), 1);
  assertEquals(metrics.get("gangway_cluster_nodes"), 2);
  assertEquals(metrics.get("gangway_cluster_shards_ready"), 4);
  assertEquals(metrics.get(`gangway_cluster_leases{node="${one.id}",name="one"}`), 2);
  assertEquals(metrics.get("gangway_cluster_identify_waiting"), 0);
  assertGreaterOrEqual(metrics.get("gangway_cluster_identifies_remaining") ?? -1, 0);
  assertGreaterOrEqual(metrics.get('gangway_cluster_stream_lag{group="workers"}') ?? -1, 0);

  const view = await json(handler, "/view");
  assertEquals([view.ready, view.leases.length, view.leasesLeftOut, view.streams.count], [4, 4, 0, 4]);

  await one.close();
  await until(async () => (await json(handler, "/status")).nodes.length === 1 && await isReady());
});

natsTest("clusterStatusHandler says which shards are not ready, and makes nothing by looking", async (server) => {
  await using connection = await connectTo(server);
  const { nats } = connection;
  using empty = clusterStatusHandler({ nats });
  assertEquals(await json(empty, "/readyz"), { ready: false, shards: { total: 0, ready: 0 }, notReady: [] });
  assertEquals(await Board.find(nats, "gangway_bot", 1_000), null);

  // A node that stands still: it is on the board and does not answer.
  await using board = await Board.open(nats, "gangway_bot", { timeoutMs: 1_000 });
  await board.write("plan", { shardCount: 3, shardsPerLease: 1, generation: 1, latest: 1, next: null, previous: null });
  await board.write("node.still-1", { name: "still", joinedAt: 1, leaving: false, renewals: 1 });
  await board.write("lease.1.0", { node: "still-1", epoch: 1, state: "running" });
  await board.write("lease.1.1", { node: "gone-1", epoch: 1, state: "running" });
  using handler = clusterStatusHandler({ nats });
  const none = { node: null, phase: null, reason: "no node owns it" };
  assertEquals(await json(handler, "/readyz"), {
    ready: false,
    shards: { total: 3, ready: 0 },
    notReady: [
      { shard: 0, node: "still", phase: null, reason: "its node does not answer" },
      { shard: 1, ...none },
      { shard: 2, ...none },
    ],
  });
  const metrics = await metricsOf(handler);
  assertEquals(metrics.get('gangway_cluster_node_up{node="still-1",name="still"}'), 0);
  assertEquals(metrics.get("gangway_cluster_leases_unowned"), 2);
});

natsTest("clusterStatusHandler looks once for many viewers", async (server) => {
  await using rig = await ClusterRig.start(server);
  await rig.addNode();
  await rig.ready(4);
  const nats = await rig.connect();
  const before = nats.stats().outMsgs;
  await clusterStatus({ nats });
  const single = nats.stats().outMsgs - before;
  using handler = clusterStatusHandler({ nats });
  const bodies = await Promise.all(Array.from({ length: 20 }, () => json(handler, "/status")));
  assertLess(nats.stats().outMsgs - before, 4 * single);
  for (const body of bodies) assertEquals(body, bodies[0]);
});

natsTest(
  "clusterStatusHandler's page follows the cluster, behind its token, without accessibility violation",
  async (server) => {
    await using rig = await ClusterRig.start(server);
    await using http = serveStatus(clusterStatusHandler({ nats: await rig.connect(), token: TOKEN }));
    await using browser = await launchChromium();
    const page = await browser.newPage();
    const errors: unknown[] = [];
    page.on("pageerror", (error) => errors.push(error));
    const reads = (selector: string, text: string) =>
      page.locator(selector).filter({ hasText: text }).first().waitFor();
    await page.goto(http.url);
    await page.locator("#token").fill(TOKEN);
    await page.locator("#login button").click();
    await reads("#problem", "No node has joined yet");
    await rig.addNode({ name: "one" });
    await reads("#ready", "4 of 4");
    await reads("#nodes tr", "here");
    await reads("#leases tr", "ready");
    await page.evaluate(readAxe());
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate("axe.run()") as { violations: { id: string }[] };
      assertEquals(violations.map(({ id }) => id), []);
    }
    assertEquals(errors, []);
  },
  { timeoutMs: 120_000, skip: WITHOUT_CHROMIUM || runtime === "bun" && "the page is the same, and Deno shows it" },
);

test("clusterStatusHandler answers through the runtime's server", async () => {
  await using http = serveStatus(clusterStatusHandler({ nats: NO_NATS }));
  assertEquals(await (await fetch(`${http.url}healthz`)).json(), { alive: true });
  const page = await fetch(http.url);
  assertStringIncludes(await page.text(), "Cluster status");
});
