import process from "node:process";

/** Where progress is shown: standard error, or what stands in for it. */
export interface Terminal {
  /** Whether somebody looks at it, rather than reads a file later. */
  readonly isTTY?: boolean;
  /** Writes. */
  write(text: string): unknown;
}

/**
 * Shows what is being done: on a terminal one line that changes, elsewhere a line for each step. It writes to standard error,
 * so that standard output holds the report alone. (The platform does: the libraries for this bring up to ten packages for
 * one escape sequence.)
 */
export class Progress implements Disposable {
  readonly #terminal: Terminal;

  /** Shows nothing yet. */
  constructor(terminal: Terminal = process.stderr) {
    this.#terminal = terminal;
  }

  /** Shows the next step. */
  show(what: string): void {
    this.#terminal.write(this.#terminal.isTTY ? `\r\x1b[K${what}…` : `${what}…\n`);
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#terminal.isTTY) this.#terminal.write("\r\x1b[K");
  }
}
