import { assertEquals, assertStringIncludes } from "@std/assert";
import { findNatsServer, NATS_SERVER_HINT } from "../scripts/nats_server.ts";
import { Child } from "./child.ts";
import { test } from "./harness.ts";

const hint = await findNatsServer() === null && NATS_SERVER_HINT;

test("example cluster/demo kills a node and loses nothing", async () => {
  await using demo = new Child("../examples/cluster/demo.ts", []);
  const code = await demo.ended;
  assertEquals(demo.output.trimEnd().split("\n").at(-1), "lost 0, doubled 0", demo.output);
  assertEquals(code, 0);
  assertStringIncludes(demo.output, "kill -9  node-1");
}, { skip: hint, timeoutMs: 90_000 });
