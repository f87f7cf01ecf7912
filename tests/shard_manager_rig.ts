/**
 * A manager and a gateway of its own for it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what the library prints is captured
import {
  BotAuthentication,
  GatewayIntent,
  HTTPClient,
  type Shard,
  ShardManager,
  type ShardManagerOptions,
  TimesPer,
} from "@gangway/gateway";
import { LocalGateway, type LocalGatewayOptions } from "@gangway/gateway/testing";
import { assertEquals } from "@std/assert";
import { CANARY } from "./canary.ts";

/** What a test can vary. */
export interface ManagerRigOptions {
  /** Options of the gateway. */
  gateway?: LocalGatewayOptions;
  /** Options of the manager. */
  manager?: ShardManagerOptions;
  /** The intents. */
  intents?: number;
  /** The token that the manager has, where it is not the gateway's. */
  token?: string;
  /** Whether no socket is used. */
  memory?: boolean;
  /** Whether shards may identify as often as they like. */
  unlimited?: boolean;
  /** What makes the sockets. */
  createWebSocket?: (url: string, gateway: LocalGateway) => WebSocket;
  /** Whether nobody listens to `critical`. */
  deaf?: boolean;
  /** Whether the manager is expected to break rules of the gateway. */
  violates?: boolean;
}

/** A manager, its gateway, and what the manager told. */
export class ManagerRig implements AsyncDisposable {
  readonly gateway: LocalGateway;
  readonly client: HTTPClient;
  readonly manager: ShardManager;
  /** What reached `critical`. */
  readonly criticals: Error[] = [];
  readonly #violates: boolean;

  constructor(gateway: LocalGateway, options: ManagerRigOptions) {
    const { memory = false, violates = false, unlimited = false, token = gateway.token } = options;
    const { intents = GatewayIntent.Guilds | GatewayIntent.GuildMessages | GatewayIntent.MessageContent } = options;
    this.gateway = gateway;
    this.#violates = violates;
    const { fetch, createWebSocket } = gateway;
    const own = options.createWebSocket;
    this.client = new HTTPClient({
      baseUrl: gateway.url,
      ...(memory ? { fetch: fetch as (url: string) => Promise<Response>, createWebSocket } : {}),
      ...(own === undefined ? {} : { createWebSocket: (url) => own(url, gateway) }),
    });
    this.manager = new ShardManager(new BotAuthentication(token), intents, this.client, {
      ...(memory ? { compress: "none" } : {}),
      ...(unlimited ? { identifyRateLimiter: new TimesPer(100, 0.001, { marginMs: 0 }) } : {}),
      ...options.manager,
    });
    if (!options.deaf) this.manager.dispatcher.listen("critical", (error) => this.criticals.push(error));
  }

  /** The shards in the order of their ids. */
  get shards(): Shard[] {
    return [...this.manager.shards.values()];
  }

  /** Connects, and waits until every shard is ready. */
  async up(): Promise<void> {
    await this.manager.connect();
    await this.ready();
  }

  /** Waits until every shard is ready. */
  async ready(): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.ready));
  }

  /** The contents of the messages that reach the manager from now on. */
  hear(): string[] {
    const contents: string[] = [];
    this.manager.eventDispatcher.listen("MESSAGE_CREATE", ({ content }) => contents.push(content));
    return contents;
  }

  /** Writes a message in each guild. */
  say(text: string): void {
    for (const { channels, name } of this.gateway.guilds) {
      this.gateway.user("Ann").says(`${text} in ${name}`, { channelId: channels[0]?.id });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close();
    this.client.close();
    await this.gateway[Symbol.asyncDispose]();
    if (!this.#violates) assertEquals(this.gateway.violations, []);
  }
}

/** Makes both ends; nothing is connected yet. */
export async function managerRig(options: ManagerRigOptions = {}): Promise<ManagerRig> {
  const listen = !(options.memory ?? false);
  return new ManagerRig(
    await LocalGateway.start({
      token: CANARY,
      ...(options.unlimited ? { identifyWindowMs: 0 } : {}),
      ...options.gateway,
      listen,
    }),
    options,
  );
}

/** What is printed as an error until it is disposed of. */
export function captureErrors(): { readonly printed: unknown[] } & Disposable {
  const printed: unknown[] = [];
  const { error } = console;
  console.error = (...args) => printed.push(...args);
  return {
    printed,
    [Symbol.dispose]: () => {
      console.error = error;
    },
  };
}
