import type { Faults } from "./faults.ts";
import { HEARTBEAT_INTERVAL_MS } from "./plan.ts";
import { connectionsOf } from "./probe.ts";
import type { World } from "./world.ts";

/** Peers that hold a connection open and say nothing, and a client that cannot listen. */
export const SILENCE_FAULTS: Faults = {
  "ACKs withheld": {
    weight: 3,
    begin: (world) => {
      if (world.isActive("block")) return;
      const { gateway, isCalm, checks: { liveness } } = world;
      world.during("withheld ACKs", world.between(10_000, 200_000), () => {
        gateway.withholdAcks();
        for (const { shardId } of world.ready) liveness.silenced(shardId, "no ACK", isCalm);
      }, () => {
        gateway.withholdAcks(false);
        spare(world);
      });
    },
  },
  "peer frozen": {
    weight: 4,
    begin: (world) => {
      if (world.isActive("block")) return;
      const { gateway, isCalm, checks: { liveness } } = world;
      const target = world.target();
      world.during("freeze", world.between(1000, 200_000), () => {
        world.freeze(target);
        for (const { shardId } of world.ready) {
          if (target.shardId === undefined || target.shardId === shardId) liveness.silenced(shardId, "mute", isCalm);
        }
      }, () => {
        gateway.thaw();
        spare(world);
      });
    },
  },
  "peer never speaks": {
    weight: 3,
    begin: (world) => {
      const { gateway } = world;
      const ms = world.between(1000, 120_000);
      world.during("withheld HELLO", ms, () => gateway.withholdHello(), () => gateway.withholdHello(false));
      gateway.drop(world.target());
    },
  },
  "event loop blocked": {
    weight: 3,
    begin: block,
  },
};

/** Frames wait in the socket while the process can neither read them nor send a heartbeat, and come after the timers. */
function block(world: World): void {
  if (["freeze", "withheld ACKs", "block"].some((name) => world.isActive(name))) return;
  const { gateway, time, checks: { liveness, sends, deadlines } } = world;
  const [beforeMs, ms] = [world.random.below(HEARTBEAT_INTERVAL_MS), world.between(1000, 400_000)];
  world.during("block", beforeMs + ms + 1000, () => {
    world.freeze({});
    world.after(beforeMs, () => {
      liveness.spared();
      sends.blocked();
      deadlines.end();
      world.trace.note(`the event loop is blocked for ${ms} ms`);
      const held = world.isCalm ? world.ready.map(({ shardId }) => shardId) : [];
      time.block(ms, () => {
        sends.blocked();
        gateway.thaw();
        // The gateway may have ended some meanwhile, and nobody tells a peer that was frozen.
        liveness.blocked(held.filter((shardId) => connectionsOf(gateway, shardId).length > 0));
      });
    });
  }, () => gateway.thaw());
}

function spare(world: World): void {
  world.silenceEndedMs = world.time.elapsedMs;
  world.checks.liveness.spared();
}
