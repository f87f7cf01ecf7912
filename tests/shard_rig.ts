/**
 * A shard and a gateway of its own for it, for the tests of what crosses both.
 *
 * @module
 */
import { HTTPClient, Shard, type ShardOptions, TimesPer } from "@gangway/gateway";
import { LocalGateway, type LocalGatewayOptions } from "@gangway/gateway/testing";
import { assertEquals } from "@std/assert";
import FakeTimers from "@sinonjs/fake-timers";
import { CANARY } from "./canary.ts";

/** What a test can vary. */
export interface RigOptions {
  /** Options of the gateway. */
  gateway?: LocalGatewayOptions;
  /** Options of the shard. */
  shard?: ShardOptions;
  /** The intents; all of them where not given. */
  intents?: number;
  /** The token that the shard has, where it is not the gateway's. */
  token?: string;
  /** Whether no socket is used. */
  memory?: boolean;
  /** Whether nobody listens to the shard's own events: `told` stays empty. */
  unheard?: boolean;
  /** Whether the shard is expected to break rules of the gateway. */
  violates?: boolean;
  /** What makes the sockets. */
  createWebSocket?: (url: string, gateway: LocalGateway) => WebSocket;
}

/** Every intent there is. */
export const ALL_INTENTS = 53_608_447;

/** A shard, its gateway, and what the shard told. */
export class Rig implements AsyncDisposable {
  readonly gateway: LocalGateway;
  readonly client: HTTPClient;
  readonly shard: Shard;
  /** The names of the shard's own events, with the detail of those that have a short one. */
  readonly told: string[] = [];
  readonly #violates: boolean;

  constructor(gateway: LocalGateway, options: RigOptions) {
    const { memory = false, intents = ALL_INTENTS, token = gateway.token, violates = false, createWebSocket } = options;
    const names = ["disconnect", "client_disconnect", "ready", "resumed", "reconnecting", "critical"] as const;
    this.gateway = gateway;
    this.#violates = violates;
    const inMemory = {
      fetch: gateway.fetch as (url: string) => Promise<Response>,
      createWebSocket: gateway.createWebSocket,
    };
    this.client = new HTTPClient({
      baseUrl: gateway.url,
      ...(memory ? inMemory : {}),
      ...(createWebSocket === undefined ? {} : { createWebSocket: (url) => createWebSocket(url, gateway) }),
    });
    const limiter = new TimesPer(1, 0.001, { marginMs: 0 });
    const compress = memory ? { compress: "none" as const } : {};
    this.shard = new Shard(0, 1, intents, token, limiter, this.client, { ...compress, ...options.shard });
    for (const name of options.unheard ? [] : names) {
      this.shard.dispatcher.listen(name, (detail) => {
        const isShort = typeof detail === "number" || typeof detail === "boolean" || detail === null;
        this.told.push(isShort ? `${name} ${detail}` : name);
      });
    }
  }

  /** Connects, and waits until the guilds are there. */
  async up(): Promise<void> {
    const connecting = this.shard.connect();
    const guild = this.shard.eventDispatcher.waitFor("GUILD_CREATE");
    await connecting;
    await guild;
    await this.shard.ready;
  }

  /** Does something to the connection, and waits until the shard is usable again. */
  async survive(fault: () => unknown): Promise<void> {
    const lost = this.shard.dispatcher.waitFor("disconnect");
    await fault();
    await lost;
    await this.shard.ready;
  }

  /** Writes a message and returns the text that the shard received. */
  async echo(text: string): Promise<string> {
    const message = this.shard.eventDispatcher.waitFor("MESSAGE_CREATE");
    this.gateway.user("Ann").says(text);
    return (await message).content;
  }

  /** Waits until everything that was sent before, and the answers to it, have arrived. */
  async roundTrip(): Promise<void> {
    const beat = this.gateway.next("heartbeat");
    this.gateway.requestHeartbeat();
    await beat;
    await this.echo("round trip");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shard.close();
    this.client.close();
    await this.gateway[Symbol.asyncDispose]();
    if (!this.#violates) assertEquals(this.gateway.violations, []);
  }
}

/** Makes both ends; nothing is connected yet. Identifying again is allowed at once. */
export async function rig(options: RigOptions = {}): Promise<Rig> {
  const listen = !(options.memory ?? false);
  return new Rig(await LocalGateway.start({ token: CANARY, identifyWindowMs: 0, ...options.gateway, listen }), options);
}

/** Makes both ends and connects them. */
export async function connectedRig(options: RigOptions = {}): Promise<Rig> {
  const made = await rig(options);
  await made.up();
  return made;
}

/** A random number that is known, so that nothing has to be waited for: the first backoff is this part of a second. */
export function fixedRandom(value = 0.001): Disposable {
  const { random } = Math;
  Math.random = () => value;
  return {
    [Symbol.dispose]: () => {
      Math.random = random;
    },
  };
}

/** Time that passes on command. */
export interface FakeTime extends Disposable {
  /** Lets so many milliseconds pass, and everything happen that is due. */
  pass(ms: number): Promise<void>;
  /** Lets so many milliseconds pass while nothing can happen, as on a laptop that sleeps. */
  sleep(ms: number): void;
  /** How many timers wait. */
  timers(): number;
}

/** Stops the time. Sockets do not stand still: use it in memory. */
export function fakeTime(): FakeTime {
  const clock = FakeTimers.install({
    now: 1_800_000_000_000,
    toFake: ["setTimeout", "clearTimeout", "performance", "Date"],
  });
  return {
    pass: async (ms) => void await clock.tickAsync(ms),
    sleep: (ms) => void clock.jump(ms),
    timers: () => clock.countTimers(),
    [Symbol.dispose]: () => clock.uninstall(),
  };
}
