/** Compresses with gzip. */
export async function shrink(data: Uint8Array): Promise<Uint8Array> {
  return await through(data, new CompressionStream("gzip"));
}

/** Undoes {@linkcode shrink}. */
export async function unshrink(data: Uint8Array): Promise<Uint8Array> {
  return await through(data, new DecompressionStream("gzip"));
}

async function through(data: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([data.slice()]).stream().pipeThrough(stream)).arrayBuffer());
}
