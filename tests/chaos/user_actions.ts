/**
 * What a bot does while things go wrong.
 *
 * @module
 */
import type { Shard } from "../../mod.ts";
import { pick } from "./plan.ts";
import type { World } from "./world.ts";

/** The most commands that wait at once. */
const FLOOD = 1000;

/** Commands and requests a bot made, and what became of them. */
export class UserActions {
  /** How many commands were given. */
  commands = 0;
  /** How many of them were sent. */
  sent = 0;
  /** How many requests for members were made. */
  requests = 0;
  /** How many of them were answered. */
  answered = 0;
  /** How many promises are still open. */
  open = 0;
  readonly #world: World;
  /** How often each shard was closed: what waits is rejected then. */
  readonly #closes = new Map<number, number>();
  /** Shards that are closed for a while. */
  readonly #closed = new Set<Shard>();
  /** The manager is closed, or asks how to connect. */
  #managerClosed = true;
  /** What opens again what is closed for a while. */
  readonly #waiting = new Set<() => void>();
  #isPeace = false;

  /** Acts in a world. */
  constructor(world: World) {
    this.#world = world;
  }

  /** Connects the manager. */
  begin(): void {
    this.#connectManager();
  }

  /** Does any of them. */
  act(): void {
    const { random, manager, plan: { storeMs } } = this.#world;
    const shard = manager.shards.get(this.#world.anyShard());
    if (shard === undefined || this.#managerClosed || this.#closed.has(shard)) return;
    const actions: (() => void)[] = [
      ...new Array(4).fill(() => this.#presence(shard)),
      ...new Array(4).fill(() => this.#members(shard)),
      ...new Array(2).fill(() => this.#voice(shard)),
      () => this.#flood(shard),
      () => this.#closeShard(shard),
      // A restart tells the more about a store the more often it happens.
      () => (random.below(3) === 0 || storeMs !== null) && this.#closeManager(),
    ];
    pick(random, actions)();
  }

  /** Opens again what is closed, now or as soon as it is. */
  reopen(): void {
    this.#isPeace = true;
    for (const open of [...this.#waiting]) open();
  }

  /** The manager is about to be closed: what still waits may be rejected. */
  end(): void {
    for (const shardId of this.#world.manager.shards.keys()) this.#closing(shardId);
  }

  #presence(shard: Shard): void {
    this.#command(shard, shard.presenceUpdate({ since: null, activities: [], status: "idle", afk: false }));
  }

  #voice(shard: Shard): void {
    const update = { guild_id: this.#guildOf(shard), channel_id: null, self_mute: true, self_deaf: false };
    this.#command(shard, shard.voiceStateUpdate(update));
  }

  #flood(shard: Shard): void {
    const times = this.#world.between(10, FLOOD);
    this.#world.trace.note(`shard ${shard.shardId} is given ${times} commands`);
    for (let count = 0; count < times; count++) {
      this.#command(shard, shard.requestSoundboardSounds([this.#guildOf(shard)]));
    }
  }

  #members(shard: Shard): void {
    this.requests++;
    const guildId = this.#guildOf(shard);
    const request = pick(this.#world.random, [
      () => shard.requestGuildMembers(guildId, { query: "", limit: 0 }),
      () => shard.requestGuildMembers(guildId, { query: "member", limit: 5 }),
      () => shard.requestGuildMembers(guildId, { userIds: [guildId, "7"] }),
    ])();
    // It may be rejected: the session may end, the gateway may limit it or never answer. It has to end.
    this.#settle(Promise.resolve(request), () => this.answered++, () => {});
  }

  #command(shard: Shard, promise: Promise<void>): void {
    this.commands++;
    const closes = this.#closes.get(shard.shardId);
    this.#settle(promise, () => this.sent++, (error) => {
      if (this.#closes.get(shard.shardId) === closes) {
        this.#world.trace.fail(`a command of shard ${shard.shardId} was not sent: ${error}`);
      }
    });
  }

  #settle<T>(promise: Promise<T>, onDone: () => void, onFail: (error: unknown) => void): void {
    this.open++;
    promise.then(onDone, onFail).finally(() => this.open--);
  }

  #closeShard(shard: Shard): void {
    const { trace, secrecy } = this.#world;
    trace.note(`shard ${shard.shardId} is closed for a while`);
    secrecy.inspect("a shard", shard);
    this.#closing(shard.shardId);
    this.#closed.add(shard);
    const closes = this.#closes.get(shard.shardId);
    this.#settle(shard.close({ cleanup: false }), () =>
      this.#later(() => {
        // Unless the manager was closed and opened again meanwhile.
        if (this.#closes.get(shard.shardId) === closes) this.#open(shard);
      }), fail(trace));
  }

  #open(shard: Shard): void {
    if (!this.#closed.delete(shard) || this.#managerClosed) return;
    this.#world.trace.note(`shard ${shard.shardId} is opened again`);
    this.#settle(shard.connect(), () => {}, (error) => {
      if (!this.#managerClosed && !this.#closed.has(shard)) fail(this.#world.trace)(error);
    });
  }

  #closeManager(): void {
    const { manager, trace, secrecy } = this.#world;
    trace.note("the manager is closed for a while");
    secrecy.inspect("a manager", manager);
    for (const shardId of manager.shards.keys()) this.#closing(shardId);
    this.#managerClosed = true;
    this.#closed.clear();
    const again = (): void => {
      this.#world.restart();
      this.#connectManager();
    };
    this.#settle(manager.close({ cleanup: false }), () => {
      this.#world.endProcess();
      this.#later(again);
    }, fail(trace));
  }

  /** After a while, or when there is peace. */
  #later(act: () => void): void {
    const open = (): void => {
      if (this.#waiting.delete(open)) act();
    };
    this.#waiting.add(open);
    if (this.#isPeace) open();
    else this.#world.after(this.#world.between(10, 250_000), open);
  }

  #connectManager(): void {
    const { manager, trace } = this.#world;
    trace.note("the manager connects");
    this.#settle(manager.connect(), () => {
      this.#managerClosed = false;
    }, fail(trace));
  }

  #closing(shardId: number): void {
    this.#closes.set(shardId, (this.#closes.get(shardId) ?? 0) + 1);
  }

  #guildOf(shard: Shard): string {
    const { gateway: { guilds }, plan: { shards }, random } = this.#world;
    // Guild i is on shard i % n.
    return pick(random, guilds.filter((_, index) => index % shards === shard.shardId)).id;
  }
}

function fail(trace: World["trace"]): (error: unknown) => void {
  return (error) => trace.fail(`it could not be closed or opened: ${error}`);
}
