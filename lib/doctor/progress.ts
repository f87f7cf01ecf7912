import process from "node:process";

/**
 * Shows what is being done: on a terminal one line that changes, elsewhere a line for each step. It writes to standard error,
 * so that standard output holds the report alone. (The platform does: the libraries for this bring up to ten packages for
 * one escape sequence.)
 */
export class Progress implements Disposable {
  readonly #isLive = process.stderr.isTTY === true;

  /** Shows the next step. */
  show(what: string): void {
    process.stderr.write(this.#isLive ? `\r\x1b[K${what}…` : `${what}…\n`);
  }

  /** Takes the line away. */
  [Symbol.dispose](): void {
    if (this.#isLive) process.stderr.write("\r\x1b[K");
  }
}
