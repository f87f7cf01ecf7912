import { GatewayOpcode } from "../../mod.ts";
import type { ReconnectingData, SentPayload, ShardEvents, ShardManager } from "../../mod.ts";
import type { LocalGateway } from "../../lib/testing/mod.ts";
import { Deadlines } from "./deadlines.ts";
import { Deliveries } from "./deliveries.ts";
import { Identifies } from "./identifies.ts";
import { Liveness } from "./liveness.ts";
import { keptBetween, observe, resumableSession } from "./probe.ts";
import type { Secrecy } from "./secrecy.ts";
import { Sends } from "./sends.ts";
import type { Trace } from "./trace.ts";

/** Of what comes all the time, one in so many is looked at in full. */
const INSPECT_EVERY = 50;
const FREQUENT: ReadonlySet<string> = new Set(["sent", "heartbeat", "phase", "listener_error"]);

/** After these codes a session is gone. */
const FINAL: ReadonlySet<number> = new Set([4003, 4007, 4009]);

const decoder = new TextDecoder();

/** Options of {@linkcode Checks}. */
export interface ChecksOptions {
  gateway: LocalGateway;
  trace: Trace;
  secrecy: Secrecy;
  maxConcurrency: number;
  intervalMs: number;
  /** Whether a rule that a client seems to have broken was broken by what the run did. */
  isCaused?: (violation: string) => boolean;
}

interface Told {
  type: string;
  shardId: number;
  sessionId: string | null;
  detail: unknown;
}

/** Everything that has to hold, between one gateway and one manager. */
export class Checks {
  readonly deliveries: Deliveries;
  readonly identifies: Identifies;
  readonly sends: Sends;
  readonly liveness: Liveness;
  readonly deadlines: Deadlines;
  /** How often what happened. */
  readonly counts = {
    failedRequests: 0,
    connections: 0,
    resumes: 0,
    resumed: 0,
    listenerErrors: 0,
    gaps: 0,
    lags: 0,
    limited: 0,
    storeErrors: 0,
  };
  readonly #options: ChecksOptions;
  readonly #trace: Trace;
  #events = 0;
  #told = 0;

  /** Watches a gateway from now on. */
  constructor(options: ChecksOptions) {
    const { gateway, trace, maxConcurrency, intervalMs } = this.#options = options;
    this.#trace = trace;
    this.deliveries = new Deliveries(trace);
    this.sends = new Sends(trace, intervalMs);
    this.liveness = new Liveness(trace, intervalMs);
    this.deadlines = new Deadlines(trace);
    this.identifies = new Identifies(trace, {
      maxConcurrency,
      isResumable: (id) => resumableSession(gateway, id) !== undefined,
      onForget: (_, sessionId) => sessionId !== null && this.deliveries.forget(sessionId),
    });
    observe(gateway, {
      connection: () => this.counts.connections++,
      identify: (record) => this.identifies.onIdentify(record),
      resume: (record) => {
        this.counts.resumes++;
        trace.note(`shard ${record.shardId} resumes from ${record.seq}: ${record.outcome}`);
        this.identifies.onResume(record);
      },
      request: ({ status }) => {
        if (status !== 200) this.counts.failedRequests++;
      },
      violation: (text) => {
        if (!options.isCaused?.(text)) trace.fail(`the gateway objects: ${text}`);
      },
    });
  }

