import type { BotAuthentication } from "./authentication.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { DisconnectError } from "./errors.ts";
import type { HTTPClient } from "./http_client.ts";
import { IdentifyQueue } from "./identify_queue.ts";
import type { GatewayBotInfo } from "./payload.ts";
import type { ShardEvents } from "./shard_events.ts";
import type { ShardManagerOptions } from "./shard_manager_options.ts";
import type { IdentifyRateLimiter } from "./times_per.ts";

/** What {@linkcode GatewayLimits} get from their owner. */
export interface GatewayLimitsOptions extends Pick<ShardManagerOptions, "identifyRateLimiter" | "identifyReserve"> {
  /** Who asks. */
  authentication: BotAuthentication;
  /** Asks. */
  httpClient: HTTPClient;
  /** Where it is told that it has to be asked again, and that the budget is used up. */
  dispatcher: Dispatcher<ShardEvents>;
  /** The owner's lifetime, or `null` while it has none. */
  lifetime: () => AbortSignal | null;
}

/** What `GET /gateway/bot` says of a bot, and the identify limit that follows from it. */
export class GatewayLimits {
  readonly #options: GatewayLimitsOptions;
  #maxConcurrency: number | null = null;
  /** Decides when shards identify. */
  readonly limiter: IdentifyRateLimiter;

  constructor(options: GatewayLimitsOptions) {
    const { dispatcher, lifetime, identifyReserve = 0 } = options;
    this.#options = options;
    this.limiter = options.identifyRateLimiter ?? new IdentifyQueue({
      reserve: identifyReserve,
      refresh: () => this.ask(lifetime() ?? AbortSignal.abort()),
      onLimited: (limited) => dispatcher.dispatch("identify_limited", limited),
    });
  }

  /** How many shards may identify at the same time; `null` before the gateway was asked. */
  get maxConcurrency(): number | null {
    return this.#maxConcurrency;
  }

  /** Asks, for as long as it takes. */
  async ask(signal: AbortSignal): Promise<GatewayBotInfo> {
    const { httpClient, authentication, dispatcher } = this.#options;
    const info = await httpClient.getGatewayBot(authentication, {
      signal,
      onRetry: ({ attempt, delayMs, error: cause }) => {
        const error = new DisconnectError(cause.message, { cause });
        dispatcher.dispatch("reconnecting", { attempt, delayMs, error });
      },
    });
    this.#maxConcurrency = info.session_start_limit.max_concurrency;
    this.limiter.update?.(info.session_start_limit);
    return info;
  }
}
