import { sampleMessage, sampleUser } from "../../lib/testing/mod.ts";
import type { LocalGateway } from "../../lib/testing/mod.ts";
import type { Deliveries } from "./deliveries.ts";
import { receiversOf } from "./probe.ts";

/** Emits numbered events, and tells which sessions are to receive them. */
export class Traffic {
  /** How many were emitted. */
  emitted = 0;
  readonly #gateway: LocalGateway;
  readonly #deliveries: Deliveries;
  readonly #shards: number;
  readonly #author = sampleUser("chaos");

  /** Emits to the guilds of a bot with so many shards. */
  constructor(gateway: LocalGateway, deliveries: Deliveries, shards: number) {
    this.#gateway = gateway;
    this.#deliveries = deliveries;
    this.#shards = shards;
  }

  /** Emits one event in a guild. */
  emit(guildId: string): void {
    const number = ++this.emitted;
    const message = { ...sampleMessage(this.#author, "1", "chaos", { guild_id: guildId }), nonce: number };
    this.#gateway.emit("MESSAGE_CREATE", message);
    const shardId = Number((BigInt(guildId) >> 22n) % BigInt(this.#shards));
    for (const session of receiversOf(this.#gateway, shardId)) {
      this.#deliveries.emitted(session.id, shardId, session.sequence, number);
    }
  }
}
