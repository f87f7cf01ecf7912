/**
 * Resolves as the promise does, and rejects with the signal's reason where that comes first: for what others make, which
 * may take no notice of the signal and never settle.
 */
export function abortable<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const settled = new AbortController();
    onAbort(signal, settled.signal, reject);
    Promise.resolve(promise).then(resolve, reject).finally(() => settled.abort());
  });
}

/** Calls back with the reason when a signal aborts, or if it has; `until` ends the watch and leaves nothing behind. */
export function onAbort(
  signal: AbortSignal | null | undefined,
  until: AbortSignal,
  callback: (reason: unknown) => void,
): void {
  if (signal?.aborted) callback(signal.reason);
  signal?.addEventListener("abort", () => callback(signal.reason), { once: true, signal: until });
}
