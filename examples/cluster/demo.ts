/**
 * A whole cluster on this machine: NATS, a Discord, two nodes and two workers, one of whose nodes is killed while
 * messages flow. Every message asks for an answer; in the end the answers are counted.
 *
 *     deno task cluster
 *     bun run examples/cluster/demo.ts
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { clusterStatus } from "@gangway/gateway/cluster";
import { LocalGateway } from "@gangway/gateway/testing";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findNatsServer, NATS_SERVER_HINT, NatsServer } from "../../scripts/nats_server.ts";

const SHARDS = 4;
const PER_SECOND = 200;
const LEASE_MS = 2_000;
/** How long anything may take, in milliseconds. */
const DEADLINE_MS = 30_000;

const children = new Set<ChildProcess>();

function start(script: string, name: string, gateway: LocalGateway, server: NatsServer): ChildProcess {
  const path = fileURLToPath(new URL(`${script}.ts`, import.meta.url));
  const run = "Bun" in globalThis ? ["run"] : ["run", "-A", "--quiet"];
  const child = spawn(process.execPath, [...run, path], {
    env: {
      ...process.env,
      DISCORD_TOKEN: gateway.token,
      GANGWAY_API_URL: gateway.url,
      NATS_URL: server.url,
      NODE_NAME: name,
      LEASE_MS: String(LEASE_MS),
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!await check()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
    await delay(50);
  }
}

/** Messages that ask for an answer, from somebody in every guild in turn. */
function ask(gateway: LocalGateway): { stop: () => number } {
  let asked = 0;
  const timer = setInterval(() => {
    const channelId = gateway.guilds[asked % SHARDS]?.channels[0]?.id;
    gateway.user("Ann").says(`ping ${++asked}`, { channelId });
  }, 1_000 / PER_SECOND);
  return {
    stop: () => {
      clearInterval(timer);
      return asked;
    },
  };
}

async function showOwners(nats: NatsConnection): Promise<void> {
  const { nodes, leases } = await clusterStatus({ nats });
  for (const { id, name } of nodes) {
    const shardIds = leases.filter(({ node }) => node === id).flatMap(({ shardIds }) => shardIds);
    console.log(`         ${name} owns ${shardIds.length === 0 ? "nothing" : `shards ${shardIds.join(", ")}`}`);
  }
}

async function play(gateway: LocalGateway, server: NatsServer, nats: NatsConnection): Promise<boolean> {
  const [one] = [start("node", "node-1", gateway, server), start("node", "node-2", gateway, server)];
  for (const name of ["worker-1", "worker-2"]) start("worker", name, gateway, server);
  await until("both nodes own shards", async () => {
    const { nodes } = await clusterStatus({ nats });
    return nodes.length === 2 && nodes.every(({ shards }) => shards === SHARDS / 2);
  });
  await until("all shards are usable", () => gateway.openConnections === SHARDS && gateway.identifies.length >= SHARDS);
  await until("the workers are there", async () => (await clusterStatus({ nats })).lag.length >= SHARDS);
  await delay(500);
  console.log(`\n${SHARDS} shards, 2 nodes and 2 workers; ${PER_SECOND} messages a second ask for an answer`);
  await showOwners(nats);
  const asking = ask(gateway);
  await delay(2_000);

  console.log("\nkill -9  node-1");
  one?.kill("SIGKILL");
  const before = gateway.resumes.length;
  await until("node-2 has taken over", () => gateway.resumes.length - before >= SHARDS / 2);
  await showOwners(nats);
  await delay(2_000);
  const asked = asking.stop();
  const answers = () => gateway.messages.map(({ content }) => content);
  await until("all are answered", () => new Set(answers()).size >= asked).catch(console.error);
  const lost = asked - new Set(answers()).size;
  const doubled = answers().length - new Set(answers()).size;
  console.log(
    `\n${asked} asked, ${answers().length} answered, ${gateway.identifies.length} identifies for ${SHARDS} shards`,
  );
  for (const violation of gateway.violations) console.error(`Discord's rule broken: ${violation}`);
  console.log(`lost ${lost}, doubled ${doubled}`);
  return lost === 0 && doubled === 0 && gateway.violations.length === 0;
}

const path = await findNatsServer();
if (path === null) {
  console.error(`Cannot start the cluster: ${NATS_SERVER_HINT}`);
  process.exit(1);
}
{
  process.exitCode = 1;
  await using server = await NatsServer.start(path);
  await using gateway = await LocalGateway.start({ shards: SHARDS, guilds: SHARDS, maxConcurrency: SHARDS });
  console.log(`NATS at ${server.url}, a Discord at ${gateway.url}`);
  const nats = await connect({ servers: server.url });
  try {
    if (await play(gateway, server, nats)) process.exitCode = 0;
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await nats.close();
  }
}
