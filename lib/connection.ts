import { abortable, onAbort } from "./abortable.ts";
import { unawaited } from "./attempt.ts";
import { isCodeless } from "./close_code.ts";
import { deliver, deliverRaw, readHead, readMessage } from "./delivery.ts";
import { asGatewayError, reasonOf, timedOut } from "./disconnect_reason.ts";
import { DisconnectError, GatewayError } from "./errors.ts";
import { DOCTOR, fatalErrorOf } from "./fatal_error.ts";
import { startHeart } from "./heart.ts";
import { checkReconnect, identifyPayload, redacted, takePermit, withToken } from "./identify.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { GatewayPayload, SentPayload } from "./payload.ts";
import { beatReserve, commandReserve, RateLimit } from "./rate_limit.ts";
import type { ConnectionLife } from "./recovery.ts";
import { heartbeat, type SessionEffect, type SessionInput, step } from "./session.ts";
import type { ShardCore } from "./shard_core.ts";
import { settled } from "./settled.ts";
import { GatewaySocket } from "./socket.ts";
import type { IdentifyPermit } from "./times_per.ts";
import { withSignals } from "./with_signals.ts";

/** How a connection ended. */
export interface ConnectionEnd {
  /** What it came to. */
  readonly life: ConnectionLife;
  /** Why it ended. */
  readonly error: GatewayError;
  /** How long to wait at least and at most before the next one, in milliseconds. */
  readonly pauseMs: readonly [number, number];
}

/** Options of a {@linkcode Connection}. */
export interface ConnectionOptions {
  /** Where to; `undefined` is the gateway's normal URL. */
  url: string | undefined;
  /** Whether that is the URL to resume on. */
  onResumeUrl: boolean;
  /** The right to identify, where there is no session. */
  permit: IdentifyPermit | null;
  /** The shard's lifetime. */
  signal: AbortSignal;
}

/** Closes a connection whose session is to be kept; 1000 and 1001 would end it. */
export const KEEP_SESSION_CODE = 4900;

/** Closes a connection together with its session. */
export const END_SESSION_CODE = 1000;

/** How long a replay may be silent, in milliseconds. */
const RESUME_TIMEOUT_MS = 30_000;

/** How long READY may take while heartbeats are answered: outages delay it, and identifies are a daily budget. */
const READY_TIMEOUT_MS = 600_000;

type Life = { -readonly [Key in keyof ConnectionLife]: ConnectionLife[Key] };

/**
 * One connection from its handshake to its end: feeds what happens to the session's rules and does what they say. All
 * that it starts dies with its signal.
 */
export class Connection {
  readonly #core: ShardCore;
  readonly #controller = new AbortController();
  readonly #ended = Promise.withResolvers<ConnectionEnd>();
  readonly #life: Life;
  readonly #url: string | undefined;
  readonly #limit = new RateLimit();
  #socket: GatewaySocket | null = null;
  /** While the handshake goes on; it settles with the end of the socket where that is given up. */
  #opening: Promise<void> | undefined;
  /** The end of the socket that is being closed in order. */
  #closing: Promise<void> | undefined;
  #permit: IdentifyPermit | null;
  #heartbeatIntervalMs = 0;
  /** When the heartbeats were sent whose ACKs have not come. */
  #beats: number[] = [];
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #progressAt = 0;
  /** The code the gateway closed with. */
  #code: number | null = null;
  /** Why the connection is about to end, where the rules cannot know it. */
  #reason: GatewayError | undefined;

  constructor(core: ShardCore, options: ConnectionOptions) {
    this.#core = core;
    this.#url = options.url;
    this.#permit = options.permit;
    this.#life = {
      onResumeUrl: options.onResumeUrl,
      greeted: false,
      sent: null,
      answered: false,
      usableAt: null,
    };
    const { signal } = this.#controller;
    onAbort(options.signal, (reason) => this.#release(reason), signal);
  }

