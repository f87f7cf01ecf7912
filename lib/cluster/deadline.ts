/**
 * A time in the future that has come as soon as either clock says so: the monotonic one, which may stand still while the
 * machine sleeps, or the wall clock, which may be set.
 */
export class Deadline {
  readonly #monotonic: number;
  readonly #wall: number;

  /** Is so many milliseconds away. */
  constructor(ms: number) {
    this.#monotonic = performance.now() + ms;
    this.#wall = Date.now() + ms;
  }

  /** How long it still is, in milliseconds; not positive once it has come. */
  get left(): number {
    return Math.min(this.#monotonic - performance.now(), this.#wall - Date.now());
  }
}
