import { jetstreamManager } from "@nats-io/jetstream";
import { deadline } from "@std/async";
import { NatsProxy } from "./cluster/nats_proxy.ts";
import { ClusterRig, natsTest, until } from "./cluster/rig.ts";

natsTest("ClusterWorker goes on soon after NATS was away, whatever is lost as it comes back", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  await rig.addNode();
  await rig.ready(1);
  await using proxy = await NatsProxy.start(server);
  const worker = await rig.makeWorker({}, proxy);
  const handled: string[] = [];
  worker.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => void handled.push(content));
  await worker.connect();
  rig.say("before");
  await until(() => handled.length === 1);
  // Without an answer to that, the client would wait for another half a minute.
  void proxy.lose(/CONSUMER\.INFO/, "answer");
  await server.kill();
  await server.start();
  rig.say("after");
  await deadline(until(() => handled.length === 2), 10_000);
});

natsTest("ClusterWorker makes its consumer again where somebody has deleted it", async (server) => {
  await using rig = await ClusterRig.start(server, { shards: 1, guilds: 1 });
  await rig.addNode();
  await rig.ready(1);
  const worker = await rig.makeWorker();
  const handled: string[] = [];
  worker.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => void handled.push(content));
  await worker.connect();
  rig.say("before");
  await until(() => handled.length === 1);
  await (await jetstreamManager(await rig.connect())).consumers.delete("gangway_bot_events_0", "workers");
  await until(() => handled.length === 2);
  rig.say("after");
  await deadline(until(() => handled.includes("after")), 10_000);
});
