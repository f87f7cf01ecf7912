import { GatewayCloseCode } from "../close_code.ts";
import { GatewayOpcode } from "../opcode.ts";
import { answerCommand, commandFault, isCommand } from "./commands.ts";
import { canCompress } from "./compressor.ts";
import { isFields } from "./event_rules.ts";
import { HeartbeatWatch } from "./heartbeat_watch.ts";
import type { Hub } from "./hub.ts";
import type { Link, LinkHandler, Via } from "./link.ts";
import { PayloadInlet } from "./payload_inlet.ts";
import { PayloadOutlet } from "./payload_outlet.ts";
import type { CloseRecord, ConnectionRecord, ReceivedRecord } from "./records.ts";
import { resumeSession } from "./resume_session.ts";
import { endsSession } from "./session.ts";
import type { NumberedDispatch, Session } from "./session.ts";
import { startSession } from "./start_session.ts";

/** Where a connection is; `waiting` is after IDENTIFY or RESUME and before READY or RESUMED. */
type Phase = "opening" | "greeting" | "unidentified" | "waiting" | "live" | "invalidated" | "closed";

/** What a connection can be held at. */
export type Hold = "hello" | "ready" | "guilds" | "replay";

const { UnknownError, UnknownOpcode, DecodeError, NotAuthenticated, InvalidApiVersion } = GatewayCloseCode;

/** The gateway's side of one connection: its rules, whatever carries it. */
export class ClientConnection implements LinkHandler {
  readonly record: ConnectionRecord;
  /** The shard, once IDENTIFY or RESUME said which. */
  shardId: number | null = null;
  /** The session the connection serves. */
  session: Session | null = null;
  readonly #hub: Hub;
  readonly #inlet: PayloadInlet;
  readonly #heart: HeartbeatWatch;
  readonly #held = new Map<Hold, () => void>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #link: Link | null = null;
  #outlet: PayloadOutlet | null = null;
  #phase: Phase = "opening";
  #reconnectAsked = false;

