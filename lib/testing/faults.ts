import type { Via } from "./link.ts";

/** A scripted HTTP answer. */
export interface HttpFault {
  status: number;
  retryAfter: number | undefined;
  html: boolean;
  global: boolean;
  path: string | undefined;
  times: number;
}

/** What the gateway was told to do wrong. */
export class Faults {
  /** No ACK while set. */
  withholdAcks = false;
  /** No HELLO while set. */
  withholdHello = false;
  /** How late HELLO is, in milliseconds. */
  helloDelayMs = 0;
  /** How many connections get op 7 in place of HELLO. */
  reconnectsBeforeHello = 0;
  /** No READY while set. */
  withholdReady = false;
  /** No GUILD_CREATE after READY while set. */
  withholdGuilds = false;
  /** After how many replayed dispatches a replay stops, or `null`. */
  replayPauseAfter: number | null = null;
  /** Whether each RESUME drops the connection. */
  brickResumes = false;
  /** How many RESUMEs are answered with an invalid session, and whether it says to try again. */
  refuseResumes = { times: 0, resumable: false };
  /** How many GUILD_MEMBERS_CHUNK are lost. */
  lostChunks = 0;
  /** How late HTTP answers are, in milliseconds. */
  httpDelayMs = 0;
  readonly #http: HttpFault[] = [];
  readonly #upgrades: { status: number; times: number; via: Via | undefined }[] = [];

  /** Scripts HTTP answers; a status of 0 drops the connection. */
  addHttp(fault: HttpFault): void {
    this.#http.push(fault);
  }

  /** Scripts refused WebSocket handshakes. */
  addUpgrade(status: number, times: number, via: Via | undefined): void {
    this.#upgrades.push({ status, times, via });
  }

  /** The scripted answer to a request, used up by this. */
  takeHttp(path: string): HttpFault | undefined {
    return take(this.#http, (fault) => fault.path === undefined || path.includes(fault.path));
  }

  /** The status a handshake is refused with, used up by this. */
  takeUpgrade(via: Via): number | undefined {
    return take(this.#upgrades, (fault) => fault.via === undefined || fault.via === via)?.status;
  }
}

function take<T extends { times: number }>(faults: T[], fits: (fault: T) => boolean): T | undefined {
  const fault = faults.find((fault) => fault.times > 0 && fits(fault));
  if (fault !== undefined) fault.times--;
  return fault;
}
