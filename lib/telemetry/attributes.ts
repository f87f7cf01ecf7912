import type { Attributes } from "@opentelemetry/api";

/** The attribute that says which shard. */
export const SHARD_ID = "discord.shard.id";

/**
 * Says what kind of error it was: its name, and the close code where the gateway gave one.
 *
 * @see {@link https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/}
 */
export function errorAttributes(error: unknown): Attributes {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return {
    "error.type": typeof name === "string" ? name : "_OTHER",
    ...(typeof code === "number" ? { "discord.close_code": code } : {}),
  };
}
