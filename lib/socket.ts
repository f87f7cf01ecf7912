import type { DecompressorLike } from "./decompressor.ts";

/** What a {@linkcode GatewaySocket} tells. */
export interface SocketHandlers {
  /** A payload is complete. */
  onMessage(message: Uint8Array): void;
  /** The peer closed, or what it sent cannot be inflated (`error`). Comes once, after all payloads before it. */
  onClose(code: number, error?: unknown): void;
}

/** How long an orderly close waits for the peer, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

const encoder = new TextEncoder();

/**
 * One open WebSocket: inflates what comes in, strictly in order, and hands over whole payloads. The end of the
 * connection stands in the same line, so that nothing received before it is lost.
 */
export class GatewaySocket {
  readonly #socket: WebSocket;
  readonly #decompressor: DecompressorLike | null;
  readonly #handlers: SocketHandlers;
  readonly #controller = new AbortController();
  #incoming: (ArrayBuffer | string | CloseEvent)[] = [];
  #reading = false;
  #heard = false;

  /**
   * Takes over a socket that has just been opened. `createDecompressor` gives `null` where frames are plain JSON; if it
   * throws, the socket is closed.
   */
  constructor(socket: WebSocket, createDecompressor: () => DecompressorLike | null, handlers: SocketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    try {
      this.#decompressor = createDecompressor();
    } catch (error) {
      socket.close();
      throw error;
    }
    const { signal } = this.#controller;
    socket.addEventListener("message", (event) => this.#receive(event.data), { signal });
    socket.addEventListener("close", (event) => this.#receive(event), { signal });
  }

  /** Sends a frame; one that the socket cannot take any more is lost with the connection. */
  send(frame: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /**
   * Gives the socket up: nothing is heard of it any more. Its end is not waited for, because towards a peer that does
   * not answer it never comes.
   */
  abandon(code: number): void {
    this.#controller.abort();
    this.#incoming = [];
    this.#decompressor?.close();
    this.#socket.close(code);
  }

  /** Gives the socket up and resolves when the peer has confirmed the close, or after a short while without. */
  close(code: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    if (this.#socket.readyState === WebSocket.CLOSED) resolve();
    this.#socket.addEventListener("close", () => resolve(), { once: true });
    this.abandon(code);
    return promise.finally(() => clearTimeout(timer));
  }

  /** Whether any frame came since this was last asked, whole payloads or not. */
  takeHeard(): boolean {
    const heard = this.#heard;
    this.#heard = false;
    return heard;
  }

  #receive(incoming: ArrayBuffer | string | CloseEvent): void {
    this.#heard = true;
    this.#incoming.push(incoming);
    if (!this.#reading) void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#incoming.length > 0) {
      const batch = this.#incoming;
      this.#incoming = [];
      for (const incoming of batch) {
        if (typeof incoming === "object" && "code" in incoming) return this.#end(incoming.code);
        try {
          const message = await this.#inflate(incoming);
          if (this.#controller.signal.aborted) return;
          if (message !== null) this.#handlers.onMessage(message);
        } catch (error) {
          return this.#end(1006, error);
        }
        if (this.#controller.signal.aborted) return;
      }
    }
    this.#reading = false;
  }

  /** A text frame is taken for what it says, whatever was agreed on. */
  #inflate(frame: ArrayBuffer | string): Uint8Array | null | Promise<Uint8Array | null> {
    if (typeof frame === "string") return encoder.encode(frame);
    const bytes = new Uint8Array(frame);
    return this.#decompressor === null ? bytes : this.#decompressor.decompress(bytes);
  }

  #end(code: number, error?: unknown): void {
    if (!this.#controller.signal.aborted) this.#handlers.onClose(code, error);
  }
}
