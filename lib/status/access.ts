/** What Deno's server gives a handler beside the request. */
export interface DenoConnectionInfo {
  /** The peer: an address on a network, or a socket of this machine. */
  readonly remoteAddr: { readonly transport?: string; readonly hostname?: string };
}

/** What Bun's server gives a handler beside the request: itself. */
export interface BunConnectionInfo {
  /** The peer of a request. */
  requestIP(request: Request): { readonly address: string } | null;
}

/** What tells the peer's address: the second argument of a handler of `Deno.serve` or `Bun.serve`. */
export type ConnectionInfo = DenoConnectionInfo | BunConnectionInfo;

/** What a proxy says of whom it asks for. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/**
 * Why a request may not come from this machine, or `null` where it does. Where nobody tells the peer, only a token that
 * is asked for as well (`isGuarded`) lets the request in: a header says what its sender likes.
 *
 * The Host is looked at also where the peer is known: a page of the internet can have a name that leads to 127.0.0.1
 * (DNS rebinding), and a visitor's browser is a peer of this machine.
 */
export function remoteReason(request: Request, connection: unknown, isGuarded: boolean): string | null {
  const peer = peerOf(request, connection);
  if (peer === null && !isGuarded) {
    return "the server does not tell where the request comes from (hand on its second argument, or set a token)";
  }
  if (peer !== null && !isLoopbackAddress(peer)) return "the request comes from another machine";
  if (FORWARDED.some((name) => request.headers.has(name))) return "the request was forwarded by a proxy";
  const host = request.headers.get("host") ?? new URL(request.url).host;
  return isLoopbackHost(host) ? null : "the Host is not this machine's";
}

/** The peer's address, or `null` where nobody tells. */
function peerOf(request: Request, connection: unknown): string | null {
  const { remoteAddr, requestIP } = (connection ?? {}) as Partial<DenoConnectionInfo & BunConnectionInfo>;
  if (typeof remoteAddr === "object") {
    return remoteAddr.hostname ?? (remoteAddr.transport?.startsWith("unix") ? "127.0.0.1" : null);
  }
  if (typeof requestIP === "function") return (connection as BunConnectionInfo).requestIP(request)?.address ?? null;
  return null;
}

/** Whether an address is one of this machine that no other can reach. */
export function isLoopbackAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  return bare === "::1" || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(bare);
}

/** Whether a Host header names this machine. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d*$/, "").replace(/\.$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || isLoopbackAddress(name);
}

/** Whether a request has the token, compared in a time that tells nothing about it. */
export async function hasToken(request: Request, token: string): Promise<boolean> {
  const [, given] = (request.headers.get("authorization") ?? "").match(/^Bearer +(\S+)$/i) ?? [];
  const [one, other] = await Promise.all([digest(given ?? ""), digest(token)]);
  let difference = 0;
  for (const [index, byte] of one.entries()) difference |= byte ^ (other[index] ?? 0);
  return given !== undefined && difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
