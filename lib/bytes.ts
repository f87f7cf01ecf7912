/**
 * Gives the memory of bytes back at once; nobody may use them any more. Left to the garbage collector, the buffers of a
 * busy stream pile up by the megabyte, and each gets pages that are new to the process, which costs more than inflating
 * into them. Bytes that are part of a larger buffer are left alone.
 */
export function free(bytes: Uint8Array): void {
  const buffer = bytes.buffer as ArrayBuffer;
  if (bytes.length > 0 && buffer.byteLength === bytes.length) buffer.transfer?.(0);
}

/** Puts pieces together; a single one is not copied. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(pieces.reduce((bytes, piece) => bytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