  /**
   * Opens the socket; resolves when the connection has ended.
   *
   * @throws {Error} Rejects when there is no use in going on, and with the reason of the shard's end.
   */
  async run(): Promise<ConnectionEnd> {
    const { parts: { httpClient }, compress, connectTimeoutMs } = this.#core;
    const { signal } = this.#controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await withSignals([signal], async (handshake) => {
        timer = setTimeout(() => handshake.abort(timedOut("the handshake", connectTimeoutMs)), connectTimeoutMs);
        const opening = httpClient.connectToGateway({ url: this.#url, compress, signal: handshake.signal });
        // At once: the first messages may have come together with the end of the handshake.
        this.#opening = Promise.resolve(opening).then((socket) => {
          if (handshake.signal.aborted) socket.close(KEEP_SESSION_CODE);
          else this.#open(socket);
        });
        // A client of the user's may take no notice of the signal.
        await abortable(this.#opening, handshake.signal);
        this.#opening = undefined;
      });
    } catch (error) {
      if (!signal.aborted) this.#end(asGatewayError(error));
    } finally {
      clearTimeout(timer);
    }
    return this.#ended.promise;
  }

  /** Gives the connection up, for a reason of the shard's own. */
  giveUp(reason: GatewayError): void {
    if (this.#controller.signal.aborted) return;
    if (this.#socket === null) return this.#end(reason);
    this.#reason = reason;
    this.#feed({ type: "close", code: 1006 });
  }

  /** Closes in order, on behalf of the user, once the shard's signal has been aborted. */
  async close(code: number): Promise<void> {
    this.#closing ??= this.#socket?.close(code) ?? (this.#opening && settled(this.#opening));
    this.#socket = null;
    await this.#closing;
  }

  /** Lets go of everything the connection holds. */
  #release(reason: unknown): void {
    this.#controller.abort(reason);
    clearTimeout(this.#deadline);
    this.#returnPermit();
    this.#core.commands.shut();
    this.#core.connected.reset();
    this.#core.ready.reset();
    this.#core.latency = null;
    this.#ended.reject(reason);
    this.#ended.promise.catch(() => {});
  }

  #end(error: GatewayError, pauseMs: readonly [number, number] = [0, 0]): void {
    const fault = this.#abandon();
    this.#opening = undefined;
    this.#returnPermit();
    this.#ended.resolve({ life: this.#life, error: fault ?? error, pauseMs });
    this.#release(error);
  }

  /** There is no use in going on. */
  #fail(error: Error): void {
    this.#ended.reject(error);
    if (this.#controller.signal.aborted) return;
    this.#abandon();
    this.#release(error);
  }

  #abandon(): GatewayError | undefined {
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    let fault: GatewayError | undefined;
    try {
      socket.abandon(KEEP_SESSION_CODE);
    } catch (cause) {
      fault = new DisconnectError("Disconnected from the gateway: the socket or its decompressor cannot be closed", {
        cause,
      });
    }
    this.#core.emit("disconnect", this.#code);
    return fault;
  }

  /** Gives the permit back, where there still is one. */
  #returnPermit(): void {
    const permit = this.#permit;
    this.#permit = null;
    try {
      unawaited(permit?.[Symbol.dispose]());
    } catch (cause) {
      this.#failIdentify(cause);
    }
  }

  #failIdentify(cause: unknown): void {
    this.#fail(new GatewayError("Cannot identify: the permit of the identifyRateLimiter failed" + DOCTOR, { cause }));
  }

  #open(socket: WebSocket): void {
    const opened = new GatewaySocket(socket, () => this.#core.createDecompressor(), {
      onMessage: (message) => this.#receive(message),
      onHead: (head) => this.#receiveHead(head),
      onClose: (code, error) => this.#onClose(code, error),
    });
    // Whoever made the decompressor may have ended the connection.
    if (this.#controller.signal.aborted) return opened.abandon(KEEP_SESSION_CODE);
    this.#socket = opened;
    this.#feed({ type: "open" });
    this.#expect("HELLO", this.#core.connectTimeoutMs);
  }

  #onClose(code: number, error?: unknown): void {
    if (error !== undefined) {
      this.#reason = new DisconnectError("Disconnected from the gateway: what it sent cannot be read", {
        cause: error,
      });
    }
    if (!isCodeless(code)) this.#code = code;
    this.#feed({ type: "close", code });
  }

  #receive(message: string): void {
    this.#life.greeted = true;
    let payload: GatewayPayload | null;
    try {
      payload = readMessage(this.#core, message);
    } catch (error) {
      return this.#onClose(1006, error);
    }
    if (payload === null) return;
    const { op } = payload;
    if (op === GatewayOpcode.HeartbeatAck) this.#onAck();
    if (op !== GatewayOpcode.Dispatch) deliverRaw(this.#core, payload, message);
    this.#feed({ type: "payload", payload }, message);
  }

  #receiveHead(head: string): boolean {
    const payload = readHead(this.#core, head);
    this.#life.greeted = true;
    if (payload !== null) this.#feed({ type: "payload", payload });
    return payload !== null;
  }

  #onAck(): void {
    const sentAt = this.#beats.shift();
    if (sentAt === undefined) return;
    const latency = (performance.now() - sentAt) / 1000;
    this.#core.latency = latency;
    this.#core.emit("heartbeat", { latency });
  }

  #feed(input: SessionInput, message?: string): void {
    const core = this.#core;
    const before = core.state;
    const [state, effects] = step(before, input);
    // Settled first: whoever is called from here on sees the new state.
    core.state = state;
    // Nothing of it is handled yet: READY is about to be delivered.
    if (state.session?.id !== before.session?.id) core.onSession();
    for (const effect of effects) this.#perform(effect, input, message);
    if (state.phase !== before.phase) this.#onPhase();
  }

  #perform(effect: SessionEffect, input: SessionInput, message: string | undefined): void {
    switch (effect.type) {
      case "send":
        return this.#sendOwn(effect.payload, input.type === "beat");
      case "identify":
        return void this.#identify();
      case "heart":
        return this.#startHeart(effect.intervalMs);
      case "dispatch":
        // Now, because a connection that the user closes is not judged.
        if (!this.#life.answered) this.#core.recovery = { ...this.#core.recovery, deadResumes: 0 };
        this.#life.answered = true;
        if (this.#life.usableAt === null) this.#progressAt = performance.now();
        return deliver(
          this.#core,
          (input as { payload: GatewayPayload }).payload,
          message,
          effect.missed,
        );
      case "disconnect":
        return this.#end(this.#reason ?? reasonOf(input), effect.pauseMs);
      case "fail":
        return this.#fail(fatalErrorOf(effect.code, this.#core.parts));
    }
  }

  #onPhase(): void {
    const core = this.#core;
    const { phase } = core.state;
    if (phase === "idle" || phase === "failed") return;
    if (phase === "resuming") this.#expect("RESUMED", RESUME_TIMEOUT_MS);
    if (phase === "ready") this.#onUsable();
    if (!this.#controller.signal.aborted) core.enter(phase);
  }

  /** READY and RESUMED both mean that the shard can be used. */
  #onUsable(): void {
    const core = this.#core;
    clearTimeout(this.#deadline);
    this.#life.usableAt = performance.now();
    this.#returnPermit();
    if (this.#controller.signal.aborted) return;
    const reserve = commandReserve(this.#heartbeatIntervalMs);
    core.ready.fulfil();
    core.emit(this.#life.sent === "resume" ? "resumed" : "ready", { sessionId: core.state.session?.id ?? "" });
    // Whoever was told may have ended the connection: what it took would be lost.
    if (this.#controller.signal.aborted) return;
    core.commands.open({
      take: () => this.#limit.take(performance.now(), reserve),
      send: (payload, frame) => this.#transmit(payload, frame),
      beat: () => this.#sendOwn(heartbeat(core.state), false),
    });
  }

  #startHeart(intervalMs: number): void {
    const core = this.#core;
    this.#heartbeatIntervalMs = intervalMs;
    clearTimeout(this.#deadline);
    startHeart({
      intervalMs,
      random: Math.random(),
      signal: this.#controller.signal,
      isSuspect: () => core.state.unacked > 0,
      onBeat: () => this.#feed({ type: "beat", heard: this.#socket?.takeHeard() ?? false }),
      onLag: (lagMs) => core.emit("lag", { lagMs }),
    });
    core.connected.fulfil();
  }

  async #identify(): Promise<void> {
    const { signal } = this.#controller;
    try {
      // A permit is missing only where the session was lost after the connection had been opened for it.
      this.#permit ??= await takePermit(this.#core, signal);
      checkReconnect(this.#core);
    } catch (error) {
      if (signal.aborted) return;
      return error instanceof DisconnectError ? this.giveUp(error) : this.#fail(error as Error);
    }
    try {
      // First: whoever is told what is sent may end the connection, and with it the permit.
      unawaited(this.#permit?.sent());
    } catch (cause) {
      return this.#failIdentify(cause);
    }
    if (signal.aborted) return;
    this.#sendOwn(identifyPayload(this.#core), true);
    this.#expect("READY", READY_TIMEOUT_MS);
  }

  /**
   * Sends what the protocol asks for. Answers to requested heartbeats are left out before scheduled ones have to be;
   * before HELLO, when the interval is not known, as many are left over as any interval takes.
   */
  #sendOwn(payload: SentPayload, scheduled: boolean): void {
    const now = performance.now();
    const isBeat = payload.op === GatewayOpcode.Heartbeat;
    const reserve = isBeat && !scheduled ? beatReserve(this.#heartbeatIntervalMs || 1) : 0;
    if (this.#limit.take(now, reserve) > 0) return;
    if (isBeat) this.#beats.push(now);
    else this.#life.sent = payload.op === GatewayOpcode.Resume ? "resume" : "identify";
    const whole = withToken(payload, this.#core.token);
    this.#transmit(whole, JSON.stringify(whole));
  }

  #transmit(payload: SentPayload, frame: string): void {
    try {
      this.#socket?.send(frame);
    } catch (cause) {
      this.#core.commands.shut();
      const error = new DisconnectError("Disconnected from the gateway: the socket cannot send", { cause });
      // Later, because what is being sent for is under way.
      return queueMicrotask(() => this.giveUp(error));
    }
    if (this.#core.dispatcher.hasListeners("sent")) this.#core.emit("sent", redacted(payload));
  }

  /** Ends the connection unless something else is expected in time; a dispatch is progress. */
  #expect(what: string, ms: number): void {
    clearTimeout(this.#deadline);
    if (this.#controller.signal.aborted) return;
    this.#progressAt = performance.now();
    const check = () => {
      const left = this.#progressAt + ms - performance.now();
      if (left > 0) this.#deadline = setTimeout(check, Math.ceil(left));
      else this.giveUp(timedOut(what, ms));
    };
    this.#deadline = setTimeout(check, ms);
  }
}
