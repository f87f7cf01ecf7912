import process from "node:process";

/** What the examples write to: standard output, or what stands in for it. */
export interface Terminal {
  /** Whether somebody looks at it, rather than reads a file later. */
  readonly isTTY?: boolean;
  /** Writes. */
  write(text: string): unknown;
}

/** What a piece of text can look like, with its number in the terminal's language. */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 };

/** Gives text a look, where there is a terminal and no `NO_COLOR`. */
export function style(look: keyof typeof STYLES, text: string, { isTTY }: Terminal = process.stdout): string {
  return isTTY && !process.env.NO_COLOR ? `\x1b[${STYLES[look]}m${text}\x1b[0m` : text;
}

/**
 * Where the examples write to: plain lines, and on a terminal a last one that changes. (The platform does: the libraries for
 * this bring up to ten packages for one escape sequence.)
 */
export class Screen {
  readonly #terminal: Terminal;
  #status = "";

  /** Writes nothing yet. */
  constructor(terminal: Terminal = process.stdout) {
    this.#terminal = terminal;
  }

  /** Whether there is a terminal. */
  get isLive(): boolean {
    return this.#terminal.isTTY === true;
  }

  /** Writes a line that stays. */
  line(text = ""): void {
    this.#terminal.write(this.isLive && this.#status !== "" ? `\r\x1b[K${text}\n${this.#status}\r` : `${text}\n`);
  }

  /** Writes the line that changes; it stays where it is when the text is empty. Without a terminal each is a line. */
  status(text: string): void {
    if (!this.isLive) {
      if (text !== "") this.line(text);
      return;
    }
    if (text === this.#status) return;
    // The cursor stays in front, so that what others log is not put behind it.
    this.#terminal.write(text === "" ? "\n" : `\r\x1b[K${text}\r`);
    this.#status = text;
  }
}
