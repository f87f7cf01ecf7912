import { isFields } from "./event_rules.ts";
import { Newest } from "./newest.ts";
import type { SampleMessage } from "./samples.ts";

/** The newest messages, so that they can be edited, reacted to, answered and clicked. */
export class MessageLog {
  readonly #messages = new Newest<SampleMessage>();

  /** A message by its id. */
  get(id: string): SampleMessage | undefined {
    return this.#messages.get(id);
  }

  /** Remembers a message, or how it reads now. */
  keep(message: SampleMessage): void {
    this.#messages.set(message.id, message);
  }

  /** Takes in what an event says about messages. */
  follow(event: string, data: unknown): void {
    if (!isFields(data)) return;
    const id = String(data.id);
    if (event === "MESSAGE_CREATE") this.keep(data as unknown as SampleMessage);
    else if (event === "MESSAGE_DELETE") this.#messages.delete(id);
    else if (event === "MESSAGE_UPDATE") {
      const before = this.#messages.get(id);
      if (before !== undefined) this.keep({ ...before, ...data } as SampleMessage);
    } else if (event === "MESSAGE_DELETE_BULK" && Array.isArray(data.ids)) {
      for (const id of data.ids) this.#messages.delete(id);
    }
  }
}
