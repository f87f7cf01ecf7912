import { Buffer } from "node:buffer";
import { GatewayCloseCode } from "../close_code.ts";
import { isFields } from "./event_rules.ts";
import type { Refusal } from "./identify_rules.ts";

/** A payload a client sent. */
export interface ClientPayload {
  op: number;
  d: unknown;
  bytes: number;
}

const { DecodeError, RateLimited } = GatewayCloseCode;

/** The way into one connection: counts, measures and reads what a client sends. */
export class PayloadInlet {
  readonly #limits: { sendLimit: { count: number; perMs: number }; payloadLimit: number };
  readonly #atMs: number[] = [];

  /** Opens the way. */
  constructor(limits: { sendLimit: { count: number; perMs: number }; payloadLimit: number }) {
    this.#limits = limits;
  }

  /** Reads a message, or tells why the connection has to end. */
  read(data: string | Uint8Array): ClientPayload | Refusal {
    const { sendLimit: { count, perMs }, payloadLimit } = this.#limits;
    // "120 / 60 s per connection; heartbeat, identify, resume all count." A sliding window is the strictest reading.
    while (this.#atMs.length > 0 && Date.now() - (this.#atMs[0] as number) >= perMs) this.#atMs.shift();
    this.#atMs.push(Date.now());
    if (this.#atMs.length > count) return refusal(RateLimited, "You are being rate limited.");

    // "Clients may not send compressed data", and JSON goes in text frames.
    if (typeof data !== "string") return refusal(DecodeError, "A binary frame was sent.");
    const bytes = Buffer.byteLength(data);
    if (bytes > payloadLimit) return refusal(DecodeError, `A payload of ${bytes} bytes was sent.`);
    let payload: unknown;
    try {
      payload = JSON.parse(data);
    } catch {
      return refusal(DecodeError, "Error while decoding payload.");
    }
    if (!isFields(payload) || !Number.isInteger(payload.op)) return refusal(DecodeError, "No opcode was sent.");
    return { op: payload.op as number, d: payload.d ?? null, bytes };
  }
}

function refusal(code: number, reason: string): Refusal {
  return { code, reason, rule: true };
}
