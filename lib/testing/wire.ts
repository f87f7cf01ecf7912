import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { once } from "node:events";
import type { Via } from "./link.ts";

/**
 * One client's TCP connection, carried on to the native server behind it. This is where a connection can fail as
 * networks do, which a server cannot do to its own sockets.
 */
export class Wire {
  /** Which of the addresses the client came to. */
  readonly via: Via;
  /** Whether it carries a WebSocket. */
  upgraded = false;
  readonly #front: Socket;
  readonly #back: Socket;
  #frozen = false;
  #bytesLeft = Infinity;

  /** Joins the two ends; nothing is read from the client before the back end is connected. */
  constructor(front: Socket, back: Socket, via: Via) {
    this.via = via;
    this.#front = front;
    this.#back = back;
    // Errors end in "close" as well, which is all that matters here.
    front.on("error", () => {});
    back.on("error", () => {});
    front.on("close", () => back.destroy());
    back.on("close", () => front.end());
    front.on("end", () => back.end());
    back.on("end", () => front.end());
    back.on("data", (bytes: Uint8Array) => this.#toClient(bytes));
    front.on("data", (bytes: Uint8Array) => {
      if (!back.write(bytes) && !this.#frozen) pauseUntilDrained(front, back, () => this.#frozen);
    });
  }

  /** Breaks the connection with a reset (RST). */
  drop(): void {
    this.#front.resetAndDestroy();
    this.#back.destroy();
  }

  /** Ends both sockets and waits until they are closed. */
  async destroy(): Promise<void> {
    await Promise.all([this.#front, this.#back].map((socket) =>
      new Promise<void>((resolve) => {
        if (socket.closed) return resolve();
        socket.once("close", () => resolve());
        socket.destroy();
      })
    ));
  }

  /** Stops, or starts again, to carry bytes either way. */
  freeze(on: boolean): void {
    this.#frozen = on;
    for (const socket of [this.#front, this.#back]) on ? socket.pause() : socket.resume();
  }

  /** Breaks the connection once so many more bytes went to the client. */
  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  #toClient(bytes: Uint8Array): void {
    const part = bytes.subarray(0, Math.min(bytes.length, this.#bytesLeft));
    this.#bytesLeft -= part.length;
    if (this.#bytesLeft === 0) {
      // The last bytes have to leave before the reset, which throws away what is still queued.
      this.#front.write(part, () => this.drop());
    } else if (!this.#front.write(part) && !this.#frozen) {
      pauseUntilDrained(this.#back, this.#front, () => this.#frozen);
    }
  }
}

function pauseUntilDrained(source: Socket, target: Socket, frozen: () => boolean): void {
  source.pause();
  target.once("drain", () => {
    if (!frozen()) source.resume();
  });
}

/** The connections that are carried. */
export class Wires {
  /** All of them. */
  readonly all: Set<Wire> = new Set<Wire>();
  /** By the port they have towards the native server, which is how that server tells them apart. */
  readonly byPort: Map<number, Wire> = new Map<number, Wire>();
}

/** Listens on a port of 127.0.0.1 and carries every connection on to the native server. */
export class Relay {
  /** The port, which stays the same when it stops to listen and starts again. */
  readonly port: number;
  readonly #via: Via;
  readonly #backPort: number;
  readonly #wires: Wires;
  #server: Server | null;

  private constructor(server: Server, via: Via, backPort: number, wires: Wires) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#via = via;
    this.#backPort = backPort;
    this.#wires = wires;
    this.#accept(server);
  }

  /** Opens a free port; `wires` receives every connection. */
  static async listen(via: Via, backPort: number, wires: Wires): Promise<Relay> {
    return new Relay(await listening(0), via, backPort, wires);
  }

  /** Refuses new connections; those that are there stay, except idle ones that HTTP clients keep. */
  stop(): void {
    this.#server?.close();
    this.#server = null;
    for (const wire of this.#wires.all) if (!wire.upgraded && wire.via === this.#via) void wire.destroy();
  }

  /** Accepts connections again, on the same port. */
  async start(): Promise<void> {
    if (this.#server !== null) return;
    this.#server = await listening(this.port);
    this.#accept(this.#server);
  }

  #accept(server: Server): void {
    server.on("connection", (front: Socket) => {
      front.pause();
      front.setNoDelay(true);
      const back = connect(this.#backPort, "127.0.0.1");
      back.setNoDelay(true);
      const wire = new Wire(front, back, this.#via);
      this.#wires.all.add(wire);
      front.once("close", () => this.#wires.all.delete(wire));
      back.once("connect", () => {
        const port = back.localPort as number;
        this.#wires.byPort.set(port, wire);
        back.once("close", () => this.#wires.byPort.delete(port));
        front.resume();
      });
    });
  }
}

async function listening(port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: false });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
