import { onAbort } from "../abortable.ts";
import { delay } from "../delay.ts";

/** Resolves as soon as the promise does, the time is up or the signal aborts; leaves nothing behind. */
export async function within(promise: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const waiting = new AbortController();
  onAbort(signal, () => waiting.abort(), waiting.signal);
  await Promise.race([promise, delay(ms, { signal: waiting.signal })]).catch(() => {});
  waiting.abort();
}
