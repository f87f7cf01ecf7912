import { onAbort } from "./abortable.ts";
import { invalidState } from "./check.ts";
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
  /** The requests that it is one of; it may be handed over. */
  owner: MembersRequests;
  readonly request: MembersRequest;
  isSent: boolean;
  /** Waits for the next part, anew. */
  arm(): void;
  /** Ends the request, with an error where it has not ended by itself. */
  end(reason?: unknown): void;
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

  /** Whether something was sent whose answer has not come in full. */
  get isAwaiting(): boolean {
    return [...this.#entries.values()].some(({ isSent }) => isSent);
  }

  /** Lets another shard's requests take over one that has not been sent. */
  handOver(nonce: string, to: MembersRequests): void {
    const entry = this.#entries.get(nonce);
    if (entry === undefined || entry.isSent) return;
    entry.owner = to;
    this.#entries.delete(nonce);
    to.#entries.set(nonce, entry);
  }

  /** Starts a request. */
  open(nonce: string, { timeoutMs, signal, send }: OpenRequestOptions): MembersRequest {
    const request = new MembersRequest(nonce, () => entry.end());
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const entry: Entry = {
      owner: this,
      request,
      isSent: false,
      arm: () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          if (!entry.owner.#isUsable()) return entry.arm();
          entry.end(new DOMException(`Cannot request guild members: no answer for ${timeoutMs} ms`, "TimeoutError"));
        }, timeoutMs);
      },
      end: (reason) => {
        if (entry.owner.#entries.get(nonce) === entry) entry.owner.#entries.delete(nonce);
        clearTimeout(timer);
        controller.abort();
        failRequest(request, reason);
      },
    };
    if (this.#entries.has(nonce)) entry.end(invalidState(`request guild members: the nonce ${nonce} is in use`));
    else this.#entries.set(nonce, entry);
    onAbort(signal, entry.end, controller.signal);
    if (controller.signal.aborted) return request;
    send(controller.signal).then(() => {
      entry.isSent = true;
      if (!controller.signal.aborted) entry.arm();
    }, entry.end);
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
    for (const { isSent, end } of this.#entries.values()) if (isSent) end(reason);
  }

  /** Ends all requests. */
  clear(reason: unknown): void {
    for (const { end } of this.#entries.values()) end(reason);
  }

  #onChunk(chunk: Partial<GuildMembersChunk>): void {
    const entry = this.#entries.get(chunk.nonce ?? "");
    if (entry === undefined) return;
    const { chunk_index = 0, chunk_count = 1, members = [] } = chunk;
    // What makes no sense is passed over: without the real part the request times out.
    if (!Array.isArray(members) || !isCount(chunk_index) || !isCount(chunk_count) || chunk_index >= chunk_count) return;
    const isLast = deliverChunk(entry.request, { ...chunk as GuildMembersChunk, chunk_index, chunk_count, members });
    if (isLast) entry.end();
    else entry.arm();
  }

  #onRateLimited(data: { opcode?: unknown; retry_after?: unknown; meta?: { nonce?: unknown } }): void {
    if (data.opcode !== GatewayOpcode.RequestGuildMembers) return;
    const { retry_after } = data;
    const retryAfterMs = typeof retry_after === "number" && retry_after >= 0 ? retry_after * 1000 : 30_000;
    const message = `Cannot request guild members: the gateway refuses it for another ${Math.ceil(retryAfterMs)} ms`;
    this.#entries.get(data.meta?.nonce as string)?.end(new RateLimitedError(message, retryAfterMs));
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && value as number >= 0;
}
