/**
 * How to go on after a connection ended: when the next one is opened, where, and whether the session is still worth
 * anything. Pure: the clock and the random numbers are arguments.
 *
 * @module
 */
import { backoffWindowMs } from "./backoff.ts";

/** How long a connection has to be usable for its failure to be a new story, in milliseconds. */
const HEALTHY_MS = 30_000;

/** How many handshakes in a row may fail on the resume URL before the normal one is used. */
const REFUSED_RESUMES = 2;

/** A session is given up after this many resumes that died unanswered … */
const DEAD_RESUMES = 5;

/** … spread over at least this long, in milliseconds: a gateway that restarts takes a while. */
const DEAD_RESUMES_MS = 120_000;

/**
 * How much of the first window a shard of the bot takes, in milliseconds. A gateway that restarts cuts all shards off at
 * the same moment, in every process of the bot, so about 200 a second come back at first, however many there are.
 */
const SHARD_SHARE_MS = 5;

/** Bounds of the wait between short-lived identifies in a row, in milliseconds: they are a daily budget. */
const IDENTIFY_BASE_MS = 5_000;
const IDENTIFY_CAP_MS = 600_000;

/** What is remembered from one connection to the next. */
export interface Recovery {
  /** How many connections ended since one was last usable for {@linkcode HEALTHY_MS}. */
  readonly attempt: number;
  /** How many handshakes in a row failed on the resume URL. */
  readonly refusedResumes: number;
  /** How many resumes in a row died without an answer. */
  readonly deadResumes: number;
  /** When the first of them was, in milliseconds. */
  readonly deadSince: number;
  /** When the last of them was. */
  readonly deadUntil: number;
  /** How many identifies in a row led to no session that was usable for {@linkcode HEALTHY_MS}. */
  readonly shortIdentifies: number;
}

/** Nothing to recover from. */
export const INITIAL_RECOVERY: Recovery = {
  attempt: 0,
  refusedResumes: 0,
  deadResumes: 0,
  deadSince: 0,
  deadUntil: 0,
  shortIdentifies: 0,
};

/** What is left to be remembered after the shard was closed: what there is to be known of its session. */
export function afterClose({ deadResumes, deadSince, deadUntil }: Recovery): Recovery {
  return { ...INITIAL_RECOVERY, deadResumes, deadSince, deadUntil };
}

/** What a connection came to. */
export interface ConnectionLife {
  /** Whether it was opened on the resume URL. */
  readonly onResumeUrl: boolean;
  /** Whether the gateway sent anything at all. */
  readonly greeted: boolean;
  /** What was sent after HELLO. */
  readonly sent: "identify" | "resume" | null;
  /** Whether a dispatch came (RESUMED is one). */
  readonly answered: boolean;
  /** When it became usable, in milliseconds, or `null`. */
  readonly usableAt: number | null;
}

/** Takes in how a connection ended at the time `now`, in milliseconds. */
export function afterConnection(recovery: Recovery, life: ConnectionLife, now: number): Recovery {
  const healthy = life.usableAt !== null && now - life.usableAt >= HEALTHY_MS;
  const refused = life.onResumeUrl && !life.greeted;
  const dead = life.sent === "resume" && !life.answered;
  const alive = life.answered;
  return {
    attempt: healthy ? 1 : recovery.attempt + 1,
    refusedResumes: refused ? recovery.refusedResumes + 1 : life.greeted ? 0 : recovery.refusedResumes,
    deadResumes: dead ? recovery.deadResumes + 1 : alive ? 0 : recovery.deadResumes,
    deadSince: dead && recovery.deadResumes === 0 ? now : recovery.deadSince,
    deadUntil: dead ? now : recovery.deadUntil,
    shortIdentifies: healthy ? 0 : recovery.shortIdentifies + (life.sent === "identify" ? 1 : 0),
  };
}

/**
 * Whether the session is to be dropped: bounded, or a gateway that kills every resume would keep the bot away for
 * hours. Only what happened to resumes counts: a network that fails says nothing about the session.
 */
export function isSessionDead({ deadResumes, deadSince, deadUntil }: Recovery): boolean {
  return deadResumes >= DEAD_RESUMES && deadUntil - deadSince >= DEAD_RESUMES_MS;
}

/** Whether the resume URL is to be used: "if the resume connection fails, use the normal gateway URL". */
export function trustsResumeUrl(recovery: Recovery): boolean {
  return recovery.refusedResumes < REFUSED_RESUMES;
}

/** What {@linkcode reconnectDelayMs} depends on besides what came of the connections so far. */
export interface NextConnection {
  /** Whether it has to identify. */
  readonly identifies: boolean;
  /** How many shards the bot has: all may be cut off at once. */
  readonly shardCount: number;
}

/**
 * How long to wait before the next connection, in milliseconds.
 *
 * @param random A number from 0 up to 1.
 */
export function reconnectDelayMs(
  recovery: Recovery,
  { identifies, shardCount }: NextConnection,
  random: number,
): number {
  const delay = random * backoffWindowMs(recovery.attempt, shardCount * SHARD_SHARE_MS);
  if (!identifies || recovery.shortIdentifies < 2) return delay;
  const bound = Math.min(IDENTIFY_CAP_MS, IDENTIFY_BASE_MS * 2 ** (recovery.shortIdentifies - 2));
  return Math.max(delay, bound * (1 + random) / 2);
}
