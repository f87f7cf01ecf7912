import type { Link, LinkHandler } from "./link.ts";

/** Something to be done on the other end, unless the connection is frozen or broken by then. */
type Delivery = () => void;

const utf8 = new TextEncoder();

/**
 * The client's end of a connection in memory: a `WebSocket` as the standard describes it, with no socket below.
 *
 * Everything is delivered in order, in microtasks, so that nothing needs real time to pass.
 */
export class MemoryWebSocket extends EventTarget {
  /** {@linkcode WebSocket.CONNECTING} */
  static readonly CONNECTING = 0;
  /** {@linkcode WebSocket.OPEN} */
  static readonly OPEN = 1;
  /** {@linkcode WebSocket.CLOSING} */
  static readonly CLOSING = 2;
  /** {@linkcode WebSocket.CLOSED} */
  static readonly CLOSED = 3;
  /** {@linkcode WebSocket.CONNECTING} */
  readonly CONNECTING = 0;
  /** {@linkcode WebSocket.OPEN} */
  readonly OPEN = 1;
  /** {@linkcode WebSocket.CLOSING} */
  readonly CLOSING = 2;
  /** {@linkcode WebSocket.CLOSED} */
  readonly CLOSED = 3;
  /** The address. */
  readonly url: string;
  /** No subprotocol. */
  readonly protocol = "";
  /** No extension. */
  readonly extensions = "";
  /** Nothing waits: everything sent is taken at once. */
  readonly bufferedAmount = 0;
  /** How bytes are handed out. */
  binaryType: BinaryType = "blob";
  /** Called when the connection is open. */
  onopen: ((event: Event) => void) | null = null;
  /** Called for each message. */
  onmessage: ((event: MessageEvent) => void) | null = null;
  /** Called when the connection fails. */
  onerror: ((event: Event) => void) | null = null;
  /** Called when the connection ended. */
  onclose: ((event: CloseEvent) => void) | null = null;
  #readyState: 0 | 1 | 2 | 3 = 0;
  readonly #handler: LinkHandler | null;
  #frozen = false;
  /** What is under way, oldest first. */
  readonly #deliveries: Delivery[] = [];
  #bytesLeft = Infinity;

  /** Opens a connection to a handler, or fails where there is none. */
  constructor(url: string, handler: LinkHandler | null) {
    super();
    this.url = url;
    this.#handler = handler;
    this.#later(() => {
      // Closed in the meantime: the close fails the connection.
      if (this.#readyState !== 0) return;
      if (handler === null) return this.#fail();
      this.#readyState = 1;
      this.#fire(new Event("open"));
      handler.opened(this.#link());
    });
  }

  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** Sends text or bytes; what is sent after the close is thrown away, as the standard says. */
  send(data: string | ArrayBuffer | ArrayBufferView): void {
    if (this.#readyState === 0) throw new DOMException("Cannot send: the connection is not open", "InvalidStateError");
    if (this.#readyState !== 1) return;
    const payload = typeof data === "string" ? data : copyOf(data);
    this.#later(() => {
      if (this.#readyState !== 3) this.#handler?.received(payload);
    });
  }

  /** Closes, with a code of 1000 or 3000 to 4999. */
  close(code?: number, reason = ""): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new DOMException(`Cannot close with code ${code}: not 1000 or 3000 to 4999`, "InvalidAccessError");
    }
    if (utf8.encode(reason).length > 123) {
      throw new DOMException("Cannot close: the reason has more than 123 bytes", "SyntaxError");
    }
    if (this.#readyState >= 2) return;
    const opened = this.#readyState === 1;
    this.#readyState = 2;
    this.#later(() => {
      if (this.#readyState === 3) return;
      if (!opened) return this.#fail();
      this.#handler?.ended(code ?? 1005, reason);
      this.#later(() => this.#close(code ?? 1005, reason, true));
    });
  }

  #link(): Link {
    return {
      send: (data) => this.#receive(data),
      close: (code, reason) =>
        this.#later(() => {
          if (this.#readyState !== 3) this.#close(code ?? 1005, reason, true);
        }),
      drop: () => this.#drop(),
      freeze: (on) => this.#freeze(on),
      cutAfter: (bytes) => {
        this.#bytesLeft = bytes;
      },
    };
  }

  #receive(data: string | Uint8Array): void {
    this.#bytesLeft -= typeof data === "string" ? utf8.encode(data).length : data.length;
    // A message that is cut never arrives.
    if (this.#bytesLeft < 0) return this.#drop();
    this.#later(() => {
      if (this.#readyState !== 1) return;
      const payload = typeof data === "string"
        ? data
        : this.binaryType === "arraybuffer"
        ? copyOf(data).buffer
        : new Blob([copyOf(data)]);
      this.#fire(new MessageEvent("message", { data: payload }));
    });
  }

  #drop(): void {
    this.#handler?.ended(1006, "");
    // What was held back is lost.
    if (this.#frozen) this.#deliveries.length = 0;
    this.#frozen = false;
    this.#later(() => this.#fail());
  }

  #freeze(on: boolean): void {
    this.#frozen = on;
    for (let count = on ? 0 : this.#deliveries.length; count > 0; count--) this.#deliverSoon();
  }

  #fail(): void {
    if (this.#readyState === 3) return;
    this.#readyState = 3;
    this.#fire(new Event("error"));
    this.#fire(closeEvent({ code: 1006, reason: "", wasClean: false }));
  }

  #close(code: number, reason: string, wasClean: boolean): void {
    if (this.#readyState === 3) return;
    this.#readyState = 3;
    this.#fire(closeEvent({ code, reason, wasClean }));
  }

  #later(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#deliverSoon();
  }

  /** Delivers the oldest in a microtask, which fake timers leave alone. */
  #deliverSoon(): void {
    Promise.resolve().then(() => {
      if (!this.#frozen) this.#deliveries.shift()?.();
    });
  }

  #fire(event: Event): void {
    this.dispatchEvent(event);
    // `on…` attributes come after listeners here; nobody should rely on the order.
    const handler = this[`on${event.type}` as "onopen"];
    handler?.call(this, event as MessageEvent & CloseEvent);
  }
}

/** Node has had the class since version 23 only. */
function closeEvent(init: { code: number; reason: string; wasClean: boolean }): Event {
  return typeof CloseEvent === "function" ? new CloseEvent("close", init) : Object.assign(new Event("close"), init);
}

function copyOf(data: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(data)) return new Uint8Array(data.slice(0));
  const copy = new Uint8Array(data.byteLength);
  copy.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return copy;
}
