import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Child } from "./child.ts";
import { test } from "./harness.ts";

test("Shard leaves nothing behind that keeps the process alive after close", async () => {
  await using child = new Child("shard_bot.ts", ["close"]);
  assertEquals(await child.ended, 0);
  assertEquals(child.output, "bye\n");
});

test("Shard that ends critically ends neither the process nor keeps it alive, and says so where nobody listens", async () => {
  await using child = new Child("shard_bot.ts", ["unheard"]);
  assertEquals(await child.ended, 0);
  assertStringIncludes(child.output, "InvalidTokenError");
  assertEquals(child.output.split("the token is not valid").length, 2);
  assert(!child.output.includes("canary"));
});

for (const observer of ["critical", "closed"]) {
  test(`Shard that ends critically prints nothing where somebody looks at ${observer}`, async () => {
    await using child = new Child("shard_bot.ts", [observer]);
    assertEquals(await child.ended, 0);
    assertEquals(child.output, "InvalidTokenError\n");
  });
}
