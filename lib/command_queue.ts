import { onAbort } from "./abortable.ts";
import { attempt } from "./attempt.ts";
import { invalidState } from "./check.ts";
import type { SentPayload } from "./payload.ts";

/** Options of {@linkcode CommandQueue.push}. */
export interface CommandOptions {
  /** A waiting command with the same key is overtaken by this one: last write wins. */
  key?: string;
  /** Takes the command back while it waits. */
  signal?: AbortSignal | undefined;
}

/** A connection that takes commands. */
export interface CommandSink {
  /** Takes the right to send one command and returns 0, or returns how long to wait for it, in milliseconds. */
  take(): number;
  /** Sends a command. */
  send(payload: SentPayload, frame: string): void;
  /** Sends a heartbeat now, out of turn, where the send limit allows it. */
  beat(): void;
}

/** Where a command is to go, and what of it. */
export interface CommandPart {
  /** Takes it. */
  queue: CommandQueue;
  /** What is left for it to send. */
  payload: SentPayload;
}

interface Command extends PromiseWithResolvers<void> {
  readonly payload: SentPayload;
  readonly frame: string;
  readonly options: CommandOptions;
}

/** "Clients are limited to payloads of 4096 bytes"; a longer one closes the connection with 4002. */
const MAX_FRAME_BYTES = 4096;

/** How many commands may wait. */
const MAX_COMMANDS = 10_000;

const encoder = new TextEncoder();

/**
 * Writes a payload as it is sent.
 *
 * @throws {RangeError} If it is larger than the gateway takes.
 */
export function frameOf(payload: SentPayload): string {
  const frame = JSON.stringify(payload);
  const bytes = encoder.encode(frame).length;
  if (bytes <= MAX_FRAME_BYTES) return frame;
  throw new RangeError(`Cannot send: the payload is ${bytes} bytes, and the gateway takes ${MAX_FRAME_BYTES} at most`);
}

/**
 * What a user wants to send: it waits while there is no usable connection and while the send limit is reached, and
 * outlives connections.
 */
export class CommandQueue {
  #commands: Command[] = [];
  #sink: CommandSink | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Sends a command as soon as that is possible.
   *
   * @returns Resolves when it was sent, or was overtaken by another of its key.
   * @throws {RangeError} Rejects if it is larger than the gateway takes; see {@linkcode frameOf}.
   * @throws {DOMException} Rejects with InvalidStateError if too many wait already, and with the signal's reason.
   */
  push(payload: SentPayload, options: CommandOptions = {}): Promise<void> {
    return attempt(async () => {
      const { signal } = options;
      signal?.throwIfAborted();
      const command: Command = { payload, frame: frameOf(payload), options, ...Promise.withResolvers<void>() };
      this.#enqueue(command);
      const stop = onAbort(signal, (reason) => {
        this.#commands = this.#commands.filter((other) => other !== command);
        command.reject(reason);
      });
      try {
        this.#flush();
        await command.promise;
      } finally {
        stop();
      }
    });
  }

  /** A connection became usable. */
  open(sink: CommandSink): void {
    this.#sink = sink;
    this.#flush();
  }

  /** The connection is gone; what waits goes on waiting. */
  shut(): void {
    this.#sink = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Asks for a sign of life, where there is a connection. */
  beat(): void {
    this.#sink?.beat();
  }

  /** Lets other queues send what waits, in the parts that a command falls into; one without a part stays. */
  handOver(partsOf: (payload: SentPayload) => readonly CommandPart[]): void {
    this.#commands = this.#commands.filter((command) => {
      const parts = partsOf(command.payload).map(({ queue, payload }) => queue.push(payload, command.options));
      if (parts.length === 0) return true;
      Promise.all(parts).then(() => command.resolve(), command.reject);
      return false;
    });
  }

  /** Rejects everything that waits. */
  clear(reason: unknown): void {
    const commands = this.#commands;
    this.#commands = [];
    for (const command of commands) command.reject(reason);
  }

  #enqueue(command: Command): void {
    const { key } = command.options;
    const at = key === undefined ? -1 : this.#commands.findIndex(({ options }) => options.key === key);
    if (at >= 0) {
      this.#commands[at]?.resolve();
      this.#commands[at] = command;
    } else if (this.#commands.length < MAX_COMMANDS) {
      this.#commands.push(command);
    } else {
      throw invalidState(`send: ${MAX_COMMANDS} commands are waiting already`);
    }
  }

  #flush(): void {
    if (this.#timer !== undefined) return;
    while (this.#sink !== null && this.#commands.length > 0) {
      const wait = this.#sink.take();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#onTimer(), Math.ceil(wait));
        return;
      }
      const command = this.#commands.shift() as Command;
      this.#sink.send(command.payload, command.frame);
      command.resolve();
    }
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#flush();
  }
}
