import { CommandQueue } from "./command_queue.ts";
import { Decompressor, type DecompressorLike, isSupported } from "./decompressor.ts";
import { Dispatcher } from "./dispatcher.ts";
import { DisconnectError } from "./errors.ts";
import { GatewayEvent } from "./gateway_event.ts";
import { Handled } from "./handled.ts";
import type { HTTPClient } from "./http_client.ts";
import { Latch } from "./latch.ts";
import { listenerErrorTo } from "./listener_error.ts";
import { MembersRequests } from "./members_requests.ts";
import type { GatewayEvents, PresenceUpdateData, RawEvents } from "./payload.ts";
import { INITIAL_RECOVERY, type Recovery } from "./recovery.ts";
import { INITIAL_STATE, type ResumableSession, type SessionState } from "./session.ts";
import { SessionSaver } from "./session_saver.ts";
import { type Session, sessionKeyOf } from "./session_store.ts";
import type { ShardEvents, ShardPhase } from "./shard_events.ts";
import type { Compress, ShardOptions } from "./shard_options.ts";
import type { IdentifyRateLimiter } from "./times_per.ts";

/** What a shard is made of besides its options. */
export interface ShardParts {
  /** The shard's id. */
  readonly shardId: number;
  /** How many shards there are. */
  readonly shardCount: number;
  /** What to identify with. */
  readonly intents: number;
  /** What to identify with. */
  readonly token: string;
  /** Decides when to identify. */
  readonly identifyRateLimiter: IdentifyRateLimiter;
  /** Opens the sockets. */
  readonly httpClient: HTTPClient;
}

/** What outlives a shard's connections: its settings, its dispatchers, its session and what is waiting to be sent. */
export class ShardCore {
  readonly parts: Omit<ShardParts, "token">;
  readonly options: ShardOptions;
  readonly compress: Compress;
  readonly connectTimeoutMs: number;
  readonly libraryName: string;
  readonly rawDispatcher: Dispatcher<RawEvents>;
  readonly eventDispatcher: Dispatcher<GatewayEvents>;
  readonly dispatcher: Dispatcher<ShardEvents>;
  /** The gateway has said HELLO. */
  readonly connected: Latch = new Latch();
  /** Events flow: READY or RESUMED has come. */
  readonly ready: Latch = new Latch();
  /** The end: fulfilled by `close()`, rejected by a critical error. */
  readonly closed: Latch = new Latch();
  readonly commands: CommandQueue = new CommandQueue();
  readonly requests: MembersRequests;
  readonly saver: SessionSaver | null;
  #token: string;
  /** As it is sent; see `identifyWith`. */
  presence: PresenceUpdateData | null = null;
  shouldReconnect = true;
  state: SessionState = INITIAL_STATE;
  recovery: Recovery = INITIAL_RECOVERY;
  /** Seconds, or `null` before the first ACK of a connection. */
  latency: number | null = null;
  handled: Handled;
  #phase: ShardPhase = "idle";

  constructor(parts: ShardParts, options: ShardOptions) {
    const { token, ...rest } = parts;
    this.parts = rest;
    // A copy: what is changed afterwards has not been checked.
    this.options = { ...options };
    this.#token = token;
    const canInflate = options.createDecompressor !== undefined || isSupported("zlib-stream");
    this.compress = options.compress ?? (canInflate ? "zlib-stream" : "none");
    this.connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
    this.libraryName = options.libraryName ?? "gangway";
    this.dispatcher = new Dispatcher({
      onListenerError: (error, event) => report(error, event),
    });
    const report = listenerErrorTo(this.dispatcher);
    this.rawDispatcher = new Dispatcher({ onListenerError: report });
    this.eventDispatcher = new Dispatcher({ onListenerError: report });
    this.requests = new MembersRequests(() => this.state.phase === "ready");
    this.handled = new Handled(0, () => {});
    this.saver = options.sessionStore === undefined ? null : new SessionSaver({
      store: options.sessionStore,
      key: sessionKeyOf(parts.shardId, parts.shardCount),
      current: () => this.session(this.handled.sequence),
      onError: (error) => this.emit("session_store_error", { error }),
    });
  }

  get token(): string {
    return this.#token;
  }

  set token(token: string) {
    this.#token = token;
  }

  get phase(): ShardPhase {
    return this.#phase;
  }

  /** The shard does something else now. */
  enter(phase: ShardPhase): void {
    const previous = this.#phase;
    if (phase === previous) return;
    this.#phase = phase;
    this.emit("phase", { phase, previous });
  }

  /** Tells on `dispatcher`, as an event that knows its shard. */
  emit<Name extends keyof ShardEvents>(name: Name, detail: ShardEvents[Name]): void {
    if (!this.dispatcher.hasListeners(name)) return;
    this.dispatcher.emit(
      new GatewayEvent<unknown>(name, {
        shardId: this.parts.shardId,
        sessionId: this.state.session?.id ?? null,
        detail,
      }),
    );
  }

  /** The session as plain data, as of the given sequence number. */
  session(sequence: number): Session | null {
    const { session } = this.state;
    if (session === null) return null;
    const { shardId, shardCount } = this.parts;
    return { ...session, sequence, shardId, shardCount, savedAt: Date.now() };
  }

  /** Takes up a session of which everything up to its sequence number is handled; `null` forgets the one there is. */
  adopt(session: ResumableSession | null): void {
    this.state = { ...this.state, session };
    this.onSession(session?.sequence);
  }

  /** Another session, of which everything up to `handled` is handled, began, or the one there was is lost. */
  onSession(handled = 0): void {
    const { session } = this.state;
    // What listeners finish after the end is not saved any more: it will be delivered again.
    this.handled = new Handled(handled, () => {
      if (this.#phase !== "closed") this.saver?.touch();
    });
    // At once: before it is stored, a crash loses every event that its listeners have not finished.
    this.saver?.begin();
    if (session === null) {
      this.requests.loseSession(new DisconnectError("Cannot request guild members: the session was lost"));
    }
  }

  /** Makes what inflates the next connection; `null` where nothing is compressed. */
  createDecompressor(): DecompressorLike | null {
    if (this.compress === "none") return null;
    const { createDecompressor } = this.options;
    if (createDecompressor === undefined) return new Decompressor(this.compress);
    const made = createDecompressor(this.compress);
    if (typeof made?.decompress === "function" && typeof made.close === "function") return made;
    throw new TypeError("Cannot decompress: what createDecompressor gave has no decompress and close");
  }
}
