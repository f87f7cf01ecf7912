/**
 * One `test()` for both runtimes: `Deno.test` on Deno (whose leak sanitizers see it), `bun:test` on Bun.
 *
 * @module
 */

/** What a test is given besides its name and its body. */
export interface TestOptions {
  /** Why the test is left out, where it is; the reason becomes part of the name, so that the runner can count it. */
  skip?: string | false | undefined;
  /** How long the test may take, in milliseconds of real time: one that hangs fails, and the others go on. */
  timeoutMs?: number | undefined;
}

type Body = () => void | Promise<void>;

interface Registers {
  run(name: string, body: Body): void;
  skip(name: string, body: Body): void;
}

/** The runtime the tests run on. */
export const runtime: "deno" | "bun" = "Bun" in globalThis ? "bun" : "deno";

const TIMEOUT_MS = 60_000;

// Taken before a test can fake them.
const { setTimeout, clearTimeout } = globalThis;

const registers = await registersOf(runtime);

/** Registers a test with a flat name, "symbol does thing". */
export function test(name: string, body: Body, options: TestOptions = {}): void {
  if (options.skip) registers.skip(`${name} [skipped: ${options.skip}]`, body);
  else registers.run(name, bounded(body, options.timeoutMs ?? TIMEOUT_MS));
}

/** Neither runtime's own limit will do: Deno has none, and Bun's default is too short for the long suites. */
function bounded(body: Body, timeoutMs: number): Body {
  return async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`Test took longer than ${timeoutMs} ms`)), timeoutMs);
    try {
      await Promise.race([body(), promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

// Neither `Deno` nor `bun:test` is named to the type checker, which knows one runtime at a time.
async function registersOf(runtime: "deno" | "bun"): Promise<Registers> {
  if (runtime === "deno") {
    const { Deno } = globalThis as unknown as {
      Deno: { test: { (name: string, body: Body): void; ignore(name: string, body: Body): void } };
    };
    return { run: (name, body) => Deno.test(name, body), skip: (name, body) => Deno.test.ignore(name, body) };
  }
  const specifier = "bun:test";
  const { test } = await import(specifier);
  return { run: (name, body) => test(name, body, 0), skip: (name, body) => test.skip(name, body) };
}
