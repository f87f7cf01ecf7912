import { Connection, type ConnectionEnd } from "./connection.ts";
import { delay } from "./delay.ts";
import { asGatewayError } from "./disconnect_reason.ts";
import { type GatewayError, ReconnectCheckFailedError } from "./errors.ts";
import { fatalErrorOf } from "./fatal_error.ts";
import { Latch } from "./latch.ts";
import {
  afterConnection,
  type ConnectionLife,
  INITIAL_RECOVERY,
  isSessionDead,
  reconnectDelayMs,
  type Recovery,
  trustsResumeUrl,
} from "./recovery.ts";
import { isSessionOf, sessionKeyOf } from "./session_store.ts";
import type { ShardCore } from "./shard_core.ts";
import type { IdentifyPermit } from "./times_per.ts";

const NO_LIFE: ConnectionLife = { onResumeUrl: false, greeted: false, sent: null, answered: false, usableAt: null };

/** Keeps a shard connected from `connect()` to its end: one connection after the other, at most one at a time. */
export class ReconnectLoop {
  readonly #core: ShardCore;
  readonly #signal: AbortSignal;
  #recovery: Recovery = INITIAL_RECOVERY;
  #connection: Connection | null = null;
  /** The first connection is being opened: a permit to identify is at hand where one is needed. */
  readonly started: Latch = new Latch();

  constructor(core: ShardCore, signal: AbortSignal) {
    this.#core = core;
    this.#signal = signal;
  }

  /**
   * Keeps the shard connected.
   *
   * @throws {GatewayError} When there is no use in going on; else it rejects with the signal's reason.
   */
  async run(): Promise<never> {
    await this.#loadSession();
    for (;;) {
      const end = await this.#connect();
      if (end.fatalCode !== null) throw fatalErrorOf(end.fatalCode, this.#core.parts);
      await this.#recover(end);
    }
  }

  /** Gives up the connection there is, for a reason of the shard's own; the next one follows. */
  giveUp(reason: GatewayError): void {
    this.#connection?.giveUp(reason);
  }

  /** Closes the connection there is, once the signal has been aborted. */
  async close(code: number): Promise<void> {
    await this.#connection?.close(code);
  }

  async #connect(): Promise<ConnectionEnd> {
    const core = this.#core;
    let permit: IdentifyPermit | null = null;
    if (core.state.session === null) {
      try {
        permit = await this.#permit();
      } catch (error) {
        if (this.#signal.aborted || error instanceof ReconnectCheckFailedError) throw error;
        return { life: NO_LIFE, error: asGatewayError(error), fatalCode: null, pauseMs: [0, 0] };
      }
    }
    core.enter("connecting");
    // Whoever was told may have closed the shard.
    if (this.#signal.aborted) {
      permit?.[Symbol.dispose]();
      throw this.#signal.reason;
    }
    this.started.fulfil();
    this.#connection = new Connection(core, { ...this.#place(), permit, signal: this.#signal });
    return await this.#connection.run();
  }

  async #permit(): Promise<IdentifyPermit> {
    const { shouldReconnect, parts: { identifyRateLimiter, shardId, shardCount } } = this.#core;
    if (!shouldReconnect) {
      throw new ReconnectCheckFailedError(
        `Cannot connect shard ${shardId} to the gateway: it has to identify, and shouldReconnect is false`,
      );
    }
    this.#core.enter("waiting");
    return await identifyRateLimiter.acquire({ shardId, shardCount, signal: this.#signal });
  }

  /** "Use the resume_gateway_url to resume", and the normal URL for everything else. */
  #place(): { url: string | undefined; onResumeUrl: boolean } {
    const { options: { gatewayUrl }, state: { session } } = this.#core;
    const resumeUrl = trustsResumeUrl(this.#recovery) && session?.resumeUrl;
    return resumeUrl && gatewayUrl === undefined
      ? { url: resumeUrl, onResumeUrl: true }
      : { url: gatewayUrl, onResumeUrl: false };
  }

  async #recover({ life, error, pauseMs: [least, most] }: ConnectionEnd): Promise<void> {
    const core = this.#core;
    const { shardCount } = core.parts;
    const now = performance.now();
    this.#recovery = afterConnection(this.#recovery, life, now);
    if (core.state.session !== null && isSessionDead(this.#recovery)) core.adopt(null);
    const delayMs = Math.max(
      reconnectDelayMs(this.#recovery, { identifies: core.state.session === null, shardCount }, Math.random()),
      least + Math.random() * (most - least),
    );
    core.enter("backing_off");
    core.emit("reconnecting", { attempt: this.#recovery.attempt, delayMs, error });
    await delay(delayMs, { signal: this.#signal });
  }

  async #loadSession(): Promise<void> {
    const core = this.#core;
    const { options: { sessionStore }, parts: { shardId, shardCount } } = core;
    if (sessionStore === undefined || core.state.session !== null) return;
    try {
      const session = await sessionStore.load(sessionKeyOf(shardId, shardCount), { signal: this.#signal });
      if (isSessionOf(session, shardId, shardCount)) {
        const { id, sequence, resumeUrl } = session;
        core.adopt({ id, sequence, resumeUrl });
      }
    } catch (error) {
      if (!this.#signal.aborted) core.emit("session_store_error", { error });
    }
    this.#signal.throwIfAborted();
  }
}
