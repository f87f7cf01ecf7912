import { GatewayCloseCode } from "../close_code.ts";
import { ClientConnection } from "./client_connection.ts";
import { guildOf, isSubscribed, shardOf, visibleData } from "./event_rules.ts";
import { Faults } from "./faults.ts";
import type { Via } from "./link.ts";
import { resolveOptions } from "./options.ts";
import type { LocalGatewayOptions, ResolvedOptions } from "./options.ts";
import { PayloadWriter } from "./payload_writer.ts";
import { Random } from "./random.ts";
import { Records } from "./records.ts";
import { Replies } from "./replies.ts";
import type { Session } from "./session.ts";
import { World } from "./world.ts";

/** Where an event goes. */
export interface DispatchTarget {
  /** The shard, whatever the guild. */
  shardId?: number | undefined;
  /** The guild, where the data does not name it. */
  guildId?: string | undefined;
}

/** How long a full request for the members of a guild blocks the next: "1 per guild per bot per 30 s". */
const FULL_REQUEST_MS = 30_000;

/** What all connections and requests share: the bot's account as Discord knows it. */
export class Hub {
  readonly options: ResolvedOptions;
  readonly records: Records = new Records();
  readonly replies: Replies = new Replies(() => this.connections.size === 0 ? "; no bot is connected" : "");
  readonly faults: Faults = new Faults();
  readonly random: Random;
  readonly writer: PayloadWriter;
  readonly world: World;
  readonly sessions: Map<string, Session> = new Map<string, Session>();
  readonly connections: Set<ClientConnection> = new Set<ClientConnection>();
  /** The address of `/gateway/bot`. */
  gatewayUrl = "";
  /** The address in READY. */
  resumeUrl = "";
  /** Whether the token was reset. */
  tokenRevoked = false;
  /** IDENTIFYs that were refused for good: repeating one is a fault of the client. */
  readonly refused: Map<string, number> = new Map<string, number>();
  readonly #identifiedAtMs = new Map<number, number>();
  readonly #fullRequestAtMs = new Map<string, number>();
  #remaining: number;
  #limitEndsAtMs: number;
  #connectionCount = 0;

  /** Fills in the defaults and starts with nobody connected. */
  constructor(options: LocalGatewayOptions) {
    this.options = resolveOptions(options);
    this.random = new Random(this.options.seed);
    this.writer = new PayloadWriter(this.options.format, this.random);
    this.world = new World(this.options.guilds);
    this.#remaining = this.options.sessionStartLimit.remaining;
    this.#limitEndsAtMs = Date.now() + this.options.sessionStartLimit.resetAfterMs;
  }

  /** A new connection, for what carries it to drive. It counts once it is open. */
  connect(url: string, via: Via): ClientConnection {
    return new ClientConnection(this, ++this.#connectionCount, url, via);
  }

  /** Whether this is the bot's token, without a prefix. */
  isToken(token: unknown): boolean {
    return token === this.options.token && !this.tokenRevoked;
  }

  /** Keeps a rule a client broke. */
  violate(connectionId: number, text: string): void {
    this.records.add("violation", `connection ${connectionId}: ${text}`);
  }

  /** How many sessions may be started now. */
  sessionStartLimit(): { total: number; remaining: number; reset_after: number; max_concurrency: number } {
    this.#startWindow();
    return {
      total: this.options.sessionStartLimit.total,
      remaining: this.#remaining,
      reset_after: this.#limitEndsAtMs - Date.now(),
      max_concurrency: this.options.maxConcurrency,
    };
  }

  /** Changes how many sessions may still be started. */
  setRemaining(count: number): void {
    this.#startWindow();
    this.#remaining = count;
  }

  /** Counts a session start; `false` where none was left. */
  countSessionStart(): boolean {
    this.#startWindow();
    if (this.#remaining === 0) return false;
    this.#remaining--;
    return true;
  }

  #startWindow(): void {
    if (Date.now() < this.#limitEndsAtMs) return;
    const { total, resetAfterMs } = this.options.sessionStartLimit;
    this.#remaining = total;
    this.#limitEndsAtMs = Date.now() + resetAfterMs;
  }

  /** Whether an identify of this shard fits its window: one per `shard_id % max_concurrency`. Takes the place if so. */
  takeIdentifyPlace(shardId: number): boolean {
    const key = shardId % this.options.maxConcurrency;
    const before = this.#identifiedAtMs.get(key);
    if (before !== undefined && Date.now() - before < this.options.identifyWindowMs) return false;
    this.#identifiedAtMs.set(key, Date.now());
    return true;
  }

  /** How long until a guild's members can be asked for in full, in milliseconds; 0 takes the place. */
  takeFullRequest(guildId: string): number {
    const leftMs = (this.#fullRequestAtMs.get(guildId) ?? -Infinity) + FULL_REQUEST_MS - Date.now();
    if (leftMs > 0) return leftMs;
    this.#fullRequestAtMs.set(guildId, Date.now());
    return 0;
  }

  /** "Session starts used up: all sessions are killed and the token is reset." */
  revokeToken(): void {
    this.tokenRevoked = true;
    this.revokeSessions();
  }

  /** All sessions end with 4003, as after a token reset or a privileged intent that was switched off. */
  revokeSessions(): void {
    for (const connection of [...this.connections]) {
      if (connection.session !== null) connection.close(GatewayCloseCode.NotAuthenticated, "Session revoked.");
    }
    this.sessions.clear();
  }

  /** Ends sessions nobody resumed in time. */
  expireSessions(afterMs: number = this.options.sessionTtlMs): void {
    for (const [id, session] of this.sessions) {
      if (session.connection === null && Date.now() - session.lostAtMs >= afterMs && !session.endedByClient) {
        this.sessions.delete(id);
      }
    }
  }

  /** Sends an event to every session that is to receive it, and tells to how many. */
  dispatch(event: string, data: unknown, { shardId, guildId }: DispatchTarget = {}): number {
    const guild = guildId ?? guildOf(event, data);
    const botId = this.world.bot.id;
    const whole = JSON.stringify(data) ?? "null";
    let receivers = 0;
    this.world.messages.follow(event, data);
    this.expireSessions();
    for (const session of this.sessions.values()) {
      const [id, count] = session.shard;
      // "Events without guild_id go only to shard 0."
      if (id !== (shardId ?? (guild === null ? 0 : shardOf(guild, count))) || session.endedByClient) continue;
      if (!isSubscribed(session.intents, event, data, guild, botId)) continue;
      const visible = visibleData(session.intents, event, data, botId);
      this.deliver(session, event, visible === data ? whole : JSON.stringify(visible));
      receivers++;
    }
    return receivers;
  }

  /** Numbers a dispatch of one session and sends it, or keeps it until the session is resumed. */
  deliver(session: Session, event: string, data: string): void {
    const dispatch = session.append(event, data, this.options.replayLimit);
    session.connection?.deliver(dispatch);
  }
}
