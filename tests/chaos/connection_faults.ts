import type { Faults } from "./faults.ts";
import { pick } from "./plan.ts";
import { dropGreeted } from "./probe.ts";

const GARBAGE = [
  "",
  " ",
  "null",
  "[]",
  "{}",
  '"text"',
  '{"op":99,"d":null}',
  '{"op":"0","d":{},"s":"1","t":7}',
  '{"op":10,"d":{"heartbeat_interval":0}}',
  '{"op":1}',
  "[".repeat(2000),
  "\u0000\uffff",
];

/** Connections that break, are refused, or carry what nobody can read. */
export const CONNECTION_FAULTS: Faults = {
  "reset": {
    weight: 8,
    begin: (world) => world.gateway.drop(world.target()),
  },
  "reset of all": {
    weight: 1,
    begin: (world) => world.gateway.drop(),
  },
  "reset in a frame": {
    weight: 4,
    begin: (world) => world.gateway.cutAfter(world.between(1, 4000), world.target()),
  },
  "reset before HELLO": {
    weight: 3,
    begin: (world) => {
      const { gateway } = world;
      world.during(
        "late HELLO",
        world.between(4000, 20_000),
        () => gateway.delayHello(3000),
        () => gateway.delayHello(0),
      );
      gateway.drop(world.target());
      for (const ms of [1500, 3500, 9000]) world.after(ms, () => dropGreeted(gateway));
    },
  },
  "corrupt bytes": {
    weight: 4,
    begin: (world) => world.gateway.corrupt(world.target()),
  },
  "garbage": {
    weight: 3,
    begin: (world) => {
      const { gateway, random } = world;
      const text = pick(random, GARBAGE);
      if (random.below(4) > 0) gateway.sendRaw(text, { ...world.target(), bare: random.below(3) === 0 });
      else world.garble(world.target());
    },
  },
  "connections refused": {
    weight: 3,
    begin: (world) => {
      const { gateway } = world;
      const via = pick(world.random, [undefined, undefined, "gateway", "resume"]);
      const ms = world.between(1000, 300_000);
      world.during("refusal", ms, () => gateway.stopListening({ via }), () => void gateway.startListening());
      gateway.drop(world.target());
    },
  },
  "handshakes refused": {
    weight: 3,
    begin: (world) => {
      const { gateway, random } = world;
      const via = pick(random, [undefined, "gateway", "resume"]);
      gateway.rejectUpgrade(pick(random, [400, 429, 502, 503]), 1 + random.below(5), { via });
      gateway.drop(world.target());
    },
  },
  "HTTP fails": {
    weight: 2,
    begin: (world) => {
      const { gateway, random, checks } = world;
      // The client asks for the URL again when the one it has does not work.
      gateway.rejectUpgrade(503, 6);
      gateway.drop(world.target());
      // A request that is answered with 429 more than five times is given up.
      if (world.requestsToFail > checks.counts.failedRequests) return;
      const [status, times] = [pick(random, [429, 500, 502, 503, 0]), 1 + random.below(4)];
      const options = { html: random.below(2) === 0, global: random.below(3) === 0, retryAfter: world.between(1, 30) };
      world.during("failing HTTP", 900_000, () => {
        world.requestsToFail += times;
        gateway.rejectHttp(status, times, options);
      }, () => {});
    },
  },
  "HTTP is slow": {
    weight: 1,
    begin: (world) => {
      const { gateway } = world;
      const ms = world.between(100, 40_000);
      world.during("slow HTTP", world.between(1000, 120_000), () => gateway.delayHttp(ms), () => gateway.delayHttp(0));
      gateway.rejectUpgrade(503, 3);
      gateway.drop(world.target());
    },
  },
  "mass disconnect": {
    weight: 1,
    begin: (world) => {
      const { gateway, random } = world;
      if (random.below(2) === 0) gateway.reconnect({ closeAfterMs: world.between(100, 10_000) });
      else gateway.disconnect(pick(random, [1001, 1012, 4000, null]));
    },
  },
};
