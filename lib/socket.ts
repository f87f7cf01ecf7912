import type { DecompressorLike } from "./decompressor.ts";
import { Inflow } from "./inflow.ts";
import { socketEnd } from "./settled.ts";

/** What a {@linkcode GatewaySocket} tells. */
export interface SocketHandlers {
  /** A payload is complete. */
  onMessage(message: string): void;
  /** A large payload begins like this; `true` means that the rest of it is not wanted, and it is received. */
  onHead?(head: string): boolean;
  /**
   * The peer closed, or what it sent cannot be inflated (`error`). Comes once, after all payloads before it, but for those
   * that were inflated together with what is corrupt: a resume brings them again.
   */
  onClose(code: number, error?: unknown): void;
}

/**
 * One open WebSocket: inflates what comes in, strictly in order, and hands over whole payloads. The end of the
 * connection stands in the same line, so that nothing received before it is lost.
 */
export class GatewaySocket {
  readonly #socket: WebSocket;
  readonly #inflow: Inflow;
  readonly #handlers: SocketHandlers;
  readonly #onMessage = ({ data }: MessageEvent): void => {
    this.#heard = true;
    try {
      this.#inflow.push(data);
    } catch (error) {
      // A socket of the owner's can give anything: neither text nor bytes.
      this.#handlers.onClose(1006, error);
    }
  };
  readonly #onClose = ({ code }: CloseEvent): void => {
    this.#inflow.end(() => this.#handlers.onClose(code));
  };
  #heard = false;

  /**
   * Takes over a socket that has just been opened. `createDecompressor` gives `null` where frames are plain JSON; if it
   * throws, the socket is closed.
   */
  constructor(socket: WebSocket, createDecompressor: () => DecompressorLike | null, handlers: SocketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    try {
      this.#inflow = new Inflow(createDecompressor(), {
        onMessage: handlers.onMessage,
        onHead: handlers.onHead,
        onError: (error) => handlers.onClose(1006, error),
      });
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
  }

  /**
   * Sends a frame; one that the socket cannot take any more is lost with the connection.
   *
   * @throws What the socket, which may be the owner's, throws.
   */
  send(frame: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  /**
   * Gives the socket up: nothing is heard of it any more. Its end is not waited for, because towards a peer that does
   * not answer it never comes.
   *
   * @throws What the decompressor or the socket, which may be the owner's, throws when it is closed. All else is done by
   * then.
   */
  abandon(code: number): void {
    this.#socket.removeEventListener("message", this.#onMessage);
    this.#socket.removeEventListener("close", this.#onClose);
    // First: closing the decompressor, which may be the owner's, can fail.
    try {
      this.#socket.close(code);
    } finally {
      this.#inflow.close();
    }
  }

  /** Gives the socket up and resolves when the peer has confirmed the close, or after a short while without. */
  close(code: number): Promise<void> {
    const end = socketEnd(this.#socket);
    try {
      this.abandon(code);
    } catch {
      // Nothing comes after it that it could harm.
    }
    return end;
  }

  /** Whether any frame came since this was last asked, whole payloads or not. */
  takeHeard(): boolean {
    const heard = this.#heard;
    this.#heard = false;
    return heard;
  }
}
