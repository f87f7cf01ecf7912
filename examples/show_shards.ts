import { GatewayOpcode, type ShardManager } from "@gangway/gateway";
import { type Screen, style } from "./screen.ts";

/** "Apps can identify once every 5 seconds" for each of `max_concurrency` keys; the library adds a margin. */
const IDENTIFY_WINDOW_MS = 5_250;
const COUNTDOWN_MS = 250;

/** Shows how the shards come up; resolves when all of them are ready. */
export async function showShards(manager: ShardManager, screen: Screen, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  let identifiedAt: number | null = null;
  using _listener = manager.dispatcher.listen("sent", ({ op }) => {
    if (op === GatewayOpcode.Identify) identifiedAt ??= performance.now();
  });
  const left = () => {
    const { shards, maxConcurrency } = manager;
    if (maxConcurrency === null || [...shards.values()].every(({ phase }) => phase !== "waiting")) return "";
    const wholeMs = Math.floor((shards.size - 1) / maxConcurrency) * IDENTIFY_WINDOW_MS;
    const leftMs = wholeMs - (performance.now() - (identifiedAt ?? performance.now()));
    return `, ${Math.max(1, Math.round(leftMs / 1000))} s left: ${maxConcurrency} may identify every 5 s`;
  };
  let told = "";
  const show = () => {
    const hint = left();
    // Where lines stay, what one says already need not be said again.
    const isNew = screen.isLive || hint !== told;
    told = hint;
    screen.status(`${readyCount(manager)} of ${manager.shards.size} shards ready${isNew ? style("dim", hint) : ""}`);
  };
  const countdown = screen.isLive ? setInterval(show, COUNTDOWN_MS) : undefined;
  try {
    let shown: number | null = null;
    for await (const { phase } of manager.dispatcher.events("phase", { signal })) {
      if (phase === "closed") continue;
      const count = readyCount(manager);
      if (count === manager.shards.size) break;
      if (count !== shown) show();
      shown = count;
    }
  } finally {
    clearInterval(countdown);
  }
  const { size } = manager.shards;
  screen.status(`${size} of ${size} shards ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  screen.status("");
}

function readyCount(manager: ShardManager): number {
  return [...manager.shards.values()].filter(({ phase }) => phase === "ready").length;
}
