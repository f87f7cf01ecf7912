import { FAULT_NAMES, strike } from "./faults.ts";
import { HEARTBEAT_INTERVAL_MS, pick, planOf, type WorldOptions } from "./plan.ts";
import { ProcessWatch } from "./process_watch.ts";
import type { Report } from "./report.ts";
import { Trace } from "./trace.ts";
import { UserActions } from "./user_actions.ts";
import { VirtualTime } from "./virtual_time.ts";
import { World } from "./world.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** For how long everything has to be well before the end. */
const CALM_MS = 2 * MINUTE_MS;

/** Lives through one world: faults by the seed, then peace, in which everything has to come right. */
export async function runWorld(options: WorldOptions): Promise<Report> {
  const plan = planOf(options);
  const startedAt = VirtualTime.now();
  using time = new VirtualTime(plan.seed);
  const world = new World(plan, time, new Trace(options.lines));
  using _watch = new ProcessWatch(world.trace);
  const actions = new UserActions(world);
  try {
    await live(world, actions);
    if (!world.trace.failed) await recover(world, actions);
    if (!world.trace.failed) checkEnd(world);
    actions.end();
    await end(world);
  } finally {
    await world[Symbol.asyncDispose]();
  }
  if (time.timers > 0) world.trace.fail(`${time.timers} timers are left after the end`);
  return reportOf(world, actions, VirtualTime.now() - startedAt);
}

async function live(world: World, actions: UserActions): Promise<void> {
  const { plan, random, time, trace, gateway, traffic } = world;
  const repeat = (everyMs: number, act: () => void): void => {
    const again = (): void => {
      act();
      world.after(-Math.log(1 - random.next()) * everyMs, again);
    };
    again();
  };
  actions.begin();
  repeat(plan.eventEveryMs, () => traffic.emit(pick(random, gateway.guilds).id));
  repeat(plan.faultEveryMs, () => strike(world));
  repeat(plan.faultEveryMs * 2, () => actions.act());
  repeat(MINUTE_MS, () => gateway.clearRecords());
  await time.runTo(plan.durationMs, () => trace.failed);
  world.clearTimers();
}

/** Ends all faults and waits until all shards are usable, and nothing waits any more. */
async function recover(world: World, actions: UserActions): Promise<void> {
  const { plan, time, trace, gateway, manager, checks, traffic } = world;
  world.endAll();
  gateway.reconnectBeforeHello(0);
  gateway.refuseResumes(0);
  actions.reopen();
  trace.note("peace");
  const isWell = (): boolean => trace.failed || world.ready.length === plan.shards;
  // With no identify left, a day may pass before the next.
  const patienceMs = gateway.remainingSessionStarts > plan.shards ? 60 * MINUTE_MS : DAY_MS + 60 * MINUTE_MS;
  for (let calmMs = 0; calmMs < CALM_MS && !trace.failed;) {
    const sinceMs = time.elapsedMs;
    await time.run(patienceMs, isWell);
    if (!isWell()) {
      const phases = [...manager.shards.values()].map(({ phase }) => phase);
      return trace.fail(`after ${patienceMs} ms of peace the shards are ${phases.join(", ")}`);
    }
    await time.run(CALM_MS, () => trace.failed || world.ready.length < plan.shards);
    calmMs = time.elapsedMs - sinceMs;
  }
  await time.run(30 * MINUTE_MS, () => trace.failed || actions.open === 0);
  if (actions.open > 0) trace.fail(`${actions.open} promises of commands are still open`);
  for (const { id } of gateway.guilds) traffic.emit(id);
  await time.run(HEARTBEAT_INTERVAL_MS);
  for (const { shardId } of manager.shards.values()) {
    const sessionId = checks.identifies.sessionOf(shardId);
    if (sessionId === null) trace.fail(`shard ${shardId} has no session`);
    else checks.deliveries.complete(sessionId);
  }
}

function checkEnd({ manager, checks, trace, secrecy, listeners }: World): void {
  secrecy.inspect("the manager", manager);
  for (const shard of manager.shards.values()) secrecy.inspect("a shard", shard);
  if (listeners.called !== checks.deliveries.numbered) {
    trace.fail(`${listeners.called} events reached the named listener, ${checks.deliveries.numbered} the other`);
  }
  if (listeners.failed !== checks.counts.listenerErrors) {
    trace.fail(`${listeners.failed} failures of listeners, ${checks.counts.listenerErrors} reports`);
  }
}

async function end({ time, manager }: World): Promise<void> {
  await time.complete(manager.close());
  await time.run(MINUTE_MS);
}

function reportOf(world: World, actions: UserActions, tookMs: number): Report {
  const { plan, time, trace, checks, attempts, faults, secrecy, traffic } = world;
  const { deliveries, identifies, sends, liveness, counts } = checks;
  return {
    plan,
    problems: [...trace.problems],
    lines: trace.failed ? [...trace.lines] : [],
    simulatedMs: time.elapsedMs,
    tookMs,
    faults: Object.fromEntries(FAULT_NAMES.map((name) => [name, faults.get(name) ?? 0])),
    figures: {
      emitted: traffic.emitted,
      received: deliveries.received,
      lost: deliveries.lost,
      connections: counts.connections,
      resumes: counts.resumes,
      resumed: counts.resumed,
      gaps: counts.gaps,
      lags: counts.lags,
      limited: counts.limited,
      listenerErrors: counts.listenerErrors,
      commands: actions.commands,
      commandsSent: actions.sent,
      memberRequests: actions.requests,
      memberAnswers: actions.answered,
      zombies: liveness.found,
      restarts: world.restarts,
      again: deliveries.again,
      storeErrors: counts.storeErrors,
      searched: secrecy.searched,
    },
    identifies: identifies.counts,
    peaks: {
      attemptsPerSecond: attempts.peak,
      sendsPerMinute: sends.mostInWindow,
      muteIntervals: liveness.worst.mute,
      noAckIntervals: liveness.worst["no ACK"],
      lateBeatMs: sends.latestBeatMs,
      brickMs: identifies.longestBrickMs,
    },
  };
}
