import process from "node:process";

const { stdout } = process;

/** What a piece of text can look like, with its number in the terminal's language. */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 };

/** Gives text a look, where there is a terminal and no `NO_COLOR`. */
export function style(look: keyof typeof STYLES, text: string): string {
  return stdout.isTTY && !process.env.NO_COLOR ? `\x1b[${STYLES[look]}m${text}\x1b[0m` : text;
}

/**
 * Where the examples write to: plain lines, and on a terminal a last one that changes. (The platform does: the libraries for
 * this bring up to ten packages for one escape sequence.)
 */
export class Screen {
  #status = "";

  /** Whether there is a terminal. */
  get isLive(): boolean {
    return stdout.isTTY === true;
  }

  /** Writes a line that stays. */
  line(text = ""): void {
    stdout.write(this.isLive && this.#status !== "" ? `\r\x1b[K${text}\n${this.#status}\r` : `${text}\n`);
  }

  /** Writes the line that changes; it stays where it is when the text is empty. Without a terminal each is a line. */
  status(text: string): void {
    if (!this.isLive) {
      if (text !== "") this.line(text);
      return;
    }
    if (text === this.#status) return;
    // The cursor stays in front, so that what others log is not put behind it.
    stdout.write(text === "" ? "\n" : `\r\x1b[K${text}\r`);
    this.#status = text;
  }
}
