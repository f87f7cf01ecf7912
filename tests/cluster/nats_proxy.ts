/**
 * A way to a NATS server on which something goes wrong on demand: a write that never arrives, an answer that never comes
 * back, a connection that is gone. Works on Deno and on Bun.
 *
 * @module
 */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { Buffer } from "node:buffer";

/** A message to lose. */
interface Loss {
  /** On which subject it is published. */
  readonly subject: RegExp;
  /** Whether it is the message that gets lost, or what the server answers to it. */
  readonly what: "request" | "answer";
  /** Called when it was. */
  readonly onLost: () => void;
}

/** Stands between clients and a server. */
export class NatsProxy implements AsyncDisposable {
  readonly #target: URL;
  readonly #server: Server;
  readonly #pairs = new Set<readonly Socket[]>();
  /** The subjects of answers that are to be lost. */
  readonly #answers = new Map<string, () => void>();
  #losses: Loss[] = [];
  #port = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Starts before a server. */
  static async start(server: { url: string }): Promise<NatsProxy> {
    const proxy = new NatsProxy(new URL(server.url));
    await proxy.mend();
    return proxy;
  }

  /** Where it listens. */
  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /**
   * Loses the next message that is published on a subject, or what is answered to it; resolves when that has happened. The
   * key of a bucket has the subject `$KV.<bucket>.<key>`; what is asked of JetStream begins with `$JS.API.`.
   */
  lose(subject: RegExp, what: Loss["what"] = "request"): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#losses.push({ subject, what, onLost: resolve });
    return promise;
  }

  /** Ends every connection without a warning, and refuses others until {@linkcode mend}. */
  cut(): void {
    this.#server.close();
    for (const sockets of this.#pairs) for (const socket of sockets) socket.destroy();
  }

  /** Accepts connections, again at the same port. */
  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.once("close", resolve));
    const { listening } = this.#server;
    this.cut();
    if (listening) await closed;
  }

  #accept(client: Socket): void {
    const server = createConnection({ host: this.#target.hostname, port: Number(this.#target.port) });
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.on("data", framesTo((words) => this.#isPublished(words), server));
    server.on("data", framesTo((words) => this.#isDelivered(words), client));
  }

  /** `PUB <subject> [reply] <bytes>`, or `HPUB` with one more number. */
  #isPublished([verb, subject = "", ...rest]: string[]): boolean {
    const loss = verb === "PUB" || verb === "HPUB" ? this.#losses.find((one) => one.subject.test(subject)) : undefined;
    if (loss === undefined) return true;
    this.#losses = this.#losses.filter((other) => other !== loss);
    if (loss.what === "answer") {
      this.#answers.set(rest[0] as string, loss.onLost);
      return true;
    }
    loss.onLost();
    return false;
  }

  /** `MSG <subject> <subscription> [reply] <bytes>`, or `HMSG` with one more number. */
  #isDelivered([, subject = ""]: string[]): boolean {
    const onLost = this.#answers.get(subject);
    if (onLost === undefined) return true;
    this.#answers.delete(subject);
    onLost();
    return false;
  }
}

/** Passes on what comes, message by message, as long as a check of each one's first line says so. */
function framesTo(check: (words: string[]) => boolean, socket: Socket): (chunk: Uint8Array) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf("\r\n");
      if (end < 0) return;
      const words = rest.toString("latin1", 0, end).split(" ");
      const hasPayload = /^H?(PUB|MSG)$/.test(words[0] ?? "");
      const length = end + 2 + (hasPayload ? Number(words.at(-1)) + 2 : 0);
      if (rest.length < length) return;
      if (check(words)) socket.write(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}