  /** Watches a manager from now on. */
  watch(manager: ShardManager): void {
    const { secrecy } = this.#options;
    manager.eventDispatcher.listenAll((event) => {
      const { type, shardId, sessionId, sequence, payload } = event;
      const text = decoder.decode(payload);
      secrecy.search("a payload", text);
      if (this.#events++ % INSPECT_EVERY === 0) secrecy.inspect("an event", event);
      const number = type === "MESSAGE_CREATE" ? /"nonce":\s*(\d+)/.exec(text)?.[1] : undefined;
      this.identifies.onEvent(shardId ?? -1);
      this.sends.onEvent(shardId ?? -1);
      this.deadlines.onEvent(shardId ?? -1);
      this.deliveries.onEvent({
        type,
        shardId: shardId ?? -1,
        sessionId: sessionId ?? "",
        sequence: sequence ?? -1,
        number: number === undefined ? null : Number(number),
      });
    });
    manager.rawDispatcher.listen(GatewayOpcode.InvalidSession, ({ d }, { shardId }) => {
      if (d !== true) this.identifies.onToldEnd(shardId ?? -1);
    });
    // Without a listener of its own the failures would be printed.
    manager.dispatcher.listen("listener_error", () => this.counts.listenerErrors++);
    manager.dispatcher.listenAll((event) => {
      const where = `the event ${event.type}`;
      if (!FREQUENT.has(event.type) || this.#told++ % INSPECT_EVERY === 0) secrecy.inspect(where, event.detail);
      else if (event.type === "sent") secrecy.search(where, JSON.stringify(event.detail));
      this.#onTold(event as unknown as Told);
    });
  }

  #onTold({ type, shardId, sessionId, detail }: Told): void {
    switch (type as keyof ShardEvents) {
      case "phase":
        return this.#onPhase(shardId, (detail as ShardEvents["phase"]).phase);
      case "ready":
      case "resumed":
        this.#trace.note(`shard ${shardId}: ${type}`);
        this.sends.onUsable(shardId);
        if (type === "ready") return this.identifies.onReady(shardId, sessionId ?? "");
        this.counts.resumed++;
        return;
      case "sent":
        return this.sends.onSent(shardId, (detail as SentPayload).op);
      case "reconnecting": {
        const { error, attempt, delayMs } = detail as ReconnectingData;
        this.#trace.note(`shard ${shardId} waits ${Math.round(delayMs)} ms, attempt ${attempt}: ${error.message}`);
        const isJudgedDead = /does not answer heartbeats/.test(error.message);
        this.liveness.onEnd(shardId, isJudgedDead, this.sends.hasHeard(shardId));
        this.sends.onEnd(shardId);
        return;
      }
      case "disconnect":
        if (FINAL.has(detail as number)) this.identifies.onToldEnd(shardId);
        return;
      case "client_disconnect":
        this.identifies.onClose(shardId);
        this.sends.onEnd(shardId);
        return this.liveness.onEnd(shardId, false, false);
      case "sequence_gap":
        return this.#onGap(shardId, sessionId ?? "", detail as ShardEvents["sequence_gap"]);
      case "lag":
        this.counts.lags++;
        return;
      case "session_store_error":
        this.counts.storeErrors++;
        // The process ends all the same, and what is in the store may be anything.
        if (((detail as ShardEvents["session_store_error"]).error as Error).name === "TimeoutError") {
          this.identifies.onSessionLost(shardId);
        }
        return;
      case "identify_limited":
        this.counts.limited++;
        return;
      case "critical":
        return this.#trace.fail(`shard ${shardId} failed: ${(detail as Error).stack}`);
    }
  }

  #onPhase(shardId: number, phase: ShardEvents["phase"]["phase"]): void {
    this.#trace.note(`shard ${shardId} is ${phase}`);
    if (phase === "connecting") this.sends.onConnecting(shardId);
    else if (phase === "identifying" || phase === "resuming") this.sends.onHello(shardId);
    else if (phase === "closed") this.sends.onEnd(shardId);
    this.deadlines.onPhase(shardId, phase);
  }

  /** The only number that is never delivered is that of a RESUMED that was lost on its way. */
  #onGap(shardId: number, sessionId: string, { sequence, missed }: ShardEvents["sequence_gap"]): void {
    this.counts.gaps++;
    this.deliveries.gapReported(sessionId, sequence, missed);
    const session = resumableSession(this.#options.gateway, sessionId);
    const lost = session === undefined ? 0 : keptBetween(session, sequence - missed, sequence);
    if (lost > 0) this.#trace.fail(`shard ${shardId} skipped ${lost} events before sequence ${sequence}`);
  }
}
