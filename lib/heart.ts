/** Options of {@linkcode startHeart}. */
export interface HeartOptions {
  /** The interval that HELLO gave, in milliseconds. */
  intervalMs: number;
  /** A number from 0 up to 1, for the first beat. */
  random: number;
  /** Stops the heart. */
  signal: AbortSignal;
  /** Whether the beat that is due may find the connection dead. */
  isSuspect: () => boolean;
  /** Called when a beat is due. */
  onBeat: () => void;
  /** Called when a beat was this many milliseconds late, before it is due after all. */
  onLag: (lagMs: number) => void;
}

/** How late a timer may be before that says something about the process. */
const LATE_MS = 250;

/** How long frames that are waiting in the socket are given to come in. */
const GRACE_MS = 100;

/**
 * Beats after `intervalMs × random` first ("heartbeat_interval * jitter"), then every `intervalMs`.
 *
 * A timer that is overdue fires before frames that are already in the socket. So a beat that comes late, after the
 * process was blocked or asleep, waits a moment: or a missing ACK would be taken for a dead connection. So does one that
 * may find it dead, because a block can end at the very time at which a beat is due.
 *
 * @see {@link https://discord.com/developers/docs/events/gateway#sending-heartbeats}
 */
export function startHeart(options: HeartOptions): void {
  const { intervalMs, random, signal, isSuspect, onBeat, onLag } = options;
  let due = performance.now() + intervalMs * random;
  let timer: ReturnType<typeof setTimeout>;

  function schedule(): void {
    timer = setTimeout(onTimer, Math.max(0, due - performance.now()));
  }

  function onTimer(): void {
    const lagMs = performance.now() - due;
    if (lagMs >= LATE_MS) onLag(lagMs);
    else if (!isSuspect()) return beat();
    if (!signal.aborted) timer = setTimeout(beat, GRACE_MS);
  }

  function beat(): void {
    const now = performance.now();
    due = Math.max(due, now - LATE_MS) + intervalMs;
    schedule();
    onBeat();
  }

  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  schedule();
}
