/**
 * The lower bound: the platform's WebSocket, the runtime's fastest synchronous inflate (a private call of `node:zlib`),
 * and `JSON.parse` (`parse`) or a look at `t` and `s` in the bytes (`peek`). No reconnecting, no listeners, no errors.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import { MARK } from "../traffic.ts";
import { clientOptions, Meter } from "./meter.ts";

interface PrivateInflate {
  _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputLength: number,
      output: Uint8Array,
      outputAt: number,
      outputLength: number,
    ): void;
  };
  _writeState: Uint32Array;
}

const IDENTIFY = '{"op":2,"d":{}}';
/** Larger than any payload of the traffic. */
const OUTPUT_BYTES = 1024 * 1024;
const QUOTE = 0x22;
const COMMA = 0x2c;

const options = clientOptions();
const meter = new Meter(options);
const socket = new WebSocket(
  `ws://127.0.0.1:${options.port}/?v=10&encoding=json${
    options.compress === "none" ? "" : `&compress=${options.compress}`
  }`,
);
socket.binaryType = "arraybuffer";
const output = Buffer.alloc(OUTPUT_BYTES);
const inflate = inflater();
const decoder = new TextDecoder();

/** Inflates one message into `output`; gives its length. */
function inflater(): (input: Buffer) => number {
  const isZlib = options.compress !== "zstd-stream";
  const stream =
    (isZlib
      ? zlib.createInflate({ chunkSize: OUTPUT_BYTES })
      : zlib.createZstdDecompress()) as unknown as PrivateInflate;
  const { _handle: handle, _writeState: state } = stream;
  const flush = isZlib ? zlib.constants.Z_SYNC_FLUSH : zlib.constants.ZSTD_e_flush;
  return (input) => {
    handle.writeSync(flush, input, 0, input.length, output, 0, OUTPUT_BYTES);
    return OUTPUT_BYTES - (state[0] as number);
  };
}

function parse(text: string): void {
  const { op, t, s } = JSON.parse(text);
  if (t !== null && t !== "READY") return meter.tick(t, s);
  meter.skip();
  if (op === 10) socket.send(IDENTIFY);
}

/** Knows that `t` and `s` come first, as they do in all of the traffic. */
function peek(bytes: Buffer): void {
  if (bytes[5] !== QUOTE) return socket.send(IDENTIFY);
  let at = 6;
  while (bytes[at] !== QUOTE) at++;
  const end = at;
  let s = 0;
  for (at += 6; bytes[at] !== COMMA; at++) s = s * 10 + (bytes[at] as number) - 0x30;
  if (end - 6 === MARK.length && bytes[6] === MARK.charCodeAt(0)) meter.tick(MARK, s);
  else if (s > 1) meter.tick("", s);
}

socket.onmessage = options.compress === "none"
  ? ({ data }) => {
    meter.arrived();
    parse(data);
  }
  : options.mode === "peek"
  ? ({ data }) => {
    const length = inflate(Buffer.from(data));
    peek(output.subarray(0, length));
  }
  : ({ data }) => {
    meter.arrived();
    const length = inflate(Buffer.from(data));
    parse(decoder.decode(output.subarray(0, length)));
  };
