import type { Faults } from "./faults.ts";
import { pick } from "./plan.ts";
import { skipNumber } from "./probe.ts";
import type { World } from "./world.ts";

/** After these a client resumes: what Discord documents, what it does not, and no code at all. */
const RESUMABLE = [4000, 4001, 4002, 4005, 4008, 4006, 4015, 4100, 4999, 3000, 1000, 1001, 1006, 1011, 1012, null];
/** After these the session is gone. */
const FINAL = [4003, 4007, 4009];

/** What the gateway says or does about sessions. */
export const SESSION_FAULTS: Faults = {
  "op 7": {
    weight: 5,
    begin: (world) => {
      const closeAfterMs = world.random.below(2) === 0 ? undefined : world.between(10, 10_000);
      world.gateway.reconnect({ ...world.target(), closeAfterMs });
    },
  },
  "op 7 before HELLO": {
    weight: 2,
    begin: (world) => {
      world.gateway.reconnectBeforeHello(1 + world.random.below(3));
      world.gateway.drop(world.target());
    },
  },
  "op 9 true": {
    weight: 3,
    begin: (world) => world.gateway.invalidateSession(true, world.target()),
  },
  "op 9 false": {
    weight: 2,
    begin: (world) => world.gateway.invalidateSession(false, { shardId: world.anyShard() }),
  },
  "resumable close": {
    weight: 8,
    begin: (world) => {
      const code = pick(world.random, RESUMABLE);
      world.trace.note(`closes with ${code}`);
      world.gateway.disconnect(code, world.target());
    },
  },
  "final close": {
    weight: 1,
    begin: (world) => world.gateway.disconnect(pick(world.random, FINAL), { shardId: world.anyShard() }),
  },
  "session expires": {
    weight: 1,
    begin: (world) => {
      world.gateway.drop({ shardId: world.anyShard() });
      world.gateway.expireSessions();
    },
  },
  "resumes refused": {
    weight: 3,
    begin: (world) => {
      const resumable = world.random.below(4) > 0;
      world.gateway.refuseResumes(1 + world.random.below(resumable ? 4 : 1), { resumable });
      world.gateway.drop({ shardId: world.anyShard() });
    },
  },
  "resumes bricked": {
    weight: 2,
    begin: (world) => {
      const { gateway } = world;
      const ms = world.between(5000, 400_000);
      world.during("brick", ms, () => gateway.brickResumes(), () => gateway.brickResumes(false));
      gateway.drop({ shardId: world.anyShard() });
    },
  },
  "replay interrupted": {
    weight: 5,
    begin: (world) => {
      const { gateway, random } = world;
      const pauseAfter = random.below(20);
      world.during(
        "paused replay",
        world.between(500, 60_000),
        () => gateway.pauseReplayAfter(pauseAfter),
        () => gateway.pauseReplayAfter(null),
      );
      const target = world.target();
      gateway.drop(target);
      burst(world, 50);
      const again = pick(random, [
        () => gateway.drop(target),
        () => gateway.reconnect(target),
        () => gateway.corrupt(target),
        () => gateway.cutAfter(random.below(2000), target),
        () => gateway.disconnect(4000, target),
        () => {},
      ]);
      for (const ms of [2000, 7000]) world.after(ms, again);
    },
  },
  "READY withheld": {
    weight: 2,
    begin: (world) => {
      const { gateway, random } = world;
      const target = { shardId: world.anyShard() };
      const ms = world.between(1000, 750_000);
      world.during("withheld READY", ms, () => gateway.withholdReady(), () => gateway.withholdReady(false));
      gateway.invalidateSession(false, target);
      if (random.below(2) === 0) world.after(world.between(5000, 60_000), () => gateway.drop(target));
    },
  },
  "guilds withheld": {
    weight: 1,
    begin: (world) => {
      const { gateway } = world;
      const ms = world.between(1000, 60_000);
      world.during("withheld guilds", ms, () => gateway.withholdGuilds(), () => gateway.withholdGuilds(false));
      gateway.invalidateSession(false, { shardId: world.anyShard() });
    },
  },
  "dispatch again": {
    weight: 4,
    begin: (world) => {
      if (world.isActive("freeze") || world.isActive("block") || world.ready.length === 0) return;
      const { shardId, sessionSequenceNumber } = pick(world.random, world.ready);
      for (let back = world.random.below(6); back >= 0; back--) {
        const s = Math.max(1, (sessionSequenceNumber ?? 1) - back);
        const d = { id: "1", channel_id: "1", nonce: 0, content: "again" };
        world.gateway.sendRaw(JSON.stringify({ t: "MESSAGE_CREATE", s, op: 0, d }), { shardId });
      }
    },
  },
  "number skipped": {
    weight: 2,
    begin: (world) => skipNumber(world.gateway, world.anyShard()),
  },
  "heartbeats asked for": {
    weight: 3,
    begin: (world) => {
      const times = world.random.below(5) === 0 ? 150 : 1 + world.random.below(3);
      const target = world.target();
      for (let count = 0; count < times; count++) world.gateway.requestHeartbeat(target);
    },
  },
  "burst": {
    weight: 3,
    begin: (world) => burst(world, world.between(10, 1000)),
  },
};

function burst(world: World, events: number): void {
  const { gateway: { guilds }, random, traffic } = world;
  for (let count = 0; count < events; count++) traffic.emit(pick(random, guilds).id);
}
