import { unawaited } from "./attempt.ts";
import { Decompressor, type DecompressorLike } from "./decompressor.ts";
import { splitPayloads } from "./payload_split.ts";

/** What an {@linkcode Inflow} tells. */
export interface InflowHandlers {
  /** A payload is complete. */
  onMessage(message: string): void;
  /** What came cannot be inflated; nothing more follows. */
  onError(error: unknown): void;
}

/**
 * How much is inflated at once when frames come thick and fast. Each write to a `DecompressionStream` costs about as much
 * as inflating a small frame; a large batch costs memory, and joining large frames gains nothing.
 */
const BATCH_FRAMES = 32;
const BATCH_BYTES = 16 * 1024;

/** Frames that follow what came before them more closely than this belong to the same burst, in milliseconds. */
const BURST_GAP_MS = 0.3;

/** How many frames of a burst are inflated as they come: gathering makes them wait for a timer, so it has to last. */
const BURST_FRAMES = 128;

/** "Z_SYNC_FLUSH suffix": a message is complete when it ends in these bytes. */
const ZLIB_SUFFIX = 0x0000ffff;

const decoder = new TextDecoder();

// A turn of the event loop, not a wait: it has to pass also where a test has stopped the clock.
const { setTimeout, clearTimeout } = globalThis;

/** A frame, or text, or what is to be called in its turn. */
type Incoming = Uint8Array | string | (() => void);

/**
 * From frames to payloads, strictly in order. A lone frame is inflated at once; in a burst frames are gathered for a
 * moment, inflated as one and taken apart afterwards.
 */
export class Inflow {
  readonly #decompressor: DecompressorLike | null;
  readonly #handlers: InflowHandlers;
  readonly #canGather: boolean;
  /** With zlib the bytes tell where a payload ends; with zstd every frame is one. */
  readonly #hasSuffix: boolean;
  #waiting: Incoming[] = [];
  #waitingBytes = 0;
  #isWorking = false;
  #isClosed = false;
  /** How many frames of the burst have been inflated, and when the last of them was. */
  #burst = 0;
  #lastAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The last four bytes that came, as a number. */
  #tail = 0;
  /** How many payloads have gone in and not come out. */
  #expected = 0;

  /** `decompressor` is `null` where frames are plain JSON. */
  constructor(decompressor: DecompressorLike | null, handlers: InflowHandlers) {
    this.#decompressor = decompressor;
    this.#handlers = handlers;
    // Another implementation gets what it was promised: a message at a time.
    this.#canGather = decompressor instanceof Decompressor;
    this.#hasSuffix = decompressor instanceof Decompressor && decompressor.format === "zlib-stream";
  }

  /** Takes in a frame. A text frame is taken for what it says, whatever was agreed on. */
  push(frame: ArrayBuffer | string): void {
    if (typeof frame === "string" || this.#decompressor === null) {
      const text = typeof frame === "string" ? frame : decoder.decode(frame);
      if (this.#waiting.length > 0 || this.#isWorking) this.#line(text);
      else this.#handlers.onMessage(text);
      return;
    }
    const bytes = new Uint8Array(frame);
    this.#waitingBytes += bytes.length;
    this.#line(bytes);
  }

  /** Calls back when all frames so far have been worked through. */
  end(callback: () => void): void {
    this.#line(callback);
    this.#start();
  }

  /** Lets go of everything. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    clearTimeout(this.#timer);
    unawaited(this.#decompressor?.close());
  }

  #line(incoming: Incoming): void {
    this.#waiting.push(incoming);
    if (this.#isWorking) return;
    if (!this.#canGather || this.#isFull()) return this.#start();
    // Those after the first are waited for already.
    if (this.#waiting.length > 1) return;
    if (performance.now() - this.#lastAt > BURST_GAP_MS) this.#burst = 0;
    if (this.#burst >= BURST_FRAMES) this.#gather();
    else this.#start();
  }

  #isFull(): boolean {
    return this.#waiting.length >= BATCH_FRAMES || this.#waitingBytes >= BATCH_BYTES;
  }

  #gather(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#start();
    }, 0);
  }

  #start(): void {
    if (!this.#isWorking && !this.#isClosed) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    try {
      do {
        const [first] = this.#waiting;
        if (typeof first === "object") await this.#inflate();
        else if (typeof first === "string") this.#tell(this.#waiting.shift() as string);
        else if (first !== undefined) (this.#waiting.shift() as () => void)();
      } while (!this.#isClosed && this.#goesOn());
    } catch (error) {
      if (!this.#isClosed) this.#handlers.onError(error);
      this.#isClosed = true;
    }
    this.#isWorking = false;
    this.#lastAt = performance.now();
    if (this.#waiting.length > 0 && !this.#isClosed) this.#gather();
  }

  #goesOn(): boolean {
    if (this.#waiting.length === 0) return false;
    return !this.#canGather || this.#burst < BURST_FRAMES || this.#isFull() ||
      this.#waiting.some((incoming) => typeof incoming !== "object");
  }

  /** Inflates what waits, up to the last frame that completes a payload. */
  async #inflate(): Promise<void> {
    const bytes = this.#take();
    const inflated = await this.#decompressor?.decompress(bytes) ?? null;
    if (inflated === null || this.#isClosed) return;
    const expected = this.#expected;
    this.#expected = 0;
    for (const message of splitPayloads(decoder.decode(inflated), expected)) this.#tell(message);
  }

  /** Takes out what is inflated as one: up to the last frame that completes a payload, where one does. */
  #take(): Uint8Array {
    const most = this.#canGather ? BATCH_FRAMES : 1;
    let [count, bytes, tail] = [0, 0, this.#tail];
    let [end, endBytes] = [0, 0];
    while (count < most && bytes < BATCH_BYTES) {
      const frame = this.#waiting[count];
      if (typeof frame !== "object") break;
      count++;
      bytes += frame.length;
      tail = tailAfter(tail, frame);
      if (this.#hasSuffix && tail !== ZLIB_SUFFIX) continue;
      this.#expected++;
      [end, endBytes, this.#tail] = [count, bytes, tail];
    }
    if (end === 0) [end, endBytes, this.#tail] = [count, bytes, tail];
    this.#burst += end;
    this.#waitingBytes -= endBytes;
    return joined(this.#waiting.splice(0, end) as Uint8Array[], endBytes);
  }

  #tell(message: string): void {
    if (!this.#isClosed) this.#handlers.onMessage(message);
  }
}

/** The last four bytes of a stream after one more frame, which may be shorter than they are. */
function tailAfter(tail: number, frame: Uint8Array): number {
  for (let at = Math.max(0, frame.length - 4); at < frame.length; at++) tail = tail << 8 | frame[at] as number;
  return tail >>> 0;
}

function joined(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  if (frames.length === 1) return frames[0] as Uint8Array;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const frame of frames) {
    whole.set(frame, at);
    at += frame.length;
  }
  return whole;
}
