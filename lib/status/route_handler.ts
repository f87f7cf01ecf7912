import { type ConnectionInfo, hasToken, remoteReason } from "./access.ts";
import { answer, refuse } from "./answers.ts";

/** How a status is shown, and to whom. */
export interface StatusOptions {
  /**
   * What has to be in the `Authorization` header, after `Bearer `. It guards everything but `/healthz` and the page,
   * which has nothing in it: the page asks for the token and keeps it until its tab is closed.
   *
   * @default Nothing has to be there.
   */
  token?: string;
  /**
   * Whether other machines get an answer as well. Give a token then.
   *
   * @default {false}
   */
  allowRemote?: boolean;
  /**
   * The path it is mounted at, such as `"/status"`.
   *
   * @default {"/"}
   */
  basePath?: string;
  /** Ends it, like disposing of it. */
  signal?: AbortSignal;
}

/** Answers requests about a status until it is disposed of, and then with 503. */
export interface StatusHandler extends Disposable {
  /**
   * Answers a request. The second argument, which `Deno.serve` and `Bun.serve` both give, tells where it comes from. A
   * router has to hand it on: without it nobody gets an answer, unless there is a `token`, or `allowRemote` is set.
   */
  (request: Request, connection?: ConnectionInfo): Promise<Response>;
}

/** Answers what is asked of one path. */
export type Route = (request: Request) => Response | Promise<Response>;

/**
 * Makes a handler of what there is at each path; only those who may be told get that far. What the routes need is made
 * once the options are known to be right, and released when the signal that they are made with aborts.
 *
 * @throws {TypeError} If the token could not be sent in a header, or the path does not begin with `/`.
 */
export function routeHandler(
  options: StatusOptions,
  makeRoutes: (ended: AbortSignal) => Readonly<Record<string, Route>>,
): StatusHandler {
  const { token, allowRemote = false, signal } = options;
  const basePath = checkedPath(options.basePath ?? "/");
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new TypeError("Cannot show the status: the token must be visible ASCII characters");
  }
  const ending = new AbortController();
  const routes = new Map(Object.entries(makeRoutes(ending.signal)));
  const dispose = (): void => ending.abort();
  const handler = async (request: Request, connection?: ConnectionInfo): Promise<Response> => {
    const reason = allowRemote ? null : remoteReason(request, connection, token !== undefined);
    if (reason !== null) return refuse(403, `Only this machine gets an answer: ${reason}`);
    if (ending.signal.aborted) return refuse(503, "The status is not kept any more");
    const { pathname } = new URL(request.url);
    if (`${pathname}/` === basePath) return answer(null, { status: 308, headers: { location: basePath } });
    const path = pathname.startsWith(basePath) ? `/${pathname.slice(basePath.length)}` : "";
    const route = routes.get(path);
    if (route === undefined) return refuse(404, "There is nothing here");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "Only GET and HEAD are answered", { allow: "GET, HEAD" });
    }
    if (token !== undefined && !PUBLIC.has(path) && !await hasToken(request, token)) {
      return refuse(401, "The token is missing or wrong", { "www-authenticate": 'Bearer realm="status"' });
    }
    return await withoutBody(route, request);
  };
  if (signal?.aborted) dispose();
  else signal?.addEventListener("abort", dispose, { signal: ending.signal });
  return Object.assign(handler, { [Symbol.dispose]: dispose });
}

/** What nothing can be learnt from. */
const PUBLIC: ReadonlySet<string> = new Set(["/", "/healthz"]);

/** "The server MUST NOT send content in the response" to HEAD. */
async function withoutBody(route: Route, request: Request): Promise<Response> {
  const response = await route(request);
  if (request.method !== "HEAD") return response;
  await response.body?.cancel();
  return new Response(null, response);
}

function checkedPath(path: string): string {
  if (!/^\/(?!\/)[^?#\\]*$/.test(path)) {
    throw new TypeError(`Cannot show the status: basePath must begin with one "/", received ${JSON.stringify(path)}`);
  }
  return path.endsWith("/") ? path : `${path}/`;
}
