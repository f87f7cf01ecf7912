import process from "node:process";
import { BotAuthentication } from "../authentication.ts";
import { supportedFormats } from "../decompressor.ts";
import { InvalidTokenError } from "../errors.ts";
import { HTTPClient } from "../http_client.ts";
import type { HTTPClientOptions } from "../http_options.ts";
import type { GatewayBotInfo } from "../payload.ts";
import { IDENTIFY_WINDOW_MS } from "../sharding.ts";
import { VERSION } from "../version.ts";
import { type IntentName, type IntentState, namesOf, PORTAL_NAMES, privilegedStates } from "./intents.ts";
import { measureRoundTrip, type RoundTrip } from "./round_trip.ts";

/** Options of {@linkcode examine}. */
export interface ExamineOptions {
  /** The bot's token. */
  token: string;
  /**
   * The intents that the bot is going to use, to see whether they are switched on.
   *
   * @default {0}
   */
  intents?: number;
  /** Where Discord is, and how it is reached. */
  http?: Omit<HTTPClientOptions, "requestTimeoutMs">;
  /**
   * How long all of it may take, in milliseconds.
   *
   * @default {15_000}
   */
  timeoutMs?: number;
  /** Told what is being done. */
  onProgress?: (what: string) => void;
}

/** What {@linkcode examine} has found out. */
export interface DoctorReport {
  /** Whether the bot can start as it is. */
  ok: boolean;
  /** What keeps it from that, and what to do about it: a sentence each. */
  problems: string[];
  /** Whether Discord takes the token; `null` where it could not be asked. */
  tokenValid: boolean | null;
  /** Whose token it is. */
  application: { id: string; name: string } | null;
  /** The intents that were asked about. */
  intents: { value: number; names: IntentName[] };
  /** Whether each of the privileged intents is switched on. */
  privilegedIntents: { name: IntentName; state: IntentState }[];
  /** What `GET /gateway/bot` says. */
  gateway: GatewayReport | null;
  /** What a connection to the gateway has shown. */
  connection: RoundTrip | null;
  /** What this runs on. */
  runtime: { name: string; version: string; platform: string; library: string; compression: string[] };
}

/** What `GET /gateway/bot` says, and what follows from it. */
export interface GatewayReport {
  /** Where the gateway is. */
  url: string;
  /** How many shards are recommended. */
  shards: number;
  /** How many of them may identify every five seconds. */
  maxConcurrency: number;
  /** How long it takes until the last shard has identified, in milliseconds. */
  fullStartMs: number;
  /** How many sessions may be started. */
  identifies: { total: number; remaining: number; resetAfterMs: number };
}

/** How many errors behind an error are looked at: runtimes say last what the network said. */
const MAX_CAUSES = 4;

const PORTAL = "https://discord.com/developers/applications";

/**
 * Examines whether a bot can start: asks Discord about its token, its application and its gateway, and has one heartbeat
 * answered. It spends no identify. What goes wrong is in the report; it does not reject.
 *
 * @throws {TypeError} Rejects if the token cannot be one, or an option cannot be used.
 *
 * @example
 * ```ts
 * import { GatewayIntent } from "@gangway/gateway";
 * import { examine } from "@gangway/gateway/doctor";
 * import { LocalGateway } from "@gangway/gateway/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using discord = await LocalGateway.start({ allowedIntents: GatewayIntent.Guilds });
 * const { token, url: baseUrl } = discord;
 * const report = await examine({ token, intents: GatewayIntent.MessageContent, http: { baseUrl } });
 * assertEquals(report.tokenValid, true);
 * assertEquals(report.ok, false);
 * assertEquals(discord.identifies.length, 0);
 * ```
 */
