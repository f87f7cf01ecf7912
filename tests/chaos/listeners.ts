import type { ShardManager } from "../../mod.ts";
import type { World } from "./world.ts";

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
    const { listensRaw, listenerFailures } = this.#world.plan;
    manager.eventDispatcher.listen("MESSAGE_CREATE", () => {
      this.called++;
    });
    if (listensRaw) manager.rawDispatcher.listen(0, () => {});
    if (listenerFailures === 0) return;
    for (const name of ["MESSAGE_CREATE", "GUILD_CREATE", "RESUMED", "GUILD_MEMBERS_CHUNK"] as const) {
      manager.eventDispatcher.listen(name, () => this.#maybeFail());
      manager.eventDispatcher.listen(name, () => this.#maybeFailLater());
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

  async #maybeFailLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#world.between(1, 5000)));
    this.#maybeFail();
  }
}
