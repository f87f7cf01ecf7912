import { setImmediate } from "node:timers";
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";

const collect = collector();

/** How many bytes are in use after everything that can be freed has been freed. */
export async function usedHeap(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect();
    // What finalizers and weak references let go of takes another turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

function collector(): () => void {
  const { Bun } = globalThis as unknown as { Bun?: { gc(force: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}
