/** Compresses with gzip. */
export async function shrink(data: Uint8Array): Promise<Uint8Array> {
  return await through(data, new CompressionStream("gzip"));
}

/** Undoes {@linkcode shrink}. */
export async function unshrink(data: Uint8Array): Promise<Uint8Array> {
  return await through(data, new DecompressionStream("gzip"));
}

async function through(data: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const whole = new Blob([data as Uint8Array<ArrayBuffer>]).stream();
  return new Uint8Array(await new Response(whole.pipeThrough(stream)).arrayBuffer());
}
