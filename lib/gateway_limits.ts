import { abortable } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import type { BotAuthentication } from "./authentication.ts";
import { backoffMs } from "./backoff.ts";
import { delay } from "./delay.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { DisconnectError } from "./errors.ts";
import type { HTTPClient } from "./http_client.ts";
import type { RequestRetry } from "./http_options.ts";
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
  readonly #queue: IdentifyQueue | null;

  constructor(options: GatewayLimitsOptions) {
    const { dispatcher, lifetime, identifyReserve = 0 } = options;
    this.#options = options;
    this.limiter = options.identifyRateLimiter ?? new IdentifyQueue({
      reserve: identifyReserve,
      refresh: () => this.ask(lifetime() ?? AbortSignal.abort()),
      onLimited: (limited) => dispatcher.dispatch("identify_limited", limited),
    });
    this.#queue = this.limiter instanceof IdentifyQueue ? this.limiter : null;
  }

  /** How many shards may identify at the same time; `null` before the gateway was asked. */
  get maxConcurrency(): number | null {
    return this.#maxConcurrency;
  }

  /** Asks, for as long as it takes. */
  async ask(signal: AbortSignal): Promise<GatewayBotInfo> {
    const { httpClient, authentication, dispatcher } = this.#options;
    const onRetry = ({ error: cause, ...retry }: RequestRetry) => {
      const error = new DisconnectError(cause.message, { cause });
      dispatcher.dispatch("reconnecting", { ...retry, error });
    };
    // What is sent while the answer is on its way may not be counted in it.
    const sentBefore = this.#queue?.sent;
    const info = await abortable(httpClient.getGatewayBot(authentication, { signal, onRetry }), signal);
    const limits = info.session_start_limit;
    this.#maxConcurrency = limits.max_concurrency;
    if (this.#queue !== null) {
      this.#queue.update(limits, sentBefore);
      return info;
    }
    for (let failures = 1;; failures++) {
      try {
        await abortable(attempt(async () => await this.limiter.update?.(limits)), signal);
        return info;
      } catch (cause) {
        signal.throwIfAborted();
        const delayMs = backoffMs(failures, Math.random());
        const error = new Error("Cannot update the identify limits: the identifyRateLimiter failed", { cause });
        onRetry({ attempt: failures, delayMs, error });
        await delay(delayMs, { signal });
      }
    }
  }

  /** How many identifies can be used, by what was just asked. */
  available({ session_start_limit: { remaining } }: GatewayBotInfo): number {
    return this.#queue?.available ?? remaining;
  }
}
