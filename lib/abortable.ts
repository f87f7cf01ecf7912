/**
 * Resolves as the promise does, and rejects with the signal's reason where that comes first: for what others make, which
 * may take no notice of the signal and never settle.
 */
export function abortable<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, reject);
    Promise.resolve(promise).then(resolve, reject).finally(stop);
  });
}

/**
 * Calls back with the reason when a signal aborts, or if it has.
 *
 * @param until Ends the watch, as what is returned does. Nothing is left on the signal then.
 */
export function onAbort(
  signal: AbortSignal | null | undefined,
  callback: (reason: unknown) => void,
  until?: AbortSignal,
): () => void {
  if (signal?.aborted) callback(signal.reason);
  const listener = () => callback(signal?.reason);
  signal?.addEventListener("abort", listener, { once: true, ...(until && { signal: until }) });
  return () => signal?.removeEventListener("abort", listener);
}
