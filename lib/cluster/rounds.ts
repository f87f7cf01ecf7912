import { MAX_TIMER_MS } from "../check.ts";

/** Options of {@linkcode Rounds}. */
export interface RoundsOptions {
  /** One round; resolves with how long to wait for the next one at most, in milliseconds. */
  round: () => Promise<number>;
  /** Called when a round failed. */
  onError: (error: unknown) => void;
}

/** How long to wait after a round that failed, in milliseconds. */
const RETRY_MS = 250;

/** Does the same thing over and over, one round at a time: whenever it is asked to, and when a time is up. */
export class Rounds implements AsyncDisposable {
  readonly #options: RoundsOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | null = null;
  #isAsked = false;
  #isOver = false;

  /** Makes rounds, none of which has begun. */
  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Asks for a round that begins after this call. */
  ask(): void {
    this.#isAsked = true;
    if (!this.#isOver) this.#running ??= this.#run();
  }

  /** Ends; resolves when the last round has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    let waitMs = RETRY_MS;
    // What asks at the same time is one round.
    await Promise.resolve();
    while (this.#isAsked && !this.#isOver) {
      this.#isAsked = false;
      try {
        waitMs = await this.#options.round();
      } catch (error) {
        waitMs = RETRY_MS;
        if (!this.#isOver) this.#options.onError(error);
      }
    }
    this.#running = null;
    clearTimeout(this.#timer);
    if (this.#isOver || waitMs === Infinity) return;
    this.#timer = setTimeout(() => this.ask(), Math.min(Math.max(1, Math.ceil(waitMs)), MAX_TIMER_MS));
  }
}
