type Add = AbortSignal["addEventListener"];
type Remove = AbortSignal["removeEventListener"];

/** Counts the listeners on all abort signals that have not aborted. */
export class SignalCensus implements Disposable {
  /** How many there are. */
  count = 0;
  readonly #original = Object.getOwnPropertyDescriptors(AbortSignal.prototype);
  readonly #known = new WeakMap<AbortSignal, Set<unknown>>();

  /** Counts from now on. */
  constructor() {
    const enter = this.#enter.bind(this);
    const leave = this.#leave.bind(this);
    const add: Add = AbortSignal.prototype.addEventListener;
    const remove: Remove = AbortSignal.prototype.removeEventListener;
    AbortSignal.prototype.addEventListener = function (this: AbortSignal, ...args: Parameters<Add>): void {
      const [type, listener, options] = args;
      if (type === "abort" && !this.aborted) {
        const until = typeof options === "object" ? options.signal : undefined;
        if (!until?.aborted && enter(this, listener, add)) {
          if (until) add.call(until, "abort", () => leave(this, listener));
        }
      }
      add.apply(this, args);
    } as Add;
    AbortSignal.prototype.removeEventListener = function (this: AbortSignal, ...args: Parameters<Remove>): void {
      if (args[0] === "abort") leave(this, args[1]);
      remove.apply(this, args);
    } as Remove;
  }

  /** Stops to count. */
  [Symbol.dispose](): void {
    for (const name of ["addEventListener", "removeEventListener"] as const) {
      const original = this.#original[name];
      if (original === undefined) delete (AbortSignal.prototype as Partial<AbortSignal>)[name];
      else Object.defineProperty(AbortSignal.prototype, name, original);
    }
  }

  #enter(signal: AbortSignal, listener: unknown, add: Add): boolean {
    let known = this.#known.get(signal);
    if (known === undefined) {
      const first = known = new Set();
      this.#known.set(signal, first);
      // What listens to a signal that has aborted is never called again.
      add.call(signal, "abort", () => {
        this.count -= first.size;
        first.clear();
      });
    }
    if (known.has(listener)) return false;
    known.add(listener);
    this.count++;
    return true;
  }

  #leave(signal: AbortSignal, listener: unknown): void {
    if (this.#known.get(signal)?.delete(listener)) this.count--;
  }
}
