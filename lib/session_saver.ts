import type { Session, SessionStore } from "./session_store.ts";

/** Options of a {@linkcode SessionSaver}. */
export interface SessionSaverOptions {
  /** Where to. */
  store: SessionStore;
  /** Under which key. */
  key: string;
  /** What there is to be saved now; `null` deletes. */
  current: () => Session | null;
  /** Called when the store failed; the next save tries again. */
  onError: (error: unknown) => void;
}

/** How long changes are gathered, in milliseconds. */
const COALESCE_MS = 250;

/** Writes a session behind the events' back: one write at a time, in order, the last state only. */
export class SessionSaver {
  readonly #options: SessionSaverOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** Makes a saver that has nothing to save yet. */
  constructor(options: SessionSaverOptions) {
    this.#options = options;
  }

  /** Says that what there is to be saved has changed. */
  touch(): void {
    this.#timer ??= setTimeout(() => void this.flush(), COALESCE_MS);
  }

  /** Saves now; resolves when it is written, or has failed and been reported. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const { store, key, current, onError } = this.#options;
    try {
      const session = current();
      await (session === null ? store.delete(key) : store.save(key, session));
    } catch (error) {
      onError(error);
    }
  }
}
