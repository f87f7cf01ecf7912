/** A promise for something that can come true, end, and come true again. */
export class Latch<T = void> {
  #deferred = handledDeferred<T>();
  #state: "pending" | "fulfilled" | "rejected" = "pending";

  /** The promise for now. It is marked as handled: nobody has to wait for it. */
  get promise(): Promise<T> {
    return this.#deferred.promise;
  }

  /** It came true. */
  fulfil(value: T): void {
    if (this.#state !== "pending") return;
    this.#state = "fulfilled";
    this.#deferred.resolve(value);
  }

  /** It will not come true. */
  reject(reason: unknown): void {
    if (this.#state === "fulfilled") this.#renew();
    if (this.#state !== "pending") return;
    this.#state = "rejected";
    this.#deferred.reject(reason);
  }

  /** It is true no longer. One that is still awaited stays the same. */
  reset(): void {
    if (this.#state === "fulfilled") this.#renew();
  }

  /** Begins anew after a rejection as well. */
  restart(): void {
    if (this.#state !== "pending") this.#renew();
  }

  #renew(): void {
    this.#deferred = handledDeferred<T>();
    this.#state = "pending";
  }
}

function handledDeferred<T>(): PromiseWithResolvers<T> {
  const deferred = Promise.withResolvers<T>();
  deferred.promise.catch(() => {});
  return deferred;
}
