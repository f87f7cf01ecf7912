import type { ShardManager } from "@gangway/gateway";
import { type Screen, style } from "./screen.ts";

const NAME_COLUMNS = 10;

/** Shows what keeps the bot from Discord, such as a network that is down. */
export function showTroubles(manager: ShardManager, screen: Screen): void {
  manager.dispatcher.listen("reconnecting", ({ error, delayMs }) => {
    screen.line(style("dim", plain(`${error.message}; again in ${Math.ceil(delayMs / 1000)} s`)));
  });
}

/** Shows the messages that the bot receives. */
export function showMessages(manager: ShardManager, screen: Screen): void {
  manager.eventDispatcher.listen("MESSAGE_CREATE", ({ author, content }, { shardId }) => {
    const name = plain(author.global_name ?? author.username).padEnd(NAME_COLUMNS);
    const shard = style("dim", `shard ${shardId}`);
    screen.line(`${shard}  ${style(author.bot ? "green" : "cyan", name)} ${plain(content)}`);
  });
}

/** What strangers wrote must not steer the terminal. */
function plain(text: string): string {
  return text.replaceAll(/\p{C}/gu, " ");
}

/** Shows how long heartbeats take; resolves when each shard has had an answer to one. */
export async function showLatency(manager: ShardManager, screen: Screen, signal: AbortSignal): Promise<void> {
  const shards = [...manager.shards.values()];
  const beats = await Promise.all(
    shards.map(({ dispatcher }) => dispatcher.waitFor("heartbeat", undefined, { signal })),
  );
  const latencies = beats.map(({ latency }) => latency * 1000);
  const average = latencies.reduce((sum, latency) => sum + latency, 0) / latencies.length;
  screen.line(`Latency ${average.toFixed(1)} ms on average, ${Math.max(...latencies).toFixed(1)} ms at most`);
}
