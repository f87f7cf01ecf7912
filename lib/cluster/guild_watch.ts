import type { GatewayEvent } from "../gateway_event.ts";
import type { ReadyData } from "../payload.ts";

/** How long guilds are waited for once a shard is ready, in milliseconds: some never come. */
const GUILDS_TIMEOUT_MS = 30_000;

/** Finds out when a new session has all its guilds: "no event marks that all guilds were delivered". */
export class GuildWatch implements Disposable {
  readonly #arrived = Promise.withResolvers<void>();
  readonly #expectsGuilds: boolean;
  #missing: Set<string> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Watches a session; without the intent there are no guilds to wait for. */
  constructor(expectsGuilds: boolean) {
    this.#expectsGuilds = expectsGuilds;
  }

  /** Resolves when each guild that READY named has come, or is known to be in an outage; it may never. */
  get arrived(): Promise<void> {
    return this.#arrived.promise;
  }

  /** Takes in an event of the session. */
  see(event: GatewayEvent): void {
    const { type } = event;
    if (type === "READY") {
      const { guilds = [] } = event.detail as ReadyData;
      this.#missing = new Set(this.#expectsGuilds ? guilds.map(({ id }) => id) : []);
      this.#timer ??= setTimeout(this.#arrived.resolve, GUILDS_TIMEOUT_MS);
    } else if (type === "GUILD_CREATE" || type === "GUILD_DELETE") {
      this.#missing?.delete((event.detail as { id: string }).id);
    } else if (type === "RESUMED") {
      // A session that was begun elsewhere has had its guilds, or has them in the replay that ends here.
      this.#missing ??= new Set();
    }
    if (this.#missing?.size === 0) this.#arrived.resolve();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
