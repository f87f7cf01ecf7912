import { unawaited } from "./attempt.ts";
import { Burst } from "./burst.ts";
import { free, joined } from "./bytes.ts";
import { Decompressor, type DecompressorLike, inflate } from "./decompressor.ts";
import { nextTurn } from "./next_turn.ts";
import { tailAfter, ZLIB_SUFFIX } from "./payload_collector.ts";
import { splitPayloads } from "./payload_split.ts";

/** What an {@linkcode Inflow} tells. */
export interface InflowHandlers {
  /** A payload is complete. */
  onMessage(message: string): void;
  /**
   * A large payload begins like this. `true` means that it is taken for received, and the rest of it is not wanted:
   * making text of it costs more than inflating it.
   */
  onHead?: ((head: string) => boolean) | undefined;
  /** What came cannot be inflated; nothing more follows. */
  onError(error: unknown): void;
}

/**
 * How much is inflated at once when frames come thick and fast. Each write to a `DecompressionStream` costs about as much
 * as inflating a small frame; a large batch costs memory, and joining large frames gains nothing.
 */
const BATCH_FRAMES = 64;
const BATCH_BYTES = 32 * 1024;

/** zlib makes up to so many bytes of one: what is inflated as one may not pass the bound that each payload has. */
const MOST_INFLATED = 1_032;

/** A payload is asked about by its head where its first chunk has at least so many bytes. */
const LARGE_BYTES = 8 * 1024;
const HEAD_BYTES = 256;

const decoder = new TextDecoder();

/** A frame, or text, or what is to be called in its turn. */
type Incoming = Uint8Array | string | (() => void);

/**
 * From frames to payloads, strictly in order. A lone frame is inflated at once; in a burst frames are gathered for a
 * moment, inflated as one and taken apart afterwards.
 */
