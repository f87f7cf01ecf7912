import { type LocalGateway, sampleId } from "../../lib/testing/mod.ts";

const AUTHOR = { id: "80351110224678912", username: "Ann", discriminator: "0", global_name: "Ann", avatar: null };

/** What a message brings besides its number, to be as long as one usually is. */
const PADDING = "x".repeat(300);

/** A steady flow of messages, numbered from 1, to every shard in turn. */
export class Flow {
  readonly #gateway: LocalGateway;
  #timer: ReturnType<typeof setInterval> | undefined;
  #begunAt = 0;
  #endedAt: number | null = null;
  #count = 0;
  /** How many messages there were; their numbers are 1 to this. */
  sent = 0;

  constructor(gateway: LocalGateway) {
    this.#gateway = gateway;
  }

  /** Sends so many a second, until {@linkcode stop}. */
  start(perSecond: number): void {
    this.stop();
    this.#endedAt = null;
    this.#begunAt = performance.now();
    this.#count = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor((performance.now() - this.#begunAt) * perSecond / 1_000);
      for (; this.#count < due; this.#count++) this.send();
    }, 5);
  }

  /** Sends one; its content is its number and the time. */
  send(): void {
    const number = ++this.sent;
    const { guilds } = this.#gateway;
    const guild = guilds[number % guilds.length];
    const message = {
      id: sampleId(),
      channel_id: guild?.channels[0]?.id,
      guild_id: guild?.id,
      author: AUTHOR,
      content: `${number} ${Date.now()} ${PADDING}`,
      timestamp: new Date().toISOString(),
      type: 0,
    };
    this.#gateway.emit("MESSAGE_CREATE", message as never);
  }

  /** Sends no more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#endedAt ??= performance.now();
  }

  /** How many a second there were, since it was started last. */
  get perSecond(): number {
    return this.#count * 1_000 / ((this.#endedAt ?? performance.now()) - this.#begunAt);
  }
}
