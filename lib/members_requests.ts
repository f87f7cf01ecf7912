import { RateLimitedError } from "./errors.ts";
import { deliverChunk, failRequest, MembersRequest } from "./members_request.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { GuildMembersChunk } from "./payload.ts";

/** Options of {@linkcode MembersRequests.open}. */
export interface OpenRequestOptions {
  /** How long to wait for the next part, in milliseconds. */
  timeoutMs: number;
  /** Ends the request. */
  signal?: AbortSignal | undefined;
  /** Sends it; resolves when it was sent. */
  send: (signal: AbortSignal) => Promise<void>;
}

interface Entry {
  readonly request: MembersRequest;
  readonly timeoutMs: number;
  /** Aborted when the request has ended, one way or the other. */
  readonly controller: AbortController;
  sent: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The requests for guild members of one shard whose answers have not come yet. */
export class MembersRequests {
  readonly #entries = new Map<string, Entry>();
  readonly #isUsable: () => boolean;

  /** `isUsable` tells whether answers can come: while there is no connection nobody is timed out. */
  constructor(isUsable: () => boolean) {
    this.#isUsable = isUsable;
  }

  /** Whether an event has to be looked at. */
  awaits(t: string): boolean {
    return this.#entries.size > 0 && (t === "GUILD_MEMBERS_CHUNK" || t === "RATE_LIMITED");
  }

  /** Starts a request. */
  open(nonce: string, options: OpenRequestOptions): MembersRequest {
    const { timeoutMs, signal, send } = options;
    const request = new MembersRequest(nonce, () => this.#close(nonce));
    if (this.#entries.has(nonce)) {
      failRequest(
        request,
        new DOMException(`Cannot request guild members: the nonce ${nonce} is in use`, "InvalidStateError"),
      );
      return request;
    }
    const controller = new AbortController();
    const entry: Entry = { request, timeoutMs, controller, sent: false, timer: undefined };
    this.#entries.set(nonce, entry);
    if (signal?.aborted) this.#fail(nonce, signal.reason);
    signal?.addEventListener("abort", () => this.#fail(nonce, signal.reason), { signal: controller.signal });
    if (controller.signal.aborted) return request;
    send(controller.signal).then(() => {
      entry.sent = true;
      if (!controller.signal.aborted) this.#arm(nonce, entry);
    }, (error) => this.#fail(nonce, error));
    return request;
  }

  /** A dispatch came that {@linkcode awaits} was true for. */
  onDispatch(t: string, data: unknown): void {
    if (typeof data !== "object" || data === null) return;
    if (t === "GUILD_MEMBERS_CHUNK") this.#onChunk(data as Partial<GuildMembersChunk>);
    else this.#onRateLimited(data as { opcode?: unknown; retry_after?: unknown; meta?: { nonce?: unknown } });
  }

  /** The session is lost: what was asked for in it will not be answered. What has not been sent yet goes on. */
  loseSession(reason: unknown): void {
    for (const [nonce, { sent }] of this.#entries) if (sent) this.#fail(nonce, reason);
  }

  /** Ends all requests. */
  clear(reason: unknown): void {
    for (const nonce of this.#entries.keys()) this.#fail(nonce, reason);
  }

  #onChunk(chunk: Partial<GuildMembersChunk>): void {
    const entry = this.#entries.get(chunk.nonce ?? "");
    if (entry === undefined) return;
    const { chunk_index = 0, chunk_count = 1, members = [] } = chunk;
    // What makes no sense is passed over: without the real part the request times out.
    if (!Array.isArray(members) || !isCount(chunk_index) || !isCount(chunk_count) || chunk_index >= chunk_count) return;
    const isLast = deliverChunk(entry.request, { ...chunk as GuildMembersChunk, chunk_index, chunk_count, members });
    if (isLast) this.#close(entry.request.nonce);
    else this.#arm(entry.request.nonce, entry);
  }

  #onRateLimited(data: { opcode?: unknown; retry_after?: unknown; meta?: { nonce?: unknown } }): void {
    if (data.opcode !== GatewayOpcode.RequestGuildMembers || typeof data.meta?.nonce !== "string") return;
    const retryAfterMs = typeof data.retry_after === "number" && data.retry_after >= 0
      ? data.retry_after * 1000
      : 30_000;
    this.#fail(
      data.meta.nonce,
      new RateLimitedError(
        `Cannot request guild members: the gateway refuses it for another ${Math.ceil(retryAfterMs)} ms`,
        retryAfterMs,
      ),
    );
  }

  #arm(nonce: string, entry: Entry): void {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => {
      if (!this.#isUsable()) return this.#arm(nonce, entry);
      this.#fail(
        nonce,
        new DOMException(
          `Cannot request guild members: no answer for ${entry.timeoutMs} ms`,
          "TimeoutError",
        ),
      );
    }, entry.timeoutMs);
  }

  #fail(nonce: string, reason: unknown): void {
    const entry = this.#entries.get(nonce);
    if (entry === undefined) return;
    this.#close(nonce);
    failRequest(entry.request, reason);
  }

  #close(nonce: string): void {
    const entry = this.#entries.get(nonce);
    if (entry === undefined) return;
    this.#entries.delete(nonce);
    clearTimeout(entry.timer);
    entry.controller.abort();
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && value as number >= 0;
}
