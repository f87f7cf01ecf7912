/** A promise for something that can come true, end, and come true again. It is made when somebody asks for it. */
export class Latch<T = void> {
  #deferred: PromiseWithResolvers<T> | null = null;
  /** Settles a promise as of now; `null` while there is nothing to tell. */
  #settle: ((deferred: PromiseWithResolvers<T>) => void) | null = null;
  #isRejected = false;

  /** The promise for now. It is marked as handled: nobody has to wait for it. */
  get promise(): Promise<T> {
    if (this.#deferred === null) {
      this.#deferred = Promise.withResolvers<T>();
      this.#deferred.promise.catch(() => {});
      this.#settle?.(this.#deferred);
    }
    return this.#deferred.promise;
  }

  /** It came true. */
  fulfil(value: T): void {
    if (this.#settle === null) this.#end(({ resolve }) => resolve(value));
  }

  /** It will not come true. */
  reject(reason: unknown): void {
    if (this.#isRejected) return;
    if (this.#settle !== null) this.#renew();
    this.#isRejected = true;
    this.#end(({ reject }) => reject(reason));
  }

  /** It is true no longer. One that is still awaited stays the same. */
  reset(): void {
    if (!this.#isRejected) this.restart();
  }

  /** Begins anew after a rejection as well. */
  restart(): void {
    if (this.#settle !== null) this.#renew();
  }

  #end(settle: (deferred: PromiseWithResolvers<T>) => void): void {
    this.#settle = settle;
    if (this.#deferred !== null) settle(this.#deferred);
  }

  #renew(): void {
    this.#deferred = null;
    this.#settle = null;
    this.#isRejected = false;
  }
}
