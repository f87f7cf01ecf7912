/**
 * Starts something asynchronous and marks its promise as handled: whoever awaits it learns of a failure, and nobody has
 * to, for an unobserved rejection ends the process.
 */
export function attempt<T>(body: () => Promise<T>): Promise<T> {
  const promise = body();
  promise.catch(() => {});
  return promise;
}
