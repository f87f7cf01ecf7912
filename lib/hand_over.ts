import type { CommandPart } from "./command_queue.ts";
import { GatewayOpcode } from "./opcode.ts";
import type { SentPayload } from "./payload.ts";
import { coreOf, type Shard } from "./shard.ts";
import { shardIdOf } from "./sharding.ts";

/** A shard's id, and of how many it is. */
type ShardPlace = Pick<Shard, "shardId" | "shardCount">;

/** Whether two shards, of sets of different sizes, have guilds in common. */
export function areRelated(one: ShardPlace, other: ShardPlace): boolean {
  return (one.shardId - other.shardId) % divisorOf(one.shardCount, other.shardCount) === 0;
}

/**
 * Lets new shards send what waits in an old one, which is about to be closed: what is about guilds goes to the shards that
 * have them now, a presence to all that take over from the old one. What is about guilds of another process stays.
 */
export function handOver(old: Shard, shards: ReadonlyMap<number, Shard>): void {
  const { commands, requests } = coreOf(old);
  commands.handOver((payload) => {
    if (payload.op === GatewayOpcode.PresenceUpdate) {
      return [...shards.values()].filter((shard) => areRelated(old, shard)).map((shard) => {
        coreOf(shard).presence = coreOf(old).presence;
        return { queue: coreOf(shard).commands, payload };
      });
    }
    const parts = partsOf(payload, shards);
    const { nonce } = payload.d as { nonce?: string };
    for (const { shard } of parts) if (nonce !== undefined) requests.handOver(nonce, coreOf(shard).requests);
    return parts;
  });
}

/** A payload as it is for each of the shards that have its guilds; none where one of them is missing. */
function partsOf(
  { op, d }: SentPayload,
  shards: ReadonlyMap<number, Shard>,
): (CommandPart & { shard: Shard })[] {
  const { guild_ids, guild_id } = d as { guild_ids?: string[]; guild_id?: string };
  const [{ shardCount = 1 } = {}] = shards.values();
  const guilds = Map.groupBy(guild_ids ?? [guild_id as string], (id) => shards.get(shardIdOf(id, shardCount)));
  return [...guilds].flatMap(([shard, ids]) => {
    if (shard === undefined || guilds.has(undefined)) return [];
    const data = guild_ids === undefined ? d : { guild_ids: ids };
    return { shard, queue: coreOf(shard).commands, payload: { op, d: data } };
  });
}

function divisorOf(a: number, b: number): number {
  return b === 0 ? a : divisorOf(b, a % b);
}
