import { LocalGateway } from "@gangway/gateway/testing";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { GatewaySocket } from "../lib/socket.ts";
import { test } from "./harness.ts";
import { fakeTime } from "./shard_rig.ts";

/** The client's end of a socket, with what the other end does as methods. */
class Peer extends EventTarget {
  readyState = 1;
  readonly sent: string[] = [];
  readonly codes: (number | undefined)[] = [];

  send(frame: string): void {
    this.sent.push(frame);
  }

  close(code?: number): void {
    this.codes.push(code);
    this.readyState = 2;
  }

  sends(data: string | Uint8Array<ArrayBuffer>): void {
    this.dispatchEvent(new MessageEvent("message", { data: typeof data === "string" ? data : data.buffer }));
  }

  closes(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(new CloseEvent("close", { code }));
  }

  asSocket(): WebSocket {
    return this as unknown as WebSocket;
  }
}

/** A socket whose decompressor takes as many turns as the first byte says, and what came of it. */
function opened(peer: Peer, decompresses = true) {
  const log: unknown[] = [];
  const ended = Promise.withResolvers<void>();
  const decompressor = {
    decompress: async (bytes: Uint8Array) => {
      for (let turn = 0; turn < (bytes[0] as number); turn++) await Promise.resolve();
      if (bytes[0] === 99) throw new Error("Corrupt");
      return bytes[0] === 0 ? null : bytes;
    },
    close: () => log.push("freed"),
  };
  const socket = new GatewaySocket(peer.asSocket(), () => decompresses ? decompressor : null, {
    onMessage: (message) => log.push(message),
    onClose: (code, error) => {
      log.push(error === undefined ? code : `${code} ${(error as Error).message}`);
      ended.resolve();
    },
  });
  return { socket, log, ended: ended.promise };
}

test("GatewaySocket hands over payloads in order, and the end after all of them", async () => {
  const peer = new Peer();
  const { log, ended } = opened(peer);
  for (const bytes of [[20, 65], [1, 66], [0], [5, 67]]) peer.sends(new Uint8Array(bytes));
  peer.closes(4000);
  await ended;
  assertEquals(log, ["\x14A", "\x01B", "\x05C", 4000]);
});

test("GatewaySocket takes text as it is, and bytes too where nothing is compressed", async () => {
  const peer = new Peer();
  const { log, ended } = opened(peer, false);
  peer.sends("text");
  peer.sends(new TextEncoder().encode("bytes"));
  peer.closes(1006);
  await ended;
  assertEquals(log, ["text", "bytes", 1006]);
});

test("GatewaySocket ends with 1006 and the error where data cannot be inflated, and hears nothing after", async () => {
  const peer = new Peer();
  const { log, ended, socket } = opened(peer);
  peer.sends(new Uint8Array([1, 65]));
  peer.sends(new Uint8Array([99]));
  peer.sends(new Uint8Array([1, 66]));
  await ended;
  socket.abandon(4900);
  peer.closes(4000);
  await Promise.resolve();
  assertEquals(log, ["\x01A", "1006 Corrupt", "freed"]);
});

test("GatewaySocket that is given up hears nothing more, not even what was being inflated", async () => {
  const peer = new Peer();
  const { log, socket } = opened(peer);
  peer.sends(new Uint8Array([10, 65]));
  socket.abandon(4900);
  peer.sends(new Uint8Array([1, 66]));
  peer.closes(4900);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assertEquals([log, peer.codes], [["freed"], [4900]]);
});

test("GatewaySocket sends while it is open only", () => {
  const peer = new Peer();
  const { socket } = opened(peer);
  socket.send("one");
  peer.readyState = 2;
  socket.send("two");
  assertEquals(peer.sent, ["one"]);
});

test("GatewaySocket tells whether any frame came since it was last asked", () => {
  const peer = new Peer();
  const { socket } = opened(peer);
  assertEquals(socket.takeHeard(), false);
  peer.sends(new Uint8Array([0]));
  assertEquals([socket.takeHeard(), socket.takeHeard()], [true, false]);
});

test("GatewaySocket closes the socket where its decompressor cannot be made", () => {
  const peer = new Peer();
  const error = new Error("Cannot be made");
  const make = () =>
    new GatewaySocket(peer.asSocket(), () => {
      throw error;
    }, { onMessage: () => {}, onClose: () => {} });
  assertStrictEquals(assertThrows(make), error);
  assertEquals(peer.codes.length, 1);
});

test("GatewaySocket.close waits for the peer, but for a second only", async () => {
  using time = fakeTime();
  for (const answers of [true, false]) {
    const peer = new Peer();
    const { socket } = opened(peer);
    let isClosed = false;
    const closing = socket.close(1000).then(() => isClosed = true);
    await time.pass(999);
    assertEquals(isClosed, false);
    if (answers) peer.closes(1000);
    else await time.pass(1);
    await closing;
    assertEquals([peer.codes, time.timers()], [[1000], 0]);
  }
  const peer = new Peer();
  const { socket } = opened(peer);
  peer.closes(1006);
  await socket.close(1000);
});

test("GatewaySocket.close resolves soon towards a peer that is frozen", async () => {
  using time = fakeTime();
  await using gateway = new LocalGateway();
  const socket = gateway.createWebSocket(`${gateway.gatewayUrl}/?v=10&encoding=json`);
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const { promise, resolve } = Promise.withResolvers<void>();
  const own = new GatewaySocket(socket, () => null, { onMessage: () => resolve(), onClose: () => {} });
  await promise;
  gateway.freeze();
  const closing = own.close(4900);
  await time.pass(1000);
  await closing;
  assertEquals(gateway.closes, []);
});
