import { abortable } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import { Connection, type ConnectionEnd } from "./connection.ts";
import { delay } from "./delay.ts";
import { DisconnectError, type GatewayError } from "./errors.ts";
import { takePermit } from "./identify.ts";
import { Latch } from "./latch.ts";
import {
  afterClose,
  afterConnection,
  type ConnectionLife,
  isSessionDead,
  reconnectDelayMs,
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
  #connection: Connection | null = null;
  /** The first connection is being opened: a permit to identify is at hand where one is needed. */
  readonly started: Latch = new Latch();

  constructor(core: ShardCore, signal: AbortSignal) {
    this.#core = core;
    this.#signal = signal;
    core.recovery = afterClose(core.recovery);
  }

  /**
   * Keeps the shard connected.
   *
   * @throws {Error} When there is no use in going on; else it rejects with the signal's reason.
   */
  async run(): Promise<never> {
    await this.#loadSession();
    for (;;) await this.#recover(await this.#connect());
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
        core.enter("waiting");
        permit = await takePermit(core, this.#signal);
      } catch (error) {
        if (this.#signal.aborted || !(error instanceof DisconnectError)) throw error;
        return { life: NO_LIFE, error, pauseMs: [0, 0] };
      }
    }
    core.enter("connecting");
    // Whoever was told may have closed the shard.
    if (this.#signal.aborted) {
      void attempt(async () => await permit?.[Symbol.dispose]());
      throw this.#signal.reason;
    }
    this.started.fulfil();
    this.#connection = new Connection(core, { ...this.#place(), permit, signal: this.#signal });
    return await this.#connection.run();
  }

  /** "Use the resume_gateway_url to resume", and the normal URL for everything else. */
  #place(): { url: string | undefined; onResumeUrl: boolean } {
    const { options: { gatewayUrl }, state: { session } } = this.#core;
    const resumeUrl = trustsResumeUrl(this.#core.recovery) && session?.resumeUrl;
    return resumeUrl && gatewayUrl === undefined
      ? { url: resumeUrl, onResumeUrl: true }
      : { url: gatewayUrl, onResumeUrl: false };
  }

  async #recover({ life, error, pauseMs: [least, most] }: ConnectionEnd): Promise<void> {
    const core = this.#core;
    const { shardCount } = core.parts;
    const now = performance.now();
    const recovery = core.recovery = afterConnection(core.recovery, life, now);
    if (core.state.session !== null && isSessionDead(recovery)) core.adopt(null);
    const delayMs = Math.max(
      reconnectDelayMs(recovery, { identifies: core.state.session === null, shardCount }, Math.random()),
      least + Math.random() * (most - least),
    );
    core.enter("backing_off");
    core.emit("reconnecting", { attempt: recovery.attempt, delayMs, error });
    await delay(delayMs, { signal: this.#signal });
  }

  async #loadSession(): Promise<void> {
    const core = this.#core;
    const { options: { sessionStore }, parts: { shardId, shardCount }, token } = core;
    if (sessionStore === undefined || core.state.session !== null) return;
    try {
      // What was to be deleted must not be found.
      await core.saver?.flush();
      const key = sessionKeyOf(shardId, shardCount);
      const session = await abortable(sessionStore.load(key, { signal: this.#signal }), this.#signal);
      // A session is worth nothing with another token.
      if (core.token === token && isSessionOf(session, shardId, shardCount)) {
        const { id, sequence, resumeUrl } = session;
        core.adopt({ id, sequence, resumeUrl });
      }
    } catch (error) {
      if (!this.#signal.aborted) core.emit("session_store_error", { error });
    }
    this.#signal.throwIfAborted();
  }
}
