import { isCodeless, isKnown } from "./close_code.ts";
import { DisconnectError, GatewayError, UnhandledCloseCodeError } from "./errors.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { GatewayPayload } from "./payload.ts";
import type { SessionInput } from "./session.ts";

/** Something did not come in time. */
export function timedOut(what: string, ms: number): DisconnectError {
  return new DisconnectError(`Disconnected from the gateway: ${what} did not come within ${ms} ms`);
}

/** Whatever went wrong while connecting, as an error of the gateway. */
export function asGatewayError(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  return new DisconnectError("Cannot connect to the gateway", { cause });
}

/** Says why an input ended the connection. */
export function reasonOf(input: SessionInput): GatewayError {
  switch (input.type) {
    case "beat":
      return new DisconnectError("Disconnected from the gateway: it does not answer heartbeats any more");
    case "payload":
      return new DisconnectError(`Disconnected from the gateway: it sent ${whatIs(input.payload)}`);
    default: {
      const code = input.type === "close" ? input.code : 1006;
      if (isCodeless(code)) return new DisconnectError("Disconnected from the gateway: the connection was lost");
      const message = `Disconnected from the gateway: it closed with ${code}`;
      return isKnown(code) ? new DisconnectError(message, { code }) : new UnhandledCloseCodeError(message, { code });
    }
  }
}

/** HELLO and READY end a connection only where they lack what it takes to go on. */
function whatIs({ op, d }: GatewayPayload): string {
  const data = (d ?? {}) as Record<string, unknown>;
  if (op === GatewayOpcode.Hello) return `a HELLO with the heartbeat_interval ${shown(data.heartbeat_interval)}`;
  if (op === GatewayOpcode.Dispatch) return `a READY with the session_id ${shown(data.session_id)}`;
  const [name] = Object.entries(GatewayOpcode).find(([, value]) => value === op) ?? [`op ${op}`];
  return name;
}

function shown(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 100);
}
