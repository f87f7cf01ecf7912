import { attempt } from "./attempt.ts";
import type { GuildMember, GuildMembersChunk } from "./payload.ts";

/** Gives the request the next part of its answer; returns whether that was the last one. */
export let deliverChunk: (request: MembersRequest, chunk: GuildMembersChunk) => boolean;

/** Ends the request with an error. */
export let failRequest: (request: MembersRequest, reason: unknown) => void;

type Step = IteratorResult<GuildMembersChunk, undefined>;

/**
 * The answer to a request for guild members, either as a whole (`await` it) or part by part (`for await`), not both.
 *
 * It lives through a resume, because the parts are replayed. It fails with a {@linkcode RateLimitedError} where the
 * gateway refuses it, a `TimeoutError` where no part comes for a while, a {@linkcode DisconnectError} where the session
 * is lost, an AbortError where the shard is closed, and with the reason of its signal.
 *
 * @example As a whole, and part by part
 * ```ts
 * import type { Shard } from "@gangway/gateway";
 *
 * async function count(shard: Shard, guildId: string): Promise<number> {
 *   const members = await shard.requestGuildMembers(guildId, { query: "", limit: 0 });
 *   return members.length;
 * }
 *
 * async function printOnline(shard: Shard, guildId: string, userIds: string[]): Promise<void> {
 *   for await (const chunk of shard.requestGuildMembers(guildId, { userIds, presences: true })) {
 *     for (const presence of chunk.presences ?? []) console.log(presence.user.id, presence.status);
 *   }
 * }
 * ```
 */
export class MembersRequest implements PromiseLike<GuildMember[]>, AsyncIterable<GuildMembersChunk, undefined> {
  /** The name of the request in its answers. */
  readonly nonce: string;
  readonly #whole = Promise.withResolvers<GuildMember[]>();
  readonly #seen = new Set<number>();
  readonly #onReturn: () => void;
  #chunks: GuildMembersChunk[] = [];
  #use: "whole" | "parts" | undefined;
  #end: { reason: unknown } | "complete" | undefined;
  /** Wakes those who wait for the next part. */
  #sleepers: (() => void)[] = [];

  static {
    deliverChunk = (request, chunk) => request.#deliver(chunk);
    failRequest = (request, reason) => request.#finish({ reason });
  }

  /** Made by {@linkcode Shard.requestGuildMembers}; `onReturn` is called when an iteration ends early. */
  constructor(nonce: string, onReturn: () => void) {
    this.nonce = nonce;
    this.#onReturn = onReturn;
    this.#whole.promise.catch(() => {});
  }

  /** Resolves with all members once the last part has come. */
  then<Result = GuildMember[], Failure = never>(
    onfulfilled?: ((members: GuildMember[]) => Result | PromiseLike<Result>) | null,
    onrejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    try {
      this.#choose("whole");
    } catch (error) {
      return Promise.reject(error).then(onfulfilled, onrejected);
    }
    if (this.#end === "complete") this.#settleWhole();
    return this.#whole.promise.then(onfulfilled, onrejected);
  }

  /**
   * Iterates over the parts in order of arrival. Leaving the loop early ends the request.
   *
   * @throws {DOMException} InvalidStateError, if the request is awaited or iterated over already.
   */
  [Symbol.asyncIterator](): AsyncIterator<GuildMembersChunk, undefined> {
    if (this.#use === "parts") throw notBoth();
    this.#choose("parts");
    return {
      next: () => attempt(() => this.#next()),
      return: () => {
        this.#onReturn();
        this.#finish("complete");
        this.#chunks = [];
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #choose(use: "whole" | "parts"): void {
    this.#use ??= use;
    if (this.#use !== use) throw notBoth();
  }

  async #next(): Promise<Step> {
    for (;;) {
      const value = this.#chunks.shift();
      if (value !== undefined) return { done: false, value };
      if (this.#end === "complete") return { done: true, value: undefined };
      if (this.#end !== undefined) throw this.#end.reason;
      await new Promise<void>((resolve) => this.#sleepers.push(resolve));
    }
  }

  /** Parts are counted, because their order is not promised, and one may be delivered twice. */
  #deliver(chunk: GuildMembersChunk): boolean {
    if (this.#end !== undefined || this.#seen.has(chunk.chunk_index)) return false;
    this.#seen.add(chunk.chunk_index);
    this.#chunks.push(chunk);
    if (this.#seen.size >= chunk.chunk_count) {
      this.#finish("complete");
      return true;
    }
    this.#wake();
    return false;
  }

  #finish(end: { reason: unknown } | "complete"): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (end !== "complete") this.#whole.reject(end.reason);
    else if (this.#use === "whole") this.#settleWhole();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake();
  }

  #settleWhole(): void {
    this.#whole.resolve(this.#chunks.flatMap((chunk) => chunk.members));
  }
}

function notBoth(): DOMException {
  return new DOMException(
    "Cannot use the members request: it can be awaited, or iterated over once, but not both",
    "InvalidStateError",
  );
}