export async function examine(options: ExamineOptions): Promise<DoctorReport> {
  const { intents = 0, timeoutMs = 15_000, onProgress = () => {} } = options;
  const authentication = new BotAuthentication(options.token);
  using httpClient = new HTTPClient(options.http);
  const report: DoctorReport = {
    ok: false,
    problems: [],
    tokenValid: null,
    application: null,
    intents: { value: intents, names: namesOf(intents) },
    privilegedIntents: privilegedStates(undefined),
    gateway: null,
    connection: null,
    runtime: runtimeOf(),
  };
  const deadline = new AbortController();
  const { signal } = deadline;
  const timer = setTimeout(
    () => deadline.abort(new DOMException(`No answer within ${timeoutMs} ms`, "TimeoutError")),
    timeoutMs,
  );
  try {
    onProgress("Asking Discord for the gateway");
    const info = await httpClient.getGatewayBot(authentication, { signal, onRetry: giveUpAfterTwo(deadline) });
    report.tokenValid = true;
    report.gateway = gatewayReport(info);
    checkIdentifies(report, report.gateway);
    onProgress("Asking Discord for the application");
    const onRetry = giveUpAfterTwo(deadline);
    const body = await httpClient.request("GET", "/applications/@me", { auth: authentication, signal, onRetry });
    const { id, name, flags } = (body ?? {}) as Record<string, unknown>;
    if (typeof id !== "string" || typeof name !== "string" || !["number", "undefined"].includes(typeof flags)) {
      throw new TypeError("Cannot use the answer to GET /applications/@me: it is not an application");
    }
    report.application = { id, name };
    report.privilegedIntents = privilegedStates(flags as number | undefined);
    checkIntents(report);
    onProgress("Connecting to the gateway");
    report.connection = await measureRoundTrip(httpClient, info.url, signal);
  } catch (error) {
    if (error instanceof InvalidTokenError) report.tokenValid = false;
    report.problems.push(sentence(error));
  } finally {
    clearTimeout(timer);
  }
  report.ok = report.problems.length === 0;
  return report;
}

/** A doctor says what is wrong rather than to try for ever. */
function giveUpAfterTwo(deadline: AbortController): (retry: { attempt: number; error: Error }) => void {
  return ({ attempt, error }) => {
    if (attempt >= 2) deadline.abort(error);
  };
}

function gatewayReport({ url, shards, session_start_limit }: GatewayBotInfo): GatewayReport {
  const { max_concurrency: maxConcurrency, total, remaining, reset_after: resetAfterMs } = session_start_limit;
  return {
    url,
    shards,
    maxConcurrency,
    fullStartMs: (Math.ceil(shards / maxConcurrency) - 1) * IDENTIFY_WINDOW_MS,
    identifies: { total, remaining, resetAfterMs },
  };
}

function checkIdentifies(
  report: DoctorReport,
  { shards, identifies: { remaining, resetAfterMs } }: GatewayReport,
): void {
  if (remaining >= shards) return;
  report.problems.push(
    `A full start takes ${shards} identifies, and ${remaining} are left: wait ${
      Math.ceil(resetAfterMs / 60_000)
    } minutes, ` +
      "and find out what spent them (keep sessions in a session store, so that a restart resumes)",
  );
}

function checkIntents({ intents, privilegedIntents, application, problems }: DoctorReport): void {
  for (const { name, state } of privilegedIntents) {
    if (state !== "off" || !intents.names.includes(name)) continue;
    problems.push(
      `${name} is asked for and switched off: switch on "${PORTAL_NAMES[name]}" at ` +
        `${PORTAL}/${application?.id}/bot, or leave it out`,
    );
  }
}

function runtimeOf(): DoctorReport["runtime"] {
  const { versions: { deno, bun, node }, platform, arch } = process;
  const [name, version] = deno ? ["Deno", deno] : bun ? ["Bun", bun] : ["Node", node ?? "unknown"];
  return { name, version, platform: `${platform} ${arch}`, library: VERSION, compression: supportedFormats() };
}

/** What went wrong, with the causes that say more. */
function sentence(error: unknown): string {
  const messages: string[] = [];
  let one = error;
  for (let depth = 0; one instanceof Error && depth < MAX_CAUSES; depth++) {
    const { message, cause } = one;
    if (!messages.some((text) => text.includes(message))) messages.push(message);
    one = cause;
  }
  return messages.join(": ") || String(error);
}
