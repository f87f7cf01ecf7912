/**
 * The token of the whole suite: the runner searches everything that the tests print for it, and for the one that a
 * LocalGateway has by itself.
 */
export const CANARY = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.canary-5f1e0c9d7ab34682";

/** What must be in no output. */
export const TOKENS: readonly string[] = [CANARY, "local-token"];
