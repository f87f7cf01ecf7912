import type { KV } from "@nats-io/kv";
import { delay } from "../delay.ts";
import { isConflict } from "./nats.ts";

/** What is written down about an event that was not easily handled. */
interface TrialRecord {
  /** How often listeners failed. */
  readonly failures: number;
  /** Who tries it alone: a name for this one time. `null` where nobody does. */
  readonly by: string | null;
  /** How many workers have died, or fallen silent, while they tried it. */
  readonly deaths: number;
}

/** Options of {@linkcode Trials}. */
export interface TrialsOptions {
  /** The bucket. */
  kv: KV;
  /** How long a worker may be silent before it counts as dead, in milliseconds. */
  silenceMs: number;
  /** Called where NATS could not be asked; it is tried again. */
  onError: (error: unknown) => void;
  /** Ends what is tried again and again. */
  signal: AbortSignal;
}

/** How long to wait before something is tried again, in milliseconds. */
const RETRY_MS = 500;

const NONE: TrialRecord = { failures: 0, by: null, deaths: 0 };

/** One death proves little: the worker may have been killed, or have died of what it did beside a long trial. */
const DEADLY = 2;

/**
 * What a group's workers have to know from one another about events that fail or end their workers: how often listeners have
 * failed, which is not how often an event was delivered, and whether some worker tries it alone.
 */
export class Trials {
  readonly #options: TrialsOptions;

  /** Makes them; nothing is asked yet. */
  constructor(options: TrialsOptions) {
    this.#options = options;
  }

  /** Counts a failure; resolves with how many there were. The first one is not looked for in vain. */
  async count(key: string, isFirst: boolean): Promise<number> {
    for (let isNew = isFirst;; isNew = false) {
      const { record, revision } = isNew ? { record: NONE, revision: 0 } : await this.#read(key);
      const failures = record.failures + 1;
      if (await this.#write(key, { ...record, failures }, revision)) return failures;
    }
  }

  /** Begins to try an event alone; resolves with `null` where another worker does, or died of it. */
  async begin(key: string): Promise<Trial | null> {
    const by = crypto.randomUUID();
    for (;;) {
      const { record, revision } = await this.#read(key);
      if (record.by !== null) return null;
      const { failures } = record;
      try {
        if (await this.#write(key, { ...record, by }, revision)) return this.#trial(key, { ...record, by });
      } catch (error) {
        // It may have been written, and nobody is to believe it.
        void this.#end(key, by, failures);
        throw error;
      }
    }
  }

  /** Whether another worker tries an event alone, or died of it. */
  async isBegun(key: string): Promise<boolean> {
    return (await this.#read(key)).record.by !== null;
  }

  /**
   * Resolves with whether another worker, which tries an event alone, has died of it, as one before: it has not written for
   * as long as a worker may be silent. With `false` as soon as it is done, where it is the first one that died, and where the
   * signal aborts.
   */
  async isDeadly(key: string, signal: AbortSignal): Promise<boolean> {
    const { silenceMs } = this.#options;
    let seen = -1;
    let seenAt = performance.now();
    while (!signal.aborted) {
      try {
        const { record, revision } = await this.#read(key);
        if (record.by === null) return false;
        if (revision === seen && performance.now() - seenAt >= silenceMs) {
          const deaths = record.deaths + 1;
          if (deaths >= DEADLY) return true;
          if (await this.#write(key, { ...record, by: null, deaths }, revision)) return false;
        }
        if (revision !== seen) seenAt = performance.now();
        seen = revision;
      } catch {
        // Neither can that worker write.
        seen = -1;
      }
      await delay(Math.min(1_000, silenceMs / 10), { signal }).catch(() => {});
    }
    return false;
  }

  #trial(key: string, record: TrialRecord & { by: string }): Trial {
    const { kv, silenceMs, onError } = this.#options;
    const timer = setInterval(() => {
      kv.put(key, JSON.stringify(record)).catch(onError);
    }, silenceMs / 3);
    return {
      failures: record.failures,
      end: (failures) => {
        clearInterval(timer);
        return this.#end(key, record.by, failures);
      },
    };
  }

  /** Writes that a trial is over, as long as it takes. */
  async #end(key: string, by: string, failures: number): Promise<void> {
    const { signal, onError } = this.#options;
    for (;;) {
      try {
        const { record, revision } = await this.#read(key);
        if (record.by !== by || await this.#write(key, { ...record, failures, by: null }, revision)) return;
      } catch (error) {
        onError(error);
        if (signal.aborted) return;
        await delay(RETRY_MS, { signal }).catch(() => {});
      }
    }
  }

  async #read(key: string): Promise<{ record: TrialRecord; revision: number }> {
    const entry = await this.#options.kv.get(key);
    return {
      record: entry?.operation === "PUT" ? entry.json<TrialRecord>() : NONE,
      revision: entry?.revision ?? 0,
    };
  }

  /** Resolves with whether nobody has written since. */
  async #write(key: string, record: TrialRecord, over: number): Promise<boolean> {
    try {
      await this.#options.kv.put(key, JSON.stringify(record), { previousSeq: over });
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }
}

/** An event that is being tried alone. */
export interface Trial {
  /** How often its listeners failed before. */
  readonly failures: number;
  /** Ends it, whatever came of it: that it was begun stays true until NATS has taken that. */
  end(failures: number): Promise<void>;
}
