/**
 * The loop that anybody would write with web standards alone: one write to a `DecompressionStream` a message, parse what
 * comes out.
 *
 * @module
 */

import { clientOptions, Meter } from "./meter.ts";

const FORMATS: Record<string, string> = { "zlib-stream": "deflate", "zstd-stream": "zstd" };

const options = clientOptions();
const meter = new Meter(options);
const socket = new WebSocket(`ws://127.0.0.1:${options.port}/?v=10&encoding=json&compress=${options.compress}`);
socket.binaryType = "arraybuffer";
const stream = new DecompressionStream(FORMATS[options.compress] as "deflate");
const writer = stream.writable.getWriter();

socket.onmessage = ({ data }) => {
  meter.arrived();
  writer.write(new Uint8Array(data));
};

const decoder = new TextDecoder();
let text = "";
for await (const chunk of stream.readable) {
  text += decoder.decode(chunk, { stream: true });
  // Several chunks can be one payload, and more may follow after a brace.
  if (!text.endsWith("}") || !isWhole(text)) continue;
  const { op, t, s } = JSON.parse(text);
  text = "";
  if (t !== null && t !== "READY") meter.tick(t, s);
  else {
    meter.skip();
    if (op === 10) socket.send('{"op":2,"d":{}}');
  }
}

/** A chunk that is not full ends a payload; a payload that fills chunks exactly is told by whether it parses. */
function isWhole(text: string): boolean {
  if (text.length < 16_384) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
