import { createInbox } from "@nats-io/nats-core";
import { onAbort } from "../abortable.ts";
import type { ChannelInfoField } from "../command_data.ts";
import type { MembersQuery } from "../member_query.ts";
import type { GuildMember, PresenceUpdateData, VoiceStateUpdateData } from "../payload.ts";
import type { Command, CommandAnswer } from "./commands.ts";
import { type NatsConnection, onConnectionChange } from "./nats.ts";

/** What a {@linkcode RemoteShard} works with. */
export interface RemoteShardOptions {
  /** The connection. */
  nats: NatsConnection;
  /** Tells the shard's id: that of a guild's shard changes when the cluster is rescaled. */
  shardId: () => number;
  /** Where its owner takes commands. */
  subjectOf: (shardId: number) => string;
  /** Tells who owns the shard now: something that is equal as long as nothing has changed. */
  ownerOf: (shardId: number) => string | null;
  /** Calls when an owner may have changed, until the signal aborts. */
  onChange: (listener: () => void, signal: AbortSignal) => void;
}

/** Options of everything that a {@linkcode RemoteShard} does. */
export interface RemoteSendOptions {
  /** Gives up. */
  signal?: AbortSignal | undefined;
  /**
   * How long it may take in all, in milliseconds; with guild members, from one part of the answer to the next.
   *
   * @default {30_000}
   */
  timeoutMs?: number | undefined;
}

/** How long to wait where nobody owns the shard at the moment, in milliseconds. */
const RETRY_MS = 100;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A shard that some node of the cluster owns: what is asked of it goes there, and follows the shard where it moves. What
 * was under way when it moved, or when the connection to NATS was lost, is asked again. So it may be done twice, which
 * changes nothing: all of it says how things shall be, or asks how they are.
 */
export class RemoteShard {
  readonly #options: RemoteShardOptions;

  /** Made by {@linkcode ClusterWorker.shardFor}. */
  constructor(options: RemoteShardOptions) {
    this.#options = options;
  }

  /** The shard's id, as things are now. */
  get shardId(): number {
    return this.#options.shardId();
  }

  /**
   * Changes the presence.
   *
   * @returns Resolves when it was sent to the gateway.
   * @throws {Error} Rejects with what the shard says; see {@linkcode Shard.presenceUpdate}.
   */
  async presenceUpdate(presence: PresenceUpdateData, options: RemoteSendOptions = {}): Promise<void> {
    await this.#ask({ name: "presence", presence }, options);
  }

  /** Joins, moves in or leaves a voice channel; see {@linkcode Shard.voiceStateUpdate}. */
  async voiceStateUpdate(update: VoiceStateUpdateData, options: RemoteSendOptions = {}): Promise<void> {
    await this.#ask({ name: "voice", update }, options);
  }

  /** Asks for the soundboard sounds of guilds: a `SOUNDBOARD_SOUNDS` comes for each, to some worker. */
  async requestSoundboardSounds(guildIds: readonly string[], options: RemoteSendOptions = {}): Promise<void> {
    await this.#ask({ name: "soundboard", guildIds }, options);
  }

  /** Asks for short-lived facts about a guild's channels: a `CHANNEL_INFO` comes, to some worker. */
  async requestChannelInfo(
    guildId: string,
    fields: readonly ChannelInfoField[],
    options: RemoteSendOptions = {},
  ): Promise<void> {
    await this.#ask({ name: "channel info", guildId, fields }, options);
  }

  /**
   * Asks for members of a guild; see {@linkcode Shard.requestGuildMembers}.
   *
   * @returns All of them. The parts also come as `GUILD_MEMBERS_CHUNK` events, to some worker.
   */
  requestGuildMembers(
    guildId: string,
    query: MembersQuery,
    options: RemoteSendOptions = {},
  ): Promise<GuildMember[]> {
    return this.#ask({ name: "members", guildId, query, timeoutMs: options.timeoutMs ?? 30_000 }, options);
  }

  async #ask(command: Command, { signal, timeoutMs = 30_000 }: RemoteSendOptions): Promise<GuildMember[]> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<GuildMember[]>();
    const { nats, onChange, subjectOf, ownerOf } = this.#options;
    const over = new AbortController();
    const inbox = createInbox();
    let attempt = 0;
    let asked: string | null = null;
    let members: GuildMember[] = [];
    let parts = 0;
    let retryTimer: ReturnType<typeof setTimeout> | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expect = () => {
      clearTimeout(timer);
      timer = setTimeout(() => reject(timedOut(command, this.shardId, timeoutMs)), timeoutMs);
    };
    const ask = () => {
      clearTimeout(retryTimer);
      attempt++;
      members = [];
      parts = 0;
      try {
        asked = ownerOf(this.shardId);
        const reply = `${inbox}.${attempt}`;
        nats.publish(subjectOf(this.shardId), encoder.encode(JSON.stringify(command)), { reply });
      } catch (error) {
        reject(error);
      }
    };
    const subscription = nats.subscribe(`${inbox}.*`, {
      callback: (error, { subject, headers, data }) => {
        if (error !== null) return reject(error);
        if (Number(subject.slice(inbox.length + 1)) !== attempt) return;
        if (headers?.code === 503) return void (retryTimer = setTimeout(ask, RETRY_MS));
        const answer = JSON.parse(decoder.decode(data)) as CommandAnswer;
        if (answer.isAway) return void (retryTimer = setTimeout(ask, RETRY_MS));
        if (answer.error !== undefined) return reject(errorOf(answer.error));
        // Others went with the node's connection.
        if (answer.part !== parts) return ask();
        parts++;
        members.push(...answer.members ?? []);
        if (answer.isDone) resolve(members);
        else expect();
      },
    });
    onChange(() => {
      if (ownerOf(this.shardId) !== asked) ask();
    }, over.signal);
    onConnectionChange(nats, { onDisconnect: () => {}, onReconnect: ask }, over.signal);
    onAbort(signal, reject, over.signal);
    try {
      expect();
      ask();
      return await promise;
    } finally {
      over.abort();
      clearTimeout(timer);
      clearTimeout(retryTimer);
      subscription.unsubscribe();
    }
  }
}

function timedOut({ name }: Command, shardId: number, timeoutMs: number): DOMException {
  return new DOMException(
    `Cannot send ${name} to shard ${shardId}: no answer within ${timeoutMs} ms`,
    "TimeoutError",
  );
}

/** Errors keep the class that a caller decides by. */
function errorOf({ name, message }: { name: string; message: string }): Error {
  if (name === "TypeError") return new TypeError(message);
  if (name === "RangeError") return new RangeError(message);
  return new DOMException(message, name);
}
