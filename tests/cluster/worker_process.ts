/**
 * A worker of a cluster in a process of its own. The messages it has handled are in a file, a line each: the number, and how
 * long it took to get here, in milliseconds. One whose text is `poison` ends the process.
 *
 *     worker_process.ts '{"nats":…,"log":…,"poison":…,"options":{…}}'
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { connect } from "@nats-io/transport-node";
import { appendFileSync } from "node:fs";
import process from "node:process";
import { ClusterWorker } from "../../lib/cluster/mod.ts";
import { shutdownOnSignal } from "../../lib/shutdown_on_signal.ts";

const { nats: servers, log, poison, options } = JSON.parse(process.argv[2] ?? "{}");
const nats = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
const worker = new ClusterWorker({ nats, ...options });

worker.eventDispatcher.listen("MESSAGE_CREATE", async ({ content }) => {
  if (content === poison) process.kill(process.pid, "SIGKILL");
  const [number, sentAt] = content.split(" ");
  const tookMs = Date.now() - Number(sentAt);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
  // Outlives the process, and is there before the event is done with.
  appendFileSync(log, `${number} ${tookMs}\n`);
});
worker.dispatcher.listen("dead_letter", ({ error }) => {
  console.log(JSON.stringify({ event: "dead_letter", error: String(error) }));
});
worker.dispatcher.listen("cluster_error", ({ error }) => {
  console.log(JSON.stringify({ event: "cluster_error", error: String(error) }));
});

const closable = {
  close: () => worker.close().then(() => nats.close()),
  [Symbol.asyncDispose]: () => worker.close().then(() => nats.close()),
};
shutdownOnSignal(closable);
await worker.connect();
console.log(JSON.stringify({ event: "worker_ready" }));
await worker.closed;
