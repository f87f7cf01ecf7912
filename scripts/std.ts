/** Where `@std/assert` and `@std/async` come from. */
export type StdSource = "jsr" | "stand-ins";

const IMPORT_MAP = "tests/offline/import_map.json";
const TIMEOUT_MS = 3_000;

/** Asks JSR whether it is there; closed networks do without it. */
export async function stdSource(): Promise<StdSource> {
  const url = "https://jsr.io/@std/assert/meta.json";
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok ? "jsr" : "stand-ins";
  } catch {
    return "stand-ins";
  }
}

/**
 * The flags a Deno command needs to load the tests, in the project's folder. The lockfile has to be right as it is, except where JSR answers: it
 * could not be asked for the hashes when the file was written, so Deno may add them.
 */
export function stdFlags(source: StdSource): string[] {
  return source === "jsr" ? [] : ["--frozen", "--import-map", IMPORT_MAP];
}
