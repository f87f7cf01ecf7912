import { assert, assertEquals } from "@std/assert";
import { runSocketWorld } from "./chaos/socket_world.ts";
import { isSupported } from "../lib/decompressor.ts";
import { test } from "./harness.ts";

for (const compress of ["none", "zlib-stream", "zstd-stream"] as const) {
  const skip = compress === "zstd-stream" && !isSupported(compress) &&
    "Deno has no DecompressionStream for zstd";
  test(`A manager loses and doubles no event on sockets that break (${compress})`, async () => {
    const { problems, lines, ...figures } = await runSocketWorld({ seed: 1, durationMs: 4000, shards: 3, compress });
    assertEquals(problems, [], `${lines.join("\n")}\n${problems.join("\n")}`);
    assert(figures.resumed > 3 && figures.received > 300, JSON.stringify(figures));
  }, { skip });
}