  /** Prepares a connection that is being opened. */
  constructor(hub: Hub, id: number, url: string, via: Via) {
    const { pathname, search, searchParams } = new URL(url);
    this.#hub = hub;
    this.#inlet = new PayloadInlet(hub.options);
    this.#heart = new HeartbeatWatch(hub.options, {
      violate: (text) => this.violate(text),
      timeout: (code) => code === "drop" ? this.drop() : this.close(code, "No heartbeat in time."),
    });
    const query = Object.fromEntries(searchParams);
    this.record = { id, url: `${pathname}${search}`, query, via, atMs: Date.now() };
  }

  /** Whether the connection can carry payloads. */
  get open(): boolean {
    return this.#phase !== "opening" && this.#phase !== "closed";
  }

  /** Whether IDENTIFY or RESUME was accepted and not taken back. */
  get identified(): boolean {
    return this.#phase === "live" || this.#phase === "waiting";
  }

  // What carries the connection calls the next three.

  opened(link: Link): void {
    this.#link = link;
    this.#phase = "greeting";
    this.#hub.connections.add(this);
    this.#hub.records.add("connection", this.record);
    const { v, encoding = "json", compress = "" } = this.record.query;
    if (v !== "10") return this.close(InvalidApiVersion, "Only version 10 is spoken here.");
    if (encoding !== "json") return this.close(DecodeError, "Only JSON is spoken here.");
    if (compress !== "" && !canCompress(compress)) return this.close(UnknownError, "Unknown compression.");
    this.#outlet = new PayloadOutlet(this.#hub.writer, link, compress);
    const { faults } = this.#hub;
    if (faults.reconnectsBeforeHello > 0) {
      faults.reconnectsBeforeHello--;
      return this.askToReconnect();
    }
    this.#after(faults.helloDelayMs, () => this.holdOr("hello", faults.withholdHello, () => this.#hello()));
  }

  received(data: string | Uint8Array): void {
    if (!this.open) return;
    const payload = this.#inlet.read(data);
    if ("code" in payload) return this.refuse(payload.code, payload.reason);
    const { op, d, bytes } = payload;
    const record: ReceivedRecord = {
      connectionId: this.record.id,
      shardId: this.shardId,
      op,
      d: isFields(d) && "token" in d ? { ...d, token: this.#hub.isToken(d.token) ? "ok" : "wrong" } : d,
      atMs: Date.now(),
      bytes,
      lastSequence: this.#heart.lastSequence,
    };
    this.#hub.records.add("payload", record);
    if (this.#phase === "greeting") this.violate(`op ${op} was sent before HELLO`);
    if (op === GatewayOpcode.Heartbeat) this.#heartbeat(d, record);
    else if (op === GatewayOpcode.Identify) startSession(this.#hub, this, d, record);
    else if (op === GatewayOpcode.Resume) resumeSession(this.#hub, this, d, record);
    else this.#command(op, d);
  }

  ended(code: number, reason: string): void {
    if (!this.open) return;
    const final = code === 1000 || code === 1001;
    // "Closing with 1000 or 1001 after op 7 silently kills the session."
    if (final && this.#reconnectAsked) this.violate(`closed with ${code} after op 7, which ends the session`);
    if (final && this.session !== null) this.session.endedByClient = true;
    this.#end(code, reason, code === 1006 || code === 0 ? "network" : "client");
  }

  // The gateway's verbs.

  /** Closes with a code, `null` for none. */
  close(code: number | null, reason: string): void {
    if (!this.open) return;
    if (this.session !== null && endsSession(code)) this.#hub.sessions.delete(this.session.id);
    this.#end(code ?? 1005, reason, "server");
    this.#link?.close(code, reason);
  }

  /** Closes because the client broke a rule. */
  refuse(code: number, reason: string): void {
    this.violate(`${code}: ${reason}`);
    this.close(code, reason);
  }

  /** Breaks the connection; the session stays. */
  drop(): void {
    if (!this.open) return;
    this.#end(1006, "", "network");
    this.#link?.drop();
  }

  /** See {@linkcode Link.freeze}. */
  freeze(on: boolean): void {
    this.#heart.trustSequences = false;
    this.#link?.freeze(on);
  }

  /** See {@linkcode Link.cutAfter}. */
  cutAfter(bytes: number): void {
    this.#link?.cutAfter(bytes);
  }

  /** Sends op 7, and closes some time later where told so. */
  askToReconnect(closeAfterMs?: number): void {
    this.#reconnectAsked = true;
    this.#transmit(GatewayOpcode.Reconnect, "null");
    if (closeAfterMs !== undefined) this.#after(closeAfterMs, () => this.close(UnknownError, "Reconnect was asked."));
  }

  /** Sends op 1. */
  askForHeartbeat(): void {
    this.#transmit(GatewayOpcode.Heartbeat, "null");
  }

  /** Sends op 9, perhaps late. Unless it is resumable, the session is gone. */
  invalidate(resumable: boolean, afterMs = 0): void {
    if (this.session !== null && !resumable) this.#hub.sessions.delete(this.session.id);
    this.#detach();
    this.#held.clear();
    this.#phase = "invalidated";
    this.#after(afterMs, () => this.#transmit(GatewayOpcode.InvalidSession, String(resumable)));
  }

  /** Sends something as it is: text as a payload unless `bare`, bytes always bare. */
  sendRaw(data: string | Uint8Array, bare: boolean): void {
    if (typeof data !== "string" || bare) this.#outlet?.sendBare(data);
    else this.#outlet?.sendText(data);
  }

  /** See {@linkcode PayloadOutlet.corrupt}. */
  corrupt(): void {
    this.#outlet?.corrupt();
  }

  /** Goes on at once, or when what holds it is released. */
  holdOr(hold: Hold, held: boolean, goOn: () => void): void {
    if (held) this.#held.set(hold, goOn);
    else goOn();
  }

  /** Goes on with what was held. */
  release(hold: Hold): void {
    const goOn = this.#held.get(hold);
    this.#held.delete(hold);
    goOn?.();
  }

  /** Keeps a rule the client broke. */
  violate(text: string): void {
    this.#hub.violate(this.record.id, text);
  }

  // What starting and resuming a session need.

  /** IDENTIFY or RESUME was accepted; READY or RESUMED is still to come. */
  await(compressesPayloads: boolean): void {
    this.#phase = "waiting";
    if (this.#outlet !== null) this.#outlet.compressesPayloads = compressesPayloads;
  }

  /** Serves a session from now on; the client has its dispatches up to a number. */
  attach(session: Session, sequence: number | null = null): void {
    this.session = session;
    session.connection = this;
    this.#heart.restart(sequence);
  }

  /** READY or RESUMED is on its way: events may follow. */
  goLive(): void {
    this.#phase = "live";
  }

  /** Sends a numbered dispatch. */
  send({ sequence, type, data }: NumberedDispatch): void {
    this.#heart.sent(sequence);
    this.#transmit(GatewayOpcode.Dispatch, data, sequence, type);
  }

  /** Sends an event of the session, which waits for the replay to reach it where there is one. */
  deliver(dispatch: NumberedDispatch): void {
    if (this.#phase === "live") this.send(dispatch);
  }

  #command(op: number, d: unknown): void {
    if (!isCommand(op)) return this.refuse(UnknownOpcode, `Opcode ${op} was sent.`);
    if (!this.identified) {
      const after = this.#phase === "invalidated" ? "after op 9" : "before IDENTIFY";
      return this.refuse(NotAuthenticated, `Op ${op} was sent ${after}.`);
    }
    const fault = commandFault(op, d);
    if (fault !== null) return this.refuse(UnknownOpcode, `Op ${op}: ${fault}.`);
    if (this.session === null) return;
    for (const warning of answerCommand(this.#hub, this.session, op, d)) this.violate(warning);
  }

  #hello(): void {
    this.#phase = "unidentified";
    const interval = this.#hub.options.heartbeatIntervalMs;
    this.#transmit(GatewayOpcode.Hello, JSON.stringify({ heartbeat_interval: interval, _trace: ["local"] }));
    this.#heart.start();
  }

  #heartbeat(d: unknown, record: ReceivedRecord): void {
    if (d !== null && !(Number.isInteger(d) && (d as number) >= 0)) {
      return this.refuse(UnknownOpcode, "The data of a heartbeat is neither null nor an integer.");
    }
    this.#hub.records.add("heartbeat", record);
    this.#heart.beat(d as number | null, this.session !== null);
    if (!this.#hub.faults.withholdAcks) this.#transmit(GatewayOpcode.HeartbeatAck, "null");
  }

  #transmit(op: number, data: string, sequence: number | null = null, type: string | null = null): void {
    this.#outlet?.send(op, data, sequence, type);
  }

  #after(ms: number, act: () => void): void {
    if (ms === 0) return act();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #detach(): void {
    const { session } = this;
    this.session = null;
    if (session?.connection !== this) return;
    session.connection = null;
    session.lostAtMs = Date.now();
  }

  #end(code: number, reason: string, initiator: CloseRecord["initiator"]): void {
    this.#phase = "closed";
    for (const timer of this.#timers) clearTimeout(timer);
    this.#heart.stop();
    this.#held.clear();
    this.#outlet?.[Symbol.dispose]();
    this.#outlet = null;
    this.#detach();
    this.#hub.connections.delete(this);
    const { shardId, record: { id: connectionId } } = this;
    this.#hub.records.add("close", { connectionId, shardId, code, reason, initiator, atMs: Date.now() });
  }
}
