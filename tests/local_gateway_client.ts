/**
 * A bare client for the tests of LocalGateway: a WebSocket, an inflater and nothing that knows the protocol.
 *
 * @module
 */
import type { LocalGateway } from "@gangway/gateway/testing";
import zlib from "node:zlib";

/** A payload as it was received. */
export interface Payload {
  op: number;
  d: unknown;
  s?: number | null;
  t?: string | null;
}

/** How a connection ended. */
export interface Close {
  code: number;
  reason: string;
}

/** What a test can vary. */
export interface BareClientOptions {
  /** The address; the one for new sessions where not given. */
  url?: string;
  /** The query, in place of the usual one. */
  query?: string;
  /** Through memory. */
  memory?: boolean;
}

/** The data of an IDENTIFY, with all intents unless told otherwise. */
export function identify(gateway: LocalGateway, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    token: gateway.token,
    intents: 53_608_447,
    properties: { os: "test", browser: "test", device: "test" },
    ...overrides,
  };
}

/** A connection, with what arrived waiting to be taken in order. */
export class BareClient {
  /** Settles when the connection ended. */
  readonly closed: Promise<Close>;
  /** Settles when it is open, or failed to open. */
  readonly opened: Promise<boolean>;
  /** The raw messages. */
  readonly frames: (string | Uint8Array)[] = [];
  /** All payloads. */
  readonly payloads: Payload[] = [];
  /** The connection. */
  readonly socket: WebSocket;
  /** Called with what could not be decoded; without, it is thrown. */
  onerror: ((error: unknown) => void) | null = null;
  readonly #waiters: (() => void)[] = [];
  readonly #decoder: Decoder | null;
  #taken = 0;
  #ended = false;

  constructor(socket: WebSocket, compression: string) {
    this.socket = socket;
    this.#decoder = compression === "" ? null : new Decoder(compression);
    socket.binaryType = "arraybuffer";
    this.opened = new Promise((resolve) => {
      socket.addEventListener("open", () => resolve(true));
      socket.addEventListener("close", () => resolve(false));
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        this.#ended = true;
        this.#decoder?.close();
        this.#wake();
        resolve({ code, reason });
      });
    });
    socket.addEventListener("error", (event) => event.preventDefault());
    socket.addEventListener("message", ({ data }) => {
      const frame = typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer);
      this.frames.push(frame);
      try {
        this.#read(frame);
      } catch (error) {
        if (this.onerror === null) throw error;
        this.onerror(error);
      }
    });
  }

  /** The next payload of an opcode; others before it are left out. */
  async take(op: number): Promise<Payload> {
    for (;;) {
      while (this.#taken < this.payloads.length) {
        const payload = this.payloads[this.#taken++] as Payload;
        if (payload.op === op) return payload;
      }
      if (this.#ended) throw new Error(`Connection ended before op ${op} came`);
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** The next dispatch of an event. */
  async takeEvent(name: string): Promise<Payload> {
    for (;;) {
      const payload = await this.take(0);
      if (payload.t === name) return payload;
    }
  }

  /** Sends a payload. */
  send(op: number, d: unknown): void {
    this.socket.send(JSON.stringify({ op, d }));
  }

  #read(frame: string | Uint8Array): void {
    if (typeof frame === "string") this.#add(frame);
    else if (this.#decoder === null) this.#add(new TextDecoder().decode(zlib.inflateSync(frame)));
    else for (const text of this.#decoder.decode(frame)) this.#add(text);
  }

  #add(text: string): void {
    this.payloads.push(JSON.parse(text));
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** Inflates what arrived so far, from the beginning, each time: slow and plain. */
class Decoder {
  readonly #zstd: boolean;
  #input = new Uint8Array(0);
  #given = 0;

  constructor(compression: string) {
    this.#zstd = compression === "zstd-stream";
  }

  decode(bytes: Uint8Array): string[] {
    const joined = new Uint8Array(this.#input.length + bytes.length);
    joined.set(this.#input);
    joined.set(bytes, this.#input.length);
    this.#input = joined;
    const suffix = joined.subarray(-4);
    if (!this.#zstd && !(suffix[0] === 0 && suffix[1] === 0 && suffix[2] === 255 && suffix[3] === 255)) return [];
    const output = this.#zstd
      ? zlib.zstdDecompressSync(joined, { finishFlush: zlib.constants.ZSTD_e_flush })
      : zlib.inflateSync(joined, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    const text = new TextDecoder().decode(output.subarray(this.#given));
    this.#given = output.length;
    return text === "" ? [] : [text];
  }

  close(): void {
    this.#input = new Uint8Array(0);
  }
}

/** Opens a connection; it may also fail to open, which `opened` tells. */
export async function bareClient(
  gateway: LocalGateway,
  compression: "" | "zlib-stream" | "zstd-stream" = "",
  { url = gateway.gatewayUrl, query, memory = false }: BareClientOptions = {},
): Promise<BareClient> {
  const search = query ?? `?v=10&encoding=json${compression === "" ? "" : `&compress=${compression}`}`;
  const address = `${url}/${search}`;
  const client = new BareClient(memory ? gateway.createWebSocket(address) : new WebSocket(address), compression);
  await client.opened;
  return client;
}
