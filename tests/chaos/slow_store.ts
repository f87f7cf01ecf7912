import { MemorySessionStore, type Session, type SessionStore } from "../../mod.ts";
import type { Random } from "../../lib/testing/random.ts";

/** A session store that takes its time. */
export class SlowStore implements SessionStore {
  readonly #store = new MemorySessionStore();
  readonly #random: Random;
  readonly #mostMs: number;

  /** Takes up to `mostMs` milliseconds for everything. */
  constructor(random: Random, mostMs: number) {
    this.#random = random;
    this.#mostMs = mostMs;
  }

  /** Gives what was saved last. */
  async load(key: string): Promise<Session | null> {
    await this.#wait();
    return await this.#store.load(key);
  }

  /** Keeps a session. */
  async save(key: string, session: Session): Promise<void> {
    await this.#wait();
    await this.#store.save(key, session);
  }

  /** Forgets one. */
  async delete(key: string): Promise<void> {
    await this.#wait();
    await this.#store.delete(key);
  }

  async #wait(): Promise<void> {
    if (this.#mostMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#random.below(this.#mostMs)));
  }
}
