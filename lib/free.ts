/**
 * Gives the memory of bytes back at once; nobody may use them any more. Left to the garbage collector, the buffers of a
 * busy stream pile up by the megabyte, and each gets pages that are new to the process, which costs more than inflating
 * into them. Bytes that are part of a larger buffer are left alone.
 */
export function free(bytes: Uint8Array): void {
  const buffer = bytes.buffer as ArrayBuffer;
  if (bytes.length > 0 && buffer.byteLength === bytes.length) buffer.transfer?.(0);
}
