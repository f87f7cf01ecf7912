import { checkNumber, checkObject } from "../check.ts";
import type { ClientConnection, Hold } from "./client_connection.ts";
import { internalsOf, makeInternals } from "./internals.ts";
import type { Via } from "./link.ts";
import type { LocalGatewayOptions } from "./options.ts";
import { checkCloseCode, checkDuration, checkStatus, checkTimes } from "./options_check.ts";

/** Which connections a verb is about; all, unless told otherwise. */
export interface ConnectionTarget {
  /** Only those of this shard. */
  shardId?: number | undefined;
}

/** Options of {@linkcode LocalGatewayFaults.rejectHttp}. */
export interface RejectHttpOptions {
  /**
   * For 429, how long to wait, in seconds. The header rounds it up to whole ones.
   *
   * @default {1}
   */
  retryAfter?: number | undefined;
  /** Whether the answer is an HTML page, as from the network in front of the API. */
  html?: boolean | undefined;
  /** Only requests whose path contains this. */
  path?: string | undefined;
  /** For 429, whether the limit of the whole bot was hit, in place of the route's. */
  global?: boolean | undefined;
}

/**
 * What can be made to go wrong. Use it through {@linkcode LocalGateway}.
 *
 * @example A connection that breaks, and one that goes silent
 * ```ts
 * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
 * await manager.connect();
 * await manager.shards.get(0)?.ready;
 *
 * for (const fault of [() => discord.drop(), () => discord.disconnect(4000), () => discord.reconnect()]) {
 *   const resumed = manager.dispatcher.waitFor("resumed");
 *   fault();
 *   await resumed;
 * }
 * assertEquals(discord.identifies.length, 1);
 * ```
 *
 * @example A session that ends
 * ```ts
 * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
 * await manager.connect();
 * await manager.shards.get(0)?.ready;
 *
 * const ended = manager.dispatcher.waitFor("disconnect");
 * discord.disconnect(4009, { reason: "Session timed out" });
 * assertEquals(await ended, 4009);
 * ```
 *
 * @example An HTTP API that fails twice before it answers
 * ```ts
 * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
 * discord.rejectHttp(503, 1, { path: "/gateway/bot" });
 * discord.dropHttp(1);
 * await manager.connect();
 * assertEquals(discord.httpRequests.map(({ status }) => status), [503, 0, 200]);
 * ```
 *
 * @example A handshake that is refused
 * ```ts
 * import { BotAuthentication, HTTPClient, ShardManager } from "@gangway/gateway";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start();
 * const httpClient = new HTTPClient({ baseUrl: discord.url });
 * await using manager = new ShardManager(new BotAuthentication(discord.token), 0, httpClient);
 * discord.rejectUpgrade(503);
 * const [again] = await Promise.all([manager.dispatcher.waitFor("reconnecting"), manager.connect()]);
 * assertEquals(again.attempt, 1);
 * ```
 */
export abstract class LocalGatewayFaults {
  /** Prepares a gateway without sockets. */
  constructor(options: LocalGatewayOptions) {
    makeInternals(this, options);
  }

