import { onAbort } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import { invalidState } from "./check.ts";
import { END_SESSION_CODE, KEEP_SESSION_CODE } from "./connection.ts";
import { printUnheard } from "./critical.ts";
import type { GatewayError } from "./errors.ts";
import { ReconnectLoop } from "./reconnect_loop.ts";
import type { ShardCore } from "./shard_core.ts";

/** A shard's beginnings and ends: `connect()`, `close()`, and the critical error. */
export class ShardLifetime {
  readonly #core: ShardCore;
  #controller: AbortController;
  #loop: ReconnectLoop | null = null;
  #running: Promise<void> = Promise.resolve();
  /** Decides whether a critical error is one; whoever sets it takes over to tell of it. */
  intercept: ((error: Error) => boolean) | null = null;
  /** Whether somebody will learn of the end. */
  isObserved = false;

  constructor(core: ShardCore) {
    this.#core = core;
    this.#controller = this.#renew();
    this.#closeOn(core.options.signal, this.#controller.signal);
  }

  /** Starts to connect; see {@linkcode Shard.connect}. */
  connect(signal: AbortSignal | undefined): Promise<void> {
    const core = this.#core;
    const obstacle = this.#obstacle(signal);
    if (obstacle !== undefined) return attempt(() => Promise.reject(obstacle.reason));
    if (this.#controller.signal.aborted) {
      this.#controller = this.#renew();
      this.#closeOn(core.options.signal, this.#controller.signal);
    }
    const loop = this.#loop = new ReconnectLoop(core, this.#controller.signal);
    this.#running = loop.run().catch((error) => this.#onEnd(loop, error));
    if (signal !== undefined) {
      const stop = this.#closeOn(signal);
      core.ready.promise.then(stop, stop);
    }
    // At once: what is sent from here on may wait for the connection.
    core.enter(core.state.session === null ? "waiting" : "connecting");
    return loop.started.promise;
  }

  /** Ends it; see {@linkcode Shard.close}. */
  async close(
    cleanup: boolean,
    reason: unknown = new DOMException("The shard was closed", "AbortError"),
  ): Promise<void> {
    const core = this.#core;
    const loop = this.#loop;
    const controller = this.#controller;
    const wasAborted = controller.signal.aborted;
    controller.abort(reason);
    core.state = { ...core.state, phase: "idle", unacked: 0 };
    const closing = loop?.close(cleanup ? END_SESSION_CODE : KEEP_SESSION_CODE);
    if (loop !== null && !wasAborted) core.emit("client_disconnect", cleanup);
    await closing;
    await this.#running;
    this.#finish(reason);
    if (cleanup) core.adopt(null);
    await core.saver?.flush();
    loop?.started.reject(reason);
    // Whoever closed at the same time may have connected again meanwhile.
    if (this.#controller === controller) core.closed.fulfil();
  }

  /** Gives up the connection there is; the next one follows. */
  giveUp(reason: GatewayError): void {
    this.#loop?.giveUp(reason);
  }

  #renew(): AbortController {
    const controller = new AbortController();
    const { rawDispatcher, eventDispatcher, dispatcher, connected, ready, closed } = this.#core;
    for (const one of [rawDispatcher, eventDispatcher, dispatcher]) one.signal = controller.signal;
    for (const latch of [connected, ready, closed]) latch.restart();
    return controller;
  }

  #obstacle(signal: AbortSignal | undefined): { reason: unknown } | undefined {
    if (this.#loop !== null) {
      return {
        reason: invalidState("connect: the shard is connected, or about to be"),
      };
    }
    const aborted = [signal, this.#core.options.signal].find((one) => one?.aborted);
    return aborted && { reason: aborted.reason };
  }

  /** Closes with the session kept when a signal aborts, until another one says that it does not matter any more. */
  #closeOn(signal: AbortSignal | undefined, until?: AbortSignal): () => void {
    return onAbort(signal, (reason) => void this.close(false, reason), until);
  }

  async #onEnd(loop: ReconnectLoop, error: unknown): Promise<void> {
    // Else who closes it tells.
    if (this.#controller.signal.aborted) return;
    await this.#fail(error as Error);
    loop.started.reject(error);
  }

  async #fail(error: Error): Promise<void> {
    const core = this.#core;
    core.state = { ...core.state, phase: "idle", unacked: 0 };
    const isOwned = this.intercept !== null;
    if (!this.intercept?.(error)) {
      if (!isOwned) printUnheard(error, core.dispatcher, this.isObserved);
      core.emit("critical", error);
    }
    this.#controller.abort(error);
    this.#finish(error);
    core.closed.reject(error);
    await core.saver?.flush();
  }

  #finish(reason: unknown): void {
    const core = this.#core;
    this.#loop = null;
    core.commands.clear(reason);
    core.requests.clear(reason);
    core.connected.reject(reason);
    core.ready.reject(reason);
    core.enter("closed");
  }
}
