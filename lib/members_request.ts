import { attempt } from "./attempt.ts";
import { invalidState } from "./check.ts";
import type { GuildMember, GuildMembersChunk } from "./payload.ts";

/** Gives the request the next part of its answer; returns whether that was the last one. */
export let deliverChunk: (request: MembersRequest, chunk: GuildMembersChunk) => boolean;

/** Ends the request with an error. */
export let failRequest: (request: MembersRequest, reason: unknown) => void;

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
  readonly #end = Promise.withResolvers<void>();
  readonly #seen = new Set<number>();
  readonly #onReturn: () => void;
  readonly #chunks: GuildMembersChunk[] = [];
  #use: "whole" | "parts" | undefined;
  #isOver = false;
  /** Wakes who waits for the next part. */
  #wake: () => void = () => {};

  static {
    deliverChunk = (request, chunk) => request.#deliver(chunk);
    failRequest = (request, reason) => request.#finish(() => request.#end.reject(reason));
  }

  /** Made by {@linkcode Shard.requestGuildMembers}; `onReturn` is called when an iteration ends early. */
  constructor(nonce: string, onReturn: () => void) {
    this.nonce = nonce;
    this.#onReturn = onReturn;
    this.#end.promise.catch(() => {});
  }

  /** Resolves with all members once the last part has come. */
  then<Result = GuildMember[], Failure = never>(
    onfulfilled?: ((members: GuildMember[]) => Result | PromiseLike<Result>) | null,
    onrejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#whole().then(onfulfilled, onrejected);
  }

  /**
   * Iterates over the parts in order of arrival. Leaving the loop early ends the request.
   *
   * @throws {DOMException} InvalidStateError, if the request is awaited or iterated over already.
   */
  [Symbol.asyncIterator](): AsyncIterator<GuildMembersChunk, undefined> {
    if (this.#use === "parts") throw notBoth();
    this.#choose("parts");
    const parts = this.#parts();
    return {
      next: () => attempt(() => parts.next()),
      return: () => {
        this.#finish(this.#end.resolve);
        this.#onReturn();
        return parts.return(undefined);
      },
    };
  }

  #choose(use: "whole" | "parts"): void {
    this.#use ??= use;
    if (this.#use !== use) throw notBoth();
  }

  async #whole(): Promise<GuildMember[]> {
    this.#choose("whole");
    await this.#end.promise;
    return this.#chunks.flatMap((chunk) => chunk.members);
  }

  async *#parts(): AsyncGenerator<GuildMembersChunk, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#isOver) return void await this.#end.promise;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Parts are counted, because their order is not promised, and one may be delivered twice. */
  #deliver(chunk: GuildMembersChunk): boolean {
    if (this.#isOver || this.#seen.has(chunk.chunk_index)) return false;
    this.#seen.add(chunk.chunk_index);
    this.#chunks.push(chunk);
    const isLast = this.#seen.size >= chunk.chunk_count;
    if (isLast) this.#finish(this.#end.resolve);
    this.#wake();
    return isLast;
  }

  #finish(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    settle();
    this.#wake();
  }
}

function notBoth(): DOMException {
  return invalidState("use the members request: it can be awaited, or iterated over once, but not both");
}
