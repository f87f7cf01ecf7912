/** Is told of every listener that threw or whose promise rejected, with the event it was called with. */
export type OnListenerError = (error: unknown, event: Event) => void;

/** Data of the lifecycle event `listener_error`: a listener threw, or its promise rejected. */
export interface ListenerErrorData {
  /** What was thrown. */
  error: unknown;
  /** The event the listener was called with; `event.type` is its name. */
  event: Event;
}

/** The part of a dispatcher that reports of failures need. */
export interface ListenerErrorDispatcher {
  /** Whether a listener for just this name would be called. */
  hasNamedListeners(name: "listener_error"): boolean;
  /** Dispatches the report. */
  dispatch(name: "listener_error", data: ListenerErrorData): void;
}

/** Prints a failure: the last resort, where nobody else takes it. */
export function printListenerError(error: unknown, event: Event): void {
  // deno-lint-ignore no-console -- a failure that nobody listens for must not be lost, and it must not end the process
  console.error(`A listener for "${event.type}" failed:`, error);
}

/**
 * Makes the `onListenerError` of an owner: failures become `listener_error` on its lifecycle dispatcher.
 *
 * Where nobody listens for that name they are printed; what sees every event (`listenAll`) does not count, or attaching
 * a metrics exporter would silence them. A failing `listener_error` listener is printed too: a report about it would
 * reach the same listener again.
 */
export function listenerErrorTo(dispatcher: ListenerErrorDispatcher): OnListenerError {
  return (error, event) => {
    if (event.type === "listener_error" || !dispatcher.hasNamedListeners("listener_error")) {
      printListenerError(error, event);
    } else {
      dispatcher.dispatch("listener_error", { error, event });
    }
  };
}

/** Wraps a report so that a failure of its own, at once or later, is printed together with what it was told. */
export function guardReport(report: OnListenerError): OnListenerError {
  function printBoth(second: unknown, error: unknown, event: Event): void {
    printListenerError(error, event);
    printListenerError(second, event);
  }
  return (error, event) => {
    try {
      Promise.resolve<unknown>(report(error, event)).catch((second) => printBoth(second, error, event));
    } catch (second) {
      printBoth(second, error, event);
    }
  };
}
