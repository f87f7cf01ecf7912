import type { Hub } from "./hub.ts";
import type { HttpFault } from "./faults.ts";
import { failure } from "./http_answer.ts";
import type { Answer } from "./http_answer.ts";
import { readBody } from "./http_body.ts";
import type { Body } from "./http_body.ts";
import { ROUTES } from "./http_routes.ts";
import type { LocalHttpRoute } from "./options.ts";
import type { HttpRequestRecord } from "./records.ts";

/** What Discord seems to allow; only limits that were asked for are enforced. */
const USUAL_LIMIT = { limit: 50, windowMs: 1000 };
/** "User-Agent must look like `DiscordBot (<url>, <version>)`, extra text may be appended." */
const USER_AGENT = /^DiscordBot \(\S+, ?\S+\)/;

/** The part of Discord's HTTP API that a gateway client and the examples use. */
export class HttpApi {
  readonly #hub: Hub;
  readonly #windows = new Map<string, { endsAtMs: number; used: number }>();
  readonly #delays = new Set<{ timer: ReturnType<typeof setTimeout>; done: () => void }>();

  /** Serves the account behind a hub. */
  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Answers a request; `null` where the connection is to be dropped. */
  async handle(request: Request): Promise<Response | null> {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^\/api\/v10(?=\/)/, "");
    const body = await readBody(request);
    await this.#delay(this.#hub.faults.httpDelayMs);
    const authorization = this.#authorization(request.headers);
    const fault = this.#hub.faults.takeHttp(path);
    const answer = fault === undefined ? this.#answer(request, url, path, body, authorization) : scripted(fault);
    const headers = Object.fromEntries([...request.headers].filter(([name]) => name !== "authorization"));
    const { status } = answer;
    const record = { method: request.method, path, headers, authorization, status, atMs: Date.now() };
    this.#hub.records.add("request", record);
    if (status === 0) return null;
    if (typeof answer.body === "string") return new Response(answer.body, { status, headers: answer.headers ?? {} });
    // An answer without a body is not JSON: clients that go by the type would parse nothing.
    if (answer.body === undefined) return new Response(null, { status, headers: answer.headers ?? {} });
    return new Response(JSON.stringify(answer.body), {
      status,
      headers: { "content-type": "application/json", ...answer.headers },
    });
  }

  /** Lets answers that are being delayed go at once. */
  close(): void {
    for (const { timer, done } of this.#delays) {
      clearTimeout(timer);
      done();
    }
    this.#delays.clear();
  }

  #delay(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((done) => {
      const delay = {
        done,
        timer: setTimeout(() => {
          this.#delays.delete(delay);
          done();
        }, ms),
      };
      this.#delays.add(delay);
    });
  }

  #authorization(headers: Headers): HttpRequestRecord["authorization"] {
    const header = headers.get("authorization");
    if (header === null) return "missing";
    const [scheme, token] = header.split(" ");
    return scheme === "Bot" && this.#hub.isToken(token) ? "ok" : "wrong";
  }

  #answer(request: Request, url: URL, path: string, body: Body, authorization: string): Answer {
    if (!url.pathname.startsWith("/api/v10/")) return failure(400, 50041, "Invalid API version");
    if (!USER_AGENT.test(request.headers.get("user-agent") ?? "")) {
      return failure(403, 40333, "You are being blocked from accessing our API temporarily");
    }
    const fitting = ROUTES.filter((route) => route.pattern.test(path));
    const route = fitting.find((route) => route.method === request.method);
    if (route === undefined) {
      return fitting.length > 0 ? failure(405, 0, "405: Method Not Allowed") : failure(404, 0, "404: Not Found");
    }
    if (!route.open && authorization !== "ok") return failure(401, 0, "401: Unauthorized");
    const ids = route.pattern.exec(path)?.slice(1) ?? [];
    const { limited, headers } = this.#count(route.bucket, route.bucket === "messages" ? ids[0] ?? "" : "");
    if (limited) return { ...tooMany(Number(headers["x-ratelimit-reset-after"])), headers };
    if (!body.ok) return failure(400, 50109, "The request body contains invalid JSON.");
    const answer = route.answer(this.#hub, { ids, query: url.searchParams, body: body.value });
    return { ...answer, headers: { ...headers, ...answer.headers } };
  }

  /** Counts a request in its bucket. */
  #count(bucket: LocalHttpRoute, major: string): { limited: boolean; headers: Record<string, string> } {
    const { limit, windowMs } = this.#hub.options.rateLimits[bucket] ?? USUAL_LIMIT;
    const key = `${bucket}:${major}`;
    let window = this.#windows.get(key);
    if (window === undefined || Date.now() >= window.endsAtMs) {
      window = { endsAtMs: Date.now() + windowMs, used: 0 };
      this.#windows.set(key, window);
    }
    const enforced = this.#hub.options.rateLimits[bucket] !== undefined;
    const limited = enforced && window.used >= limit;
    if (!limited) window.used++;
    const resetAfterMs = window.endsAtMs - Date.now();
    const headers: Record<string, string> = {
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": String(enforced ? limit - window.used : Math.max(1, limit - window.used)),
      "x-ratelimit-reset": (window.endsAtMs / 1000).toFixed(3),
      "x-ratelimit-reset-after": (resetAfterMs / 1000).toFixed(3),
      "x-ratelimit-bucket": `local-${bucket}`,
    };
    if (limited) {
      headers["retry-after"] = String(Math.ceil(resetAfterMs / 1000));
      headers["x-ratelimit-scope"] = "user";
    }
    return { limited, headers };
  }
}

function scripted({ status, retryAfter = 1, html, global }: HttpFault): Answer {
  // The header is in whole seconds, the body in fractions of them.
  const retry: Record<string, string> = status === 429 ? { "retry-after": String(Math.ceil(retryAfter)) } : {};
  if (html) {
    // What the network in front of the API answers has no X-RateLimit-* header.
    const body = `<!DOCTYPE html><html><head><title>${status}</title></head><body>Local edge error</body></html>`;
    return { status, body, headers: { ...retry, "content-type": "text/html" } };
  }
  if (status !== 429) return failure(status, 0, `${status}: Scripted`);
  const scope: Record<string, string> = global
    ? { "x-ratelimit-global": "true", "x-ratelimit-scope": "global" }
    : { "x-ratelimit-scope": "user" };
  return { ...tooMany(retryAfter, global), headers: { ...retry, ...scope } };
}

function tooMany(retryAfter: number, global = false): Answer {
  return { status: 429, body: { message: "You are being rate limited.", retry_after: retryAfter, global } };
}
