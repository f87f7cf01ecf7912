import type { Attributes } from "@opentelemetry/api";

/** Numbers that only grow, one for each set of attributes. */
export class Tally {
  readonly #entries = new Map<string, { attributes: Attributes; value: number }>();

  /** Adds to the number of a set of attributes. */
  add(attributes: Attributes, value = 1): void {
    const key = JSON.stringify(Object.entries(attributes));
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, { attributes, value });
    else entry.value += value;
  }

  /** The numbers there are. */
  entries(): Iterable<{ attributes: Attributes; value: number }> {
    return this.#entries.values();
  }
}
