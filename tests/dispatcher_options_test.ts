import { assertEquals } from "@std/assert";
import { Dispatcher } from "../lib/dispatcher.ts";
import type { DataOf } from "../lib/dispatcher_options.ts";
import { GatewayOpcode } from "../lib/opcode.ts";
import type { GatewayEvents, GatewayPayload, RawEvents } from "../lib/payload.ts";
import { test } from "./harness.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

test("DataOf gives the data of known names and unknown for all others", () => {
  const same: [
    Same<DataOf<{ a: 1; b: 2 }, "a">, 1>,
    Same<DataOf<{ a: 1; b: 2 }, "a" | "b">, 1 | 2>,
    Same<DataOf<{ a: 1; b: 2 }, "c">, unknown>,
    Same<DataOf<{ a: 1; b: 2 }, string>, unknown>,
    Same<DataOf<RawEvents, 10>, GatewayPayload>,
    Same<DataOf<RawEvents, "10">, GatewayPayload>,
    Same<DataOf<RawEvents, number>, GatewayPayload>,
    Same<DataOf<RawEvents, "HELLO">, unknown>,
    Same<DataOf<Record<string, unknown>, "a">, unknown>,
  ] = [true, true, true, true, true, true, true, true, true];
  assertEquals(same.length, 9);
});

test("Dispatcher infers the data of an event from its name", async () => {
  const dispatcher = new Dispatcher<GatewayEvents>();
  const contents: string[] = [];
  dispatcher.listen("MESSAGE_CREATE", (message, event) => {
    const content: string = message.content;
    const same: string = event.detail.content;
    // @ts-expect-error content is text
    const wrong: number = message.content;
    // @ts-expect-error messages have no such field
    contents.push(content, same, String(wrong), String(message.nothing));
  });
  const waiting = dispatcher.waitFor("MESSAGE_CREATE", (message) => message.content.startsWith("p"));
  const iterator = dispatcher.events("MESSAGE_CREATE");
  dispatcher.dispatch("MESSAGE_CREATE", { content: "ping" } as GatewayEvents["MESSAGE_CREATE"]);
  // @ts-expect-error a message is not a number
  dispatcher.dispatch("MESSAGE_CREATE", 1);
  assertEquals(contents.slice(0, 4), ["ping", "ping", "ping", "undefined"]);
  const content: string = (await waiting).content;
  const result = await iterator.next();
  const next: string = result.done ? "" : result.value.content;
  assertEquals([content, next], ["ping", "ping"]);
  await iterator.return?.();
});

test("Dispatcher takes any other name, with unknown data", () => {
  const dispatcher = new Dispatcher<GatewayEvents>();
  const seen: unknown[] = [];
  dispatcher.listen("A_NEW_EVENT", (data) => {
    // @ts-expect-error nothing is known of it
    seen.push(data.content);
  });
  dispatcher.dispatch("A_NEW_EVENT", { content: 1 });
  const name: string = "ANOTHER";
  dispatcher.listen(name, (data: unknown) => seen.push(data));
  dispatcher.dispatch(name, 2);
  assertEquals(seen, [1, 2]);
});

test("Dispatcher takes opcodes as numbers", () => {
  const dispatcher = new Dispatcher<RawEvents>();
  const seen: (number | string)[] = [];
  dispatcher.listen(GatewayOpcode.Hello, (payload, event) => {
    const op: number = payload.op;
    seen.push(op, event.type);
  });
  assertEquals([dispatcher.hasListeners(10), dispatcher.hasListeners("10")], [true, true]);
  dispatcher.dispatch(GatewayOpcode.Hello, { op: 10, d: null, s: null, t: null });
  dispatcher.dispatch("10", { op: 10, d: null, s: null, t: null });
  assertEquals(seen, [10, "10", 10, "10"]);
});

test("Dispatcher without a map of events gives unknown data", () => {
  const dispatcher = new Dispatcher();
  dispatcher.listen("x", (data) => {
    // @ts-expect-error nothing is known of it
    const text: string = data;
    assertEquals(text, "y");
  });
  dispatcher.dispatch("x", "y");
});