  #targets(options: ConnectionTarget): ClientConnection[] {
    checkObject("find connections: the options", options);
    const { shardId } = options;
    if (shardId !== undefined) checkNumber("find connections: shardId", shardId, 0);
    return [...internalsOf(this).hub.connections].filter((connection) =>
      connection.open && (shardId === undefined || connection.shardId === shardId)
    );
  }

  #release(hold: Hold): void {
    for (const connection of [...internalsOf(this).hub.connections]) connection.release(hold);
  }

  /**
   * Closes connections. The codes that say so end the session too; `null` closes without a code, which Bun's sockets
   * cannot do: there the connection ends without a close frame.
   */
  disconnect(code: number | null, options: ConnectionTarget & { reason?: string | undefined } = {}): void {
    if (code !== null) checkCloseCode("disconnect: the code", code);
    for (const connection of this.#targets(options)) connection.close(code, options.reason ?? "");
  }

  /** Asks clients to reconnect and resume: op 7. With `closeAfterMs` the connection is closed with 4000 after that. */
  reconnect(options: ConnectionTarget & { closeAfterMs?: number | undefined } = {}): void {
    for (const connection of this.#targets(options)) connection.askToReconnect(options.closeAfterMs);
  }

  /** Tells clients that their session is invalid: op 9, with whether it may be resumed. */
  invalidateSession(resumable: boolean, options: ConnectionTarget = {}): void {
    for (const connection of this.#targets(options)) connection.invalidate(resumable);
  }

  /** Asks for a heartbeat at once: op 1. */
  requestHeartbeat(options: ConnectionTarget = {}): void {
    for (const connection of this.#targets(options)) connection.askForHeartbeat();
  }

  /** Breaks connections as a network does, with a TCP reset. Sessions stay. */
  drop(options: ConnectionTarget = {}): void {
    for (const connection of this.#targets(options)) connection.drop();
  }

  /** Stops to carry anything either way, while connections stay open. */
  freeze(options: ConnectionTarget = {}): void {
    for (const connection of this.#targets(options)) connection.freeze(true);
  }

  /** Ends {@linkcode LocalGatewayFaults.freeze}; what was held back arrives. */
  thaw(options: ConnectionTarget = {}): void {
    for (const connection of this.#targets(options)) connection.freeze(false);
  }

  /** Breaks connections once so many more bytes went to the client; in memory, a message that is cut never arrives. */
  cutAfter(bytes: number, options: ConnectionTarget = {}): void {
    for (const connection of this.#targets(options)) connection.cutAfter(bytes);
  }

  /** Sends something as it is: text as a payload (through the compression, unless `bare`), bytes as a binary frame. */
  sendRaw(data: string | Uint8Array, options: ConnectionTarget & { bare?: boolean | undefined } = {}): void {
    for (const connection of this.#targets(options)) connection.sendRaw(data, options.bare ?? false);
  }

  /** Sends bytes that cannot be decompressed, or without compression a payload that cannot be parsed. */
  corrupt(options: ConnectionTarget = {}): void {
    for (const connection of this.#targets(options)) connection.corrupt();
  }

  /** Leaves heartbeats without ACK, until called with `false`. */
  withholdAcks(on = true): void {
    internalsOf(this).hub.faults.withholdAcks = on;
  }

  /** Leaves new connections without HELLO; `false` sends it to those that wait. */
  withholdHello(on = true): void {
    internalsOf(this).hub.faults.withholdHello = on;
    if (!on) this.#release("hello");
  }

  /** Sends HELLO so many milliseconds late. */
  delayHello(ms: number): void {
    checkDuration("delay HELLO: the time", ms);
    internalsOf(this).hub.faults.helloDelayMs = ms;
  }

  /** Sends op 7 in place of HELLO to the next connections. */
  reconnectBeforeHello(times = 1): void {
    checkTimes("ask to reconnect: times", times);
    internalsOf(this).hub.faults.reconnectsBeforeHello = times;
  }

  /** Accepts IDENTIFY but sends no READY, as in an outage; ACKs flow. `false` sends it to those that wait. */
  withholdReady(on = true): void {
    internalsOf(this).hub.faults.withholdReady = on;
    if (!on) this.#release("ready");
  }

  /** Sends READY but no GUILD_CREATE; `false` sends them to those that wait. */
  withholdGuilds(on = true): void {
    internalsOf(this).hub.faults.withholdGuilds = on;
    if (!on) this.#release("guilds");
  }

  /** Stops each replay after so many dispatches; `null` goes on with those that wait, up to RESUMED. */
  pauseReplayAfter(count: number | null): void {
    if (count !== null) checkNumber("pause replays: the count", count, 0);
    internalsOf(this).hub.faults.replayPauseAfter = count;
    if (count === null) this.#release("replay");
  }

  /** Breaks the connection at each RESUME, as was seen to happen with some sessions. */
  brickResumes(on = true): void {
    internalsOf(this).hub.faults.brickResumes = on;
  }

  /** Answers the next RESUMEs with an invalid session that may, or may not, be resumed. */
  refuseResumes(times: number, options: { resumable?: boolean | undefined } = {}): void {
    checkTimes("refuse resumes: times", times);
    checkObject("refuse resumes: the options", options);
    internalsOf(this).hub.faults.refuseResumes = { times, resumable: options.resumable ?? false };
  }

  /** Forgets the sessions that have no connection; a RESUME of one gets an invalid session. */
  expireSessions(): void {
    internalsOf(this).hub.expireSessions(0);
  }

  /** Loses the next parts of answers to requests for guild members. */
  loseChunks(times = 1): void {
    checkTimes("lose chunks: times", times);
    internalsOf(this).hub.faults.lostChunks = times;
  }

  /** Answers the next requests with a status; see the options. */
  rejectHttp(status: number, times = 1, options: RejectHttpOptions = {}): void {
    checkStatus("reject requests: the status", status);
    checkTimes("reject requests: times", times);
    checkObject("reject requests: the options", options);
    const { retryAfter, html = false, path, global = false } = options;
    internalsOf(this).hub.faults.addHttp({ status, times, retryAfter, html, path, global });
  }

  /** Drops the connection of the next requests in place of an answer. */
  dropHttp(times = 1, options: { path?: string | undefined } = {}): void {
    this.rejectHttp(0, times, options);
  }

  /** Answers each request so many milliseconds late. */
  delayHttp(ms: number): void {
    checkDuration("delay answers: the time", ms);
    internalsOf(this).hub.faults.httpDelayMs = ms;
  }

  /** Refuses the next WebSocket handshakes with a status; `via` limits it to one of the two addresses. */
  rejectUpgrade(status: number, times = 1, options: { via?: Via | undefined } = {}): void {
    checkStatus("refuse handshakes: the status", status);
    checkTimes("refuse handshakes: times", times);
    checkObject("refuse handshakes: the options", options);
    internalsOf(this).hub.faults.addUpgrade(status, times, options.via);
  }

  /** Refuses connections, as a server that is down; those that are open stay. */
  stopListening(options: { via?: Via | undefined } = {}): void {
    internalsOf(this).transports.stop(options.via);
  }

  /** Accepts connections again, at the same addresses. */
  startListening(): Promise<void> {
    return internalsOf(this).transports.start();
  }

  /** Changes the recommended number of shards. */
  setRecommendedShards(count: number): void {
    checkNumber("recommend shards: the count", count, 1);
    internalsOf(this).hub.options.shards = count;
  }

  /** Changes how many sessions may still be started. */
  setRemainingSessionStarts(count: number): void {
    checkNumber("limit session starts: the count", count, 0);
    internalsOf(this).hub.setRemaining(count);
  }

  /** Changes which intents are allowed. Sessions end with 4003, as when one is switched off in the developer portal. */
  setAllowedIntents(intents: number): void {
    checkNumber("allow intents: they", intents, 0);
    const { hub } = internalsOf(this);
    hub.options.allowedIntents = intents;
    hub.refused.clear();
    hub.revokeSessions();
  }

  /** Changes what the number of shards has to be a multiple of, and how many guilds a shard may have. */
  setShardRules(rules: { shardCountMultipleOf?: number | undefined; maxGuildsPerShard?: number | undefined }): void {
    const { hub } = internalsOf(this);
    hub.options.shardCountMultipleOf = rules.shardCountMultipleOf ?? hub.options.shardCountMultipleOf;
    hub.options.maxGuildsPerShard = rules.maxGuildsPerShard ?? hub.options.maxGuildsPerShard;
  }

  /** Resets the token: sessions end with 4003, and the token is refused from then on. */
  revokeToken(): void {
    internalsOf(this).hub.revokeToken();
  }
}
