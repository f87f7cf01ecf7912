import type { Dispatcher } from "./dispatcher.ts";
import type { GatewayEvent } from "./gateway_event.ts";
import type { OnListenerError } from "./listener_error.ts";

/** The names a dispatcher knows, as suggestions; any other text and every opcode will do as well. */
export type EventName<Events> = (keyof Events & string) | (string & Record<never, never>) | number;

/** The data of an event by its name; `unknown` for a name that is not in the map. */
export type DataOf<Events, Name extends string | number> = `${Name}` extends keyof Events ? Events[`${Name}`] : unknown;

/** What {@linkcode Dispatcher.listen} calls. A promise it returns is followed: see {@linkcode GatewayEvent.waitUntil}. */
export type Listener<Data> = (data: Data, event: GatewayEvent<Data>) => unknown;

/** What a {@linkcode Dispatcher} is made with. */
export interface DispatcherOptions<Events> {
  /** Gets every event after this dispatcher's own listeners had it. */
  parent?: Dispatcher<Events> | null;
  /**
   * Is told of every listener of this dispatcher that fails.
   *
   * @default {console.error}
   */
  onListenerError?: OnListenerError;
  /** The owner's lifetime; see {@linkcode Dispatcher.signal}. */
  signal?: AbortSignal | null;
}

/** How {@linkcode Dispatcher.listenAll} and {@linkcode Dispatcher.waitFor} listen. */
export interface DispatcherWaitOptions {
  /** Ends it. */
  signal?: AbortSignal | undefined;
}

/** How {@linkcode Dispatcher.listen} listens. */
export interface ListenOptions extends DispatcherWaitOptions {
  /**
   * Whether the listener is removed before its first call.
   *
   * @default {false}
   */
  once?: boolean | undefined;
}

/** How {@linkcode Dispatcher.events} listens. */
export interface EventsOptions extends DispatcherWaitOptions {
  /**
   * How many events may wait to be taken. One more, and the iteration unsubscribes, yields what waits and then fails
   * with a `RangeError`: nothing is lost in silence. The default holds what one shard gets at start, a `GUILD_CREATE`
   * for each of its 2500 guilds at most, several times over.
   *
   * @default {10_000}
   */
  highWaterMark?: number | undefined;
}
