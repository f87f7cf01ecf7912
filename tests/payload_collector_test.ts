import { assertEquals } from "@std/assert";
import { PayloadCollector } from "../lib/payload_collector.ts";
import { SUFFIX } from "./compressed.ts";
import { test } from "./harness.ts";

/** A chunk that counts how often it is looked into. */
function counted(text: string, onRead: () => void): Uint8Array {
  return new Proxy(new TextEncoder().encode(text), {
    get(bytes, key) {
      if (key !== "length") onRead();
      return Reflect.get(bytes, key);
    },
  });
}

test("PayloadCollector looks at white space once, however many messages come with nothing else", () => {
  const collector = new PayloadCollector("zlib-stream", 1_000_000);
  let reads = 0;
  for (let messages = 0; messages < 100; messages++) {
    collector.begin(new Uint8Array(SUFFIX));
    collector.add(counted(" ".repeat(10), () => reads++));
    assertEquals(collector.isComplete, false);
  }
  assertEquals(reads, 1_000);
});

test("PayloadCollector tells of a bound that is passed by several chunks together", () => {
  const collector = new PayloadCollector("zlib-stream", 10);
  assertEquals(collector.add(new Uint8Array(10)), null);
  assertEquals(collector.add(new Uint8Array(1)) instanceof RangeError, true);
});

test("PayloadCollector begins anew after each payload", () => {
  for (const format of ["zlib-stream", "zstd-stream"] as const) {
    const collector = new PayloadCollector(format, 10);
    for (let payloads = 0; payloads < 3; payloads++) {
      collector.begin(new Uint8Array(SUFFIX));
      assertEquals(collector.take(), null);
      const chunks = ["{", "} "].map((text) => new TextEncoder().encode(text));
      for (const chunk of chunks) collector.add(chunk);
      assertEquals(collector.take(), chunks);
    }
  }
});
