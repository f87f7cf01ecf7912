import type { GatewayEvent, ShardManager } from "../../mod.ts";
import type { World } from "./world.ts";

/** How often a listener takes its time, and for how long at most, in milliseconds. */
const LATE = 0.2;
const LATE_MS = [200, 20_000] as const;

/** Listeners as bots have them: quick ones, slow ones, and ones that fail at once or later. */
export class Listeners {
  /** How often the quick one was called. */
  called = 0;
  /** How often one failed. */
  failed = 0;
  readonly #world: World;

  /** Belongs to a world. */
  constructor(world: World) {
    this.#world = world;
  }

  /** Adds them to a manager. */
  listenTo(manager: ShardManager): void {
    const { listensRaw, listenerFailures, storeMs } = this.#world.plan;
    manager.eventDispatcher.listen("MESSAGE_CREATE", () => {
      this.called++;
    });
    if (listensRaw) manager.rawDispatcher.listen(0, () => {});
    if (storeMs !== null) {
      manager.eventDispatcher.listen("MESSAGE_CREATE", (_data, event) => {
        if (this.#world.random.next() < LATE) return this.#work(event, ...LATE_MS);
      });
    }
    if (listenerFailures === 0) return;
    for (const name of ["MESSAGE_CREATE", "GUILD_CREATE", "RESUMED", "GUILD_MEMBERS_CHUNK"] as const) {
      manager.eventDispatcher.listen(name, () => this.#maybeFail());
      manager.eventDispatcher.listen(name, async (_data: unknown, event: GatewayEvent) => {
        await this.#work(event, 1, 5000);
        this.#maybeFail();
      });
    }
    for (const name of ["ready", "resumed", "reconnecting", "sent", "phase"] as const) {
      manager.dispatcher.listen(name, () => this.#maybeFail());
    }
  }

  #maybeFail(): void {
    if (this.#world.random.next() >= this.#world.plan.listenerFailures) return;
    this.failed++;
    throw new Error("A listener failed");
  }

  /** What is not done with an event when the process ends has to be done by the next one. */
  async #work({ sessionId, shardId, sequence }: GatewayEvent, leastMs: number, mostMs: number): Promise<void> {
    const done = this.#world.checks.deliveries.handling(sessionId ?? "", shardId ?? -1, sequence ?? -1);
    await new Promise((resolve) => setTimeout(resolve, this.#world.between(leastMs, mostMs)));
    done();
  }
}
