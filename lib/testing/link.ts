/** What carries one WebSocket connection: sockets of the runtime behind a relay, or memory. */
export interface Link {
  /** Sends one WebSocket message: text, or bytes. */
  send(data: string | Uint8Array): void;
  /** Starts the closing handshake; `null` closes without a code. */
  close(code: number | null, reason: string): void;
  /** Breaks the connection as a TCP reset does. */
  drop(): void;
  /** Stops, or starts again, to carry anything either way while the connection stays open. */
  freeze(on: boolean): void;
  /** Breaks the connection once so many more bytes were carried to the client. */
  cutAfter(bytes: number): void;
}

/** The gateway's end of a connection, as what carries it sees it. */
export interface LinkHandler {
  /** The handshake is done. */
  opened(link: Link): void;
  /** A message arrived: text, or bytes. */
  received(data: string | Uint8Array): void;
  /** The connection ended; 1006 or 0 where there was no closing handshake. */
  ended(code: number, reason: string): void;
}

/** Which of the two addresses a connection came through. */
export type Via = "gateway" | "resume";
