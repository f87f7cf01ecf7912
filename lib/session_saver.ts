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

/** How long the end of a write is waited for at most, in milliseconds. */
const FLUSH_TIMEOUT_MS = 5_000;

/** Writes a session behind the events' back: one write at a time, in order, the last state only. */
export class SessionSaver {
  readonly #options: SessionSaverOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** The write that has not begun: it will take in what changes until then. */
  #next: Promise<void> | null = null;

  /** Makes a saver that has nothing to save yet. */
  constructor(options: SessionSaverOptions) {
    this.#options = options;
  }

  /** Says that what there is to be saved has changed. */
  touch(): void {
    this.#timer ??= setTimeout(() => this.begin(), COALESCE_MS);
  }

  /**
   * Saves now what has changed, and nothing else: what is in the store may never have been loaded. Resolves when it is
   * written, or has failed and been reported, which a store that does not answer has after a while.
   */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) this.begin();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        const message = `Cannot save the session: the store has not answered for ${FLUSH_TIMEOUT_MS} ms`;
        this.#options.onError(new DOMException(message, "TimeoutError"));
        resolve();
      }, FLUSH_TIMEOUT_MS);
    });
    await Promise.race([this.#writing, timeout]);
    clearTimeout(timer);
  }

  /** Saves what there is without gathering changes. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#next ??= this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const { store, key, current, onError } = this.#options;
    this.#next = null;
    try {
      const session = current();
      await (session === null ? store.delete(key) : store.save(key, session));
    } catch (error) {
      onError(error);
    }
  }
}
