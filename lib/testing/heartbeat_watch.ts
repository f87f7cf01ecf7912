/** What a watch does besides keeping numbers. */
export interface HeartbeatWatchHost {
  violate(text: string): void;
  timeout(code: number | "drop"): void;
}

/** A client has had this long to take a dispatch in before its heartbeat has to name it. */
const STALE_AFTER_MS = 5000;
/** Numbers sent within this time share a note, for one each would be many. */
const NOTE_SPAN_MS = 100;

/** Watches the heartbeats of one connection: that they come, and that they name the right sequence number. */
export class HeartbeatWatch {
  /** The newest number that was sent, or `null`. */
  lastSequence: number | null = null;
  /** Off once frames were held back: then nobody can know what the client has received. */
  trustSequences = true;
  readonly #host: HeartbeatWatchHost;
  readonly #timeoutMs: number | undefined;
  readonly #timeoutCode: number | "drop";
  readonly #notes: { sequence: number; atMs: number }[] = [];
  #floor = 0;
  #lastBeat = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Prepares a watch. */
  constructor(
    options: { heartbeatTimeoutMs: number | undefined; heartbeatTimeoutCode: number | "drop" },
    host: HeartbeatWatchHost,
  ) {
    this.#timeoutMs = options.heartbeatTimeoutMs;
    this.#timeoutCode = options.heartbeatTimeoutCode;
    this.#host = host;
  }

  /** Starts to wait for the first heartbeat. */
  start(): void {
    if (this.#timeoutMs === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#host.timeout(this.#timeoutCode), this.#timeoutMs);
  }

  /** Stops to wait. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A dispatch was sent. */
  sent(sequence: number): void {
    this.lastSequence = sequence;
    const note = this.#notes.at(-1);
    if (note !== undefined && Date.now() - note.atMs < NOTE_SPAN_MS) note.sequence = sequence;
    else this.#notes.push({ sequence, atMs: Date.now() });
  }

  /** A session starts here, or goes on: the client has its dispatches up to this number. */
  restart(sequence: number | null): void {
    this.lastSequence = sequence;
    this.#notes.length = 0;
    this.#floor = 0;
    this.#lastBeat = 0;
  }

  /** A heartbeat arrived; its number is judged only where a session was started or resumed on this connection. */
  beat(d: number | null, judged: boolean): void {
    if (this.#timer !== undefined) this.start();
    if (!judged || !this.trustSequences) return;
    while (this.#notes.length > 0 && Date.now() - (this.#notes[0]?.atMs ?? 0) >= STALE_AFTER_MS + NOTE_SPAN_MS) {
      this.#floor = this.#notes.shift()?.sequence ?? this.#floor;
    }
    const value = d ?? 0;
    if (value > (this.lastSequence ?? 0)) this.#host.violate(`heartbeat ${d} is ahead of ${this.lastSequence}`);
    if (value < this.#lastBeat) this.#host.violate(`heartbeat ${d} came after ${this.#lastBeat}`);
    if (value < this.#floor) this.#host.violate(`heartbeat ${d} came long after sequence ${this.#floor}`);
    this.#lastBeat = value;
  }
}
