/** A line of things: added at its end, taken from its front, looked at anywhere. */
export class Backlog<T> {
  #items: T[] = [];
  /** Where the line begins: to take one off an array's front each time would copy the rest each time. */
  #head = 0;

  /** How many there are. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The one at a place, counted from the front. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Adds one at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.length > 0) this.#head++;
    if (this.#head > 256 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes one out, wherever it is. */
  delete(item: T): void {
    const index = this.#items.indexOf(item, this.#head);
    if (index >= 0) this.#items.splice(index, 1);
  }

  /** Takes all out. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
