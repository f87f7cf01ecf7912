import type { Random } from "./random.ts";

/** How the gateway writes what it sends. Everything here is legal JSON that a client has to read. */
export interface LocalGatewayFormat {
  /**
   * Indents the JSON.
   *
   * @default {false}
   */
  pretty?: boolean | undefined;
  /**
   * The order of the keys, at every depth. Discord promises none.
   *
   * @default {"normal"}
   */
  keyOrder?: "normal" | "reversed" | "shuffled" | undefined;
  /**
   * Adds keys that no documentation names to the envelope and to the data.
   *
   * @default {false}
   */
  unknownFields?: boolean | undefined;
  /**
   * Leaves out `d`, `s` and `t` where they are `null`, as the documentation's own samples do.
   *
   * @default {false}
   */
  omitNulls?: boolean | undefined;
  /**
   * Where a compressed payload is cut into several WebSocket messages: not at all, at random places (down to one byte,
   * also inside the suffix), or after every so many bytes. Only zlib-stream allows it.
   *
   * @default {"never"}
   */
  splitAt?: "never" | "random" | number | undefined;
  /**
   * Makes READY longer by so many bytes: the READY of a bot in thousands of guilds has megabytes.
   *
   * @default {0}
   */
  readyPaddingBytes?: number | undefined;
}

/** Writes payloads as text, in the order of keys the real gateway uses unless the format says otherwise. */
export class PayloadWriter {
  readonly #format: LocalGatewayFormat;
  readonly #random: Random;
  readonly #plain: boolean;

  /** Makes a writer. */
  constructor(format: LocalGatewayFormat, random: Random) {
    this.#format = format;
    this.#random = random;
    this.#plain = !format.pretty && !format.unknownFields && !format.omitNulls &&
      (format.keyOrder ?? "normal") === "normal";
  }

  /** Writes a payload; `data` is JSON already, so that an event sent to many sessions is written once. */
  write(op: number, data: string, sequence: number | null, type: string | null): string {
    if (this.#plain) return `{"t":${type === null ? "null" : `"${type}"`},"s":${sequence},"op":${op},"d":${data}}`;
    const { pretty, unknownFields, omitNulls } = this.#format;
    let envelope: Record<string, unknown> = { t: type, s: sequence, op, d: JSON.parse(data) };
    if (omitNulls) envelope = Object.fromEntries(Object.entries(envelope).filter(([, value]) => value !== null));
    if (unknownFields) envelope = this.#withUnknownFields(envelope);
    return JSON.stringify(this.#reordered(envelope), null, pretty ? 2 : undefined);
  }

  /** The pieces in which the compressed bytes of one payload go out. */
  *split(bytes: Uint8Array): Generator<Uint8Array> {
    const { splitAt = "never" } = this.#format;
    if (splitAt === "never") return yield bytes;
    for (let start = 0; start < bytes.length;) {
      const length = splitAt === "random" ? 1 + this.#random.below(this.#random.below(bytes.length) + 1) : splitAt;
      yield bytes.subarray(start, start + length);
      start += length;
    }
  }

  /** What looks like an envelope inside the data, and the other way round, must not mislead who scans the text. */
  #withUnknownFields(envelope: Record<string, unknown>): Record<string, unknown> {
    const decoy = { op: 9, d: false, s: 4_294_967_296, t: '}{"\\\u2028é' };
    const { d } = envelope;
    const data = d !== null && typeof d === "object" && !Array.isArray(d)
      ? { _unknown: decoy, ...d, _list: [decoy, [null, 1e-7]] }
      : d;
    return { _trace: [JSON.stringify(decoy)], ...envelope, ...(d === undefined ? {} : { d: data }), _unknown: decoy };
  }

  #reordered(value: unknown): unknown {
    const order = this.#format.keyOrder ?? "normal";
    if (order === "normal" || value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map((item) => this.#reordered(item));
    const entries = Object.entries(value).map(([key, item]) => [key, this.#reordered(item)] as const);
    return Object.fromEntries(order === "reversed" ? entries.reverse() : this.#random.shuffled(entries));
  }
}
