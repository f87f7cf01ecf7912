/**
 * Starts something asynchronous and marks its promise as handled: whoever awaits it learns of a failure, and nobody has
 * to, for an unobserved rejection ends the process.
 */
export function attempt<T>(body: () => Promise<T>): Promise<T> {
  let promise: Promise<T>;
  try {
    promise = body();
  } catch (error) {
    promise = Promise.reject(error);
  }
  promise.catch(() => {});
  return promise;
}

/**
 * Takes what a callback of the user's gave. Nobody waits for it: where it is a promise all the same, its rejection must
 * not end the process.
 */
export function unawaited(given: unknown): void {
  Promise.resolve(given).catch(() => {});
}
