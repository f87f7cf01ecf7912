/**
 * A manager, a gateway of its own for it, and the status handler.
 *
 * @module
 */
import { type ConnectionInfo, type StatusHandler, statusHandler, type StatusOptions } from "@gangway/gateway/status";
import { type ManagerRig, managerRig, type ManagerRigOptions } from "./shard_manager_rig.ts";

/** Who asks, as a server tells it. */
export const HERE: ConnectionInfo = { remoteAddr: { hostname: "127.0.0.1" } };

/** What `/events` sends. */
export interface StatusMessage {
  /** `snapshot` or `update`. */
  name: string;
  // deno-lint-ignore no-explicit-any -- whatever is in there, the tests compare it
  data: any;
}

/** Everything that a test of the status page needs. */
export class StatusRig implements AsyncDisposable {
  readonly rig: ManagerRig;
  readonly handler: StatusHandler;

  constructor(rig: ManagerRig, options: StatusOptions) {
    this.rig = rig;
    this.handler = statusHandler(rig.manager, options);
  }

  /** Asks as somebody on this machine. */
  get(path: string, init: RequestInit = {}, host = "localhost:8080"): Promise<Response> {
    return this.handler(new Request(`http://${host}${path}`, init), HERE);
  }

  /** Asks for JSON. */
  // deno-lint-ignore no-explicit-any -- the tests compare it
  async json(path: string): Promise<any> {
    return (await this.get(path)).json();
  }

  /** Asks for a sample of `/metrics`; `undefined` where there is none. */
  async metric(sample: string): Promise<number | undefined> {
    const text = await (await this.get("/metrics")).text();
    const line = text.split("\n").find((line) => line.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    this.handler[Symbol.dispose]();
  }
}

/** Makes it; nothing is connected yet. */
export async function statusRig(options: ManagerRigOptions & { status?: StatusOptions } = {}): Promise<StatusRig> {
  return new StatusRig(await managerRig(options), options.status ?? {});
}

/** Reads what `/events` sends, message by message, as it comes. */
export class StatusReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";
  #wake: () => void = () => {};
  #hasEnded = false;
  /** What has come and nobody has taken. */
  readonly messages: StatusMessage[] = [];

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
    void this.#read();
  }

  /** The next message, or `null` at the end. */
  async next(): Promise<StatusMessage | null> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) return message;
      if (this.#hasEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The data of the next message that passes. */
  // deno-lint-ignore no-explicit-any -- the tests compare it
  async until(check: (data: any, name: string) => boolean): Promise<any> {
    for (;;) {
      const message = await this.next();
      if (message === null) throw new Error("The stream has ended");
      if (check(message.data, message.name)) return message.data;
    }
  }

  /** Goes away. */
  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      // A connection that breaks is an end as well.
      const { done, value } = await this.#reader.read().catch(() => ({ done: true, value: undefined }));
      if (done) break;
      const parts = (this.#text + decoder.decode(value, { stream: true })).split("\n\n");
      this.#text = parts.pop() ?? "";
      this.messages.push(...parts.map(messageOf));
      this.#wake();
    }
    this.#hasEnded = true;
    this.#wake();
  }
}

function messageOf(text: string): StatusMessage {
  const [, name = "", data = ""] = text.match(/^event: (\w+)\ndata: (.*)$/) ?? [];
  return { name, data: JSON.parse(data) };
}
