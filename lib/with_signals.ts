import { onAbort } from "./abortable.ts";

/**
 * Runs `body` with a controller that aborts with the first of the signals. Nothing stays on them afterwards, which
 * `AbortSignal.any` cannot promise while one of them lives on.
 */
export async function withSignals<T>(
  signals: readonly (AbortSignal | undefined)[],
  body: (controller: AbortController) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  for (const signal of signals) signal?.throwIfAborted();
  const stops = signals.map((signal) => onAbort(signal, (reason) => controller.abort(reason)));
  try {
    return await body(controller);
  } finally {
    for (const stop of stops) stop();
  }
}
