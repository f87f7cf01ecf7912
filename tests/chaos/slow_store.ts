import type { MemorySessionStore, Session, SessionStore } from "../../mod.ts";
import type { Random } from "../../lib/testing/random.ts";

/** Options of a {@linkcode SlowStore}. */
export interface SlowStoreOptions {
  random: Random;
  /** What outlives the process. */
  store: MemorySessionStore;
  /** How long everything takes at most, in milliseconds. */
  mostMs: number;
  /** How often it fails: 0 to 1. */
  failures: number;
  /** Called when a session could not be given: nobody can resume it then. */
  onLost: (key: string) => void;
}

/** The session store of one process: it takes its time, fails, and ends with the process. */
export class SlowStore implements SessionStore {
  /** How often it failed. */
  failed = 0;
  readonly #options: SlowStoreOptions;
  #isEnded = false;

  /** Belongs to one process. */
  constructor(options: SlowStoreOptions) {
    this.#options = options;
  }

  /** The process has ended: what is under way does not come to be. */
  end(): void {
    this.#isEnded = true;
  }

  /** Gives what was saved last. */
  async load(key: string): Promise<Session | null> {
    await this.#wait();
    if (this.#fails()) {
      this.#options.onLost(key);
      throw new Error("Cannot load");
    }
    return await this.#options.store.load(key);
  }

  /** Keeps a session. */
  async save(key: string, session: Session): Promise<void> {
    await this.#wait();
    if (this.#isEnded) return;
    const { store } = this.#options;
    // Without the first save of a session there is nothing to resume.
    if ((await store.load(key))?.id === session.id && this.#fails()) throw new Error("Cannot save");
    await store.save(key, session);
  }

  /** Forgets one. */
  async delete(key: string): Promise<void> {
    await this.#wait();
    if (!this.#isEnded) await this.#options.store.delete(key);
  }

  #fails(): boolean {
    const { random, failures } = this.#options;
    if (failures === 0 || random.next() >= failures) return false;
    this.failed++;
    return true;
  }

  async #wait(): Promise<void> {
    const { mostMs, random } = this.#options;
    if (mostMs > 0) await new Promise((resolve) => setTimeout(resolve, random.below(mostMs)));
  }
}
