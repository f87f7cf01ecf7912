import { Hub } from "./hub.ts";
import type { LocalGatewayOptions } from "./options.ts";
import { Transports } from "./transports.ts";

/** What goes on inside a gateway. */
export interface Internals {
  hub: Hub;
  transports: Transports;
}

const known = new WeakMap<object, Internals>();

/** Makes the inside of a gateway. It is kept beside the object, so that the public class shows none of it. */
export function makeInternals(gateway: object, options: LocalGatewayOptions): void {
  const hub = new Hub(options);
  known.set(gateway, { hub, transports: new Transports(hub) });
}

/** The inside of a gateway. */
export function internalsOf(gateway: object): Internals {
  return known.get(gateway) as Internals;
}