export class Inflow {
  readonly #decompressor: DecompressorLike | null;
  /** The library's own: frames may be gathered, and what goes in and comes out belongs to nobody else. */
  readonly #own: Decompressor | null;
  readonly #handlers: InflowHandlers;
  /** With zlib the bytes tell where a payload ends; with zstd every frame is one. */
  readonly #hasSuffix: boolean;
  #waiting: Incoming[] = [];
  #waitingBytes = 0;
  #isWorking = false;
  #isClosed = false;
  readonly #burst = new Burst();
  readonly #batchBytes: number;
  /** Calls off what is about to be started. */
  #callOff: (() => void) | undefined;
  /** The last four bytes that went in, as a number. */
  #tail = 0;
  /** How many payloads have gone in and not come out. */
  #expected = 0;
  readonly #onInflated = (chunks: Uint8Array[] | null, error?: unknown): void => {
    if (error !== undefined) return this.#fail(error);
    try {
      if (chunks !== null) this.#tellAll(chunks);
    } catch (thrown) {
      return this.#fail(thrown);
    }
    this.#goOn();
  };

  /** `decompressor` is `null` where frames are plain JSON. */
  constructor(decompressor: DecompressorLike | null, handlers: InflowHandlers) {
    this.#decompressor = decompressor;
    this.#handlers = handlers;
    // Another implementation gets what it was promised: a message at a time.
    this.#own = decompressor?.constructor === Decompressor ? decompressor as Decompressor : null;
    this.#hasSuffix = this.#own?.format === "zlib-stream";
    // A batch ends with the frame that passes this, which is smaller.
    this.#batchBytes = Math.min(BATCH_BYTES, (this.#own?.maxPayloadBytes ?? Infinity) / (2 * MOST_INFLATED));
  }

  /** Takes in a frame. A text frame is taken for what it says, whatever was agreed on. */
  push(frame: ArrayBuffer | string): void {
    if (this.#isClosed) return;
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
    this.#callOff?.();
    unawaited(this.#decompressor?.close());
  }

  #line(incoming: Incoming): void {
    this.#waiting.push(incoming);
    if (this.#isWorking) return;
    if (this.#own === null || this.#isFull()) return this.#start();
    // Those after the first are waited for already.
    if (this.#waiting.length > 1) return;
    this.#burst.resume();
    if (this.#burst.isOn) this.#gather();
    else this.#start();
  }

  #isFull(): boolean {
    return this.#waiting.length >= BATCH_FRAMES || this.#waitingBytes >= this.#batchBytes;
  }

  #gather(): void {
    this.#callOff ??= nextTurn(() => {
      this.#callOff = undefined;
      this.#start();
    });
  }

  #start(): void {
    if (this.#isWorking || this.#isClosed) return;
    this.#isWorking = true;
    this.#work();
  }

  #goOn(): void {
    if (this.#hasWork()) this.#work();
    else this.#rest();
  }

  /** Works through what waits; what takes its time goes on from there when it is done. */
  #work(): void {
    try {
      do {
        const [first] = this.#waiting;
        if (typeof first === "object") {
          if (this.#own !== null) return this.#inflate(this.#own);
          const inflating = this.#decompress(this.#decompressor as DecompressorLike);
          if (inflating !== undefined) return void inflating.then(() => this.#goOn(), (error) => this.#fail(error));
        } else if (typeof first === "string") this.#tell(this.#waiting.shift() as string);
        else if (first !== undefined) (this.#waiting.shift() as () => void)();
      } while (this.#hasWork());
    } catch (error) {
      return this.#fail(error);
    }
    this.#rest();
  }

  #hasWork(): boolean {
    if (this.#isClosed || this.#waiting.length === 0) return false;
    return this.#own === null || !this.#burst.isOn || this.#isFull() ||
      this.#waiting.some((incoming) => typeof incoming !== "object");
  }

  #rest(): void {
    this.#isWorking = false;
    this.#burst.rest();
    if (this.#waiting.length > 0 && !this.#isClosed) this.#gather();
  }

  #fail(error: unknown): void {
    const wasClosed = this.#isClosed;
    this.#isClosed = true;
    if (!wasClosed) this.#handlers.onError(error);
  }

  /** Inflates what waits, up to the last frame that completes a payload. */
  #inflate(decompressor: Decompressor): void {
    const frames = this.#take();
    const bytes = joined(frames);
    const whenRead = inflate(decompressor, bytes, this.#onInflated);
    // A single frame is the socket's: others may be looking at it.
    if (frames.length > 1) void whenRead.then(() => free(bytes));
  }

  #tellAll(chunks: readonly Uint8Array[]): void {
    const expected = this.#expected;
    this.#expected = 0;
    if (expected === 1 && this.#isSkipped(chunks[0] as Uint8Array)) return chunks.forEach(free);
    for (const message of splitPayloads(textOf(chunks), expected)) this.#tell(message);
  }

  /** Inflates the next frame; at once, where the owner's decompressor does. */
  #decompress(decompressor: DecompressorLike): Promise<void> | undefined {
    const [frame] = this.#take() as [Uint8Array];
    const inflated = decompressor.decompress(frame);
    if (inflated == null || inflated instanceof Uint8Array) return this.#onPayload(inflated);
    // What is no promise of the platform's may call back at once, and every frame would lie deeper than the one before.
    return Promise.resolve(inflated).then((payload) => this.#onPayload(payload));
  }

  /** A decompressor of the owner's may give nothing at all where there is no payload yet. */
  #onPayload(payload: Uint8Array | null | undefined): undefined {
    if (payload != null) this.#tell(decoder.decode(payload));
  }

  #isSkipped(bytes: Uint8Array): boolean {
    const { onHead } = this.#handlers;
    return onHead !== undefined && bytes.length >= LARGE_BYTES && onHead(decoder.decode(bytes.subarray(0, HEAD_BYTES)));
  }

  /** Takes out what is inflated as one: up to the last frame that completes a payload, where one does. */
  #take(): Uint8Array[] {
    const most = this.#own === null ? 1 : BATCH_FRAMES;
    let count = 0;
    let bytes = 0;
    let tail = this.#tail;
    let end = 0;
    let endBytes = 0;
    // What came of it before counts towards its bound already.
    const isPartIn = this.#hasSuffix && tail !== ZLIB_SUFFIX;
    while (count < most && bytes < this.#batchBytes) {
      const frame = this.#waiting[count];
      // A large one by itself: its head may be all of it that is wanted.
      if (typeof frame !== "object" || (count > 0 && frame.length >= this.#batchBytes)) break;
      count++;
      bytes += frame.length;
      tail = tailAfter(tail, frame);
      if (this.#hasSuffix && tail !== ZLIB_SUFFIX) continue;
      this.#expected++;
      this.#tail = tail;
      end = count;
      endBytes = bytes;
      if (isPartIn) break;
    }
    if (end === 0) {
      this.#tail = tail;
      end = count;
      endBytes = bytes;
    }
    this.#burst.count(end);
    this.#waitingBytes -= endBytes;
    return this.#waiting.splice(0, end) as Uint8Array[];
  }

  #tell(message: string): void {
    if (!this.#isClosed) this.#handlers.onMessage(message);
  }
}

/** Gives the memory of the chunks back. */
function textOf(chunks: readonly Uint8Array[]): string {
  const whole = joined(chunks);
  const text = decoder.decode(whole);
  free(whole);
  chunks.forEach(free);
  return text;
}
