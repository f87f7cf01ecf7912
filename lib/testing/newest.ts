/** How many are kept: enough for any test, and no leak in a long run. */
const KEPT = 1000;

/** A map by ids that forgets the oldest of its entries. */
export class Newest<Value> extends Map<string, Value> {
  /** Keeps a value, or how it is now. */
  override set(id: string, value: Value): this {
    super.set(id, value);
    if (this.size > KEPT) {
      const [oldest = ""] = this.keys();
      this.delete(oldest);
    }
    return this;
  }
}
