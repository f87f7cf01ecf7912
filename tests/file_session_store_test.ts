import { FileSessionStore } from "@gangway/gateway/file-session-store";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Session } from "../lib/session_store.ts";
import { test } from "./harness.ts";

const SESSION: Session = {
  id: "session",
  sequence: 7,
  resumeUrl: "wss://resume.example",
  shardId: 1,
  shardCount: 2,
  savedAt: 1_700_000_000_000,
};
const FILE = "session-1-2.json";

/** A folder that is gone after the test; the store's own is in it and does not exist yet. */
class Place implements AsyncDisposable {
  readonly parent: string;
  readonly folder: string;

  private constructor(parent: string) {
    this.parent = parent;
    this.folder = `${parent}/bots/sessions`;
  }

  static async make(): Promise<Place> {
    return new Place(await mkdtemp(`${tmpdir()}/gangway-store-`));
  }

  get store(): FileSessionStore {
    return new FileSessionStore(this.folder);
  }

  /** Puts something in the place of a session's file. */
  async write(content: string | Uint8Array): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeFile(`${this.folder}/${FILE}`, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.parent, { recursive: true });
  }
}

test("FileSessionStore keeps sessions by their keys until they are deleted, for other stores as well", async () => {
  await using place = await Place.make();
  assertEquals(await place.store.load("1-2"), null);
  await place.store.delete("1-2");
  await place.store.save("1-2", SESSION);
  await place.store.save("0-2", { ...SESSION, shardId: 0 });
  assertEquals(await place.store.load("1-2"), SESSION);
  await place.store.save("1-2", { ...SESSION, sequence: 8 });
  assertEquals((await place.store.load("1-2"))?.sequence, 8);
  await place.store.delete("1-2");
  assertEquals(await place.store.load("1-2"), null);
  assertEquals((await place.store.load("0-2"))?.shardId, 0);
});

test("FileSessionStore makes its folder at the first save, and all of it for the owner only", async () => {
  await using place = await Place.make();
  await place.store.load("1-2");
  await place.store.delete("1-2");
  assertEquals(await readdir(place.parent), []);
  await place.store.save("1-2", SESSION);
  assertEquals(await readdir(place.folder), [FILE]);
  if (process.platform === "win32") return;
  assertEquals((await stat(place.folder)).mode & 0o777, 0o700);
  assertEquals((await stat(`${place.folder}/${FILE}`)).mode & 0o777, 0o600);
});

test("FileSessionStore takes a path or a file URL, and no other URL", async () => {
  await using place = await Place.make();
  await place.store.save("1-2", SESSION);
  const { href } = pathToFileURL(place.folder);
  for (const folder of [`${place.folder}/`, href, `${href}/`, new URL(href), new URL(`${href}/`)]) {
    assertEquals(await new FileSessionStore(folder).load("1-2"), SESSION);
  }
  assertThrows(() => new FileSessionStore(new URL("https://example.com/sessions")), TypeError);
});

test("FileSessionStore keeps every key in a file of its own inside the folder", async () => {
  await using place = await Place.make();
  const long = "é".repeat(30);
  const keys = ["..", "../../escaped", "/etc/passwd", "C:\\x", "a\0b", "", ".", "a b", "A", "a", "_0041", "con", long];
  keys.push("é1", "\u0e91", "\ud800", "\udfff", "%2e%2e%2f", "a/b", "0-1.json", "0-1");
  for (const [index, key] of keys.entries()) await place.store.save(key, { ...SESSION, sequence: index });
  for (const [index, key] of keys.entries()) {
    assertEquals((await place.store.load(key))?.sequence, index, JSON.stringify(key));
  }
  const names = await readdir(place.folder);
  // A disk that does not tell cases apart has to tell these apart.
  assertEquals(new Set(names.map((name) => name.toLowerCase())).size, keys.length);
  for (const name of names) assertMatch(name, /^session-[a-z0-9_-]*\.json$/);
  assertEquals(await readdir(place.parent), ["bots"]);
  assertEquals(await readdir(`${place.parent}/bots`), ["sessions"]);
  for (const key of keys) await place.store.delete(key);
  assertEquals(await readdir(place.folder), []);
});

test("FileSessionStore takes a file that is cut at any byte for no session", async () => {
  await using place = await Place.make();
  await place.store.save("1-2", SESSION);
  const whole = await readFile(`${place.folder}/${FILE}`);
  for (let length = 0; length < whole.length; length++) {
    await place.write(whole.subarray(0, length));
    assertEquals(await place.store.load("1-2"), null, `cut after ${length} bytes`);
  }
  await place.write(whole);
  assertEquals(await place.store.load("1-2"), SESSION);
});

test("FileSessionStore takes random bytes and foreign JSON for no session", async () => {
  await using place = await Place.make();
  const content = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json());
  await fc.assert(
    fc.asyncProperty(content, async (content) => {
      await place.write(content);
      assertEquals(await place.store.load("1-2"), null);
    }),
    { numRuns: 150 },
  );
});

test("FileSessionStore takes a session of which any part is missing or wrong for none", async () => {
  await using place = await Place.make();
  const wrong = {
    id: [undefined, null, "", 1],
    sequence: [undefined, null, "7", 1.5, -1, 1e300],
    resumeUrl: [undefined, null, 1],
    shardId: [undefined, null, "1", -1],
    shardCount: [undefined, null, "2", 0.5],
    savedAt: [undefined, null, "now"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      await place.write(JSON.stringify({ ...SESSION, [name]: value }));
      assertEquals(await place.store.load("1-2"), null, `${name}: ${value}`);
    }
  }
  await place.write(JSON.stringify({ ...SESSION, more: true }));
  assertEquals(await place.store.load("1-2"), SESSION);
});

test("FileSessionStore survives a crash between write and rename, and removes what it left", async () => {
  await using place = await Place.make();
  await place.store.save("1-2", SESSION);
  await place.store.save("11-2", SESSION);
  const others = ["session-1-2.json.bak", "session-11-2.json.x.tmp", "notes.tmp"];
  for (const name of ["session-1-2.json.a.tmp", "session-1-2.json.b.tmp", ...others]) {
    await writeFile(`${place.folder}/${name}`, '{"id":"half');
  }
  assertEquals(await place.store.load("1-2"), SESSION);
  assertEquals((await readdir(place.folder)).sort(), [FILE, "session-11-2.json", ...others].sort());
});

test("FileSessionStore leaves nothing behind when it cannot save, and says so", async () => {
  await using place = await Place.make();
  // A folder in the file's place: the rename fails.
  await mkdir(`${place.folder}/${FILE}/full`, { recursive: true });
  const error = await assertRejects(() => place.store.save("1-2", SESSION), Error);
  assertMatch(`${(error as { code?: string }).code}`, /^E[A-Z]+$/);
  assertEquals(await readdir(place.folder), [FILE]);
  await assertRejects(() => place.store.load("1-2"), Error);
  await assertRejects(() => place.store.delete("1-2"), Error);
  // A name that is too long for the disk.
  await assertRejects(() => place.store.save("a".repeat(300), SESSION), Error);
  // A file in the folder's place.
  await writeFile(`${place.parent}/file`, "");
  await assertRejects(() => new FileSessionStore(`${place.parent}/file`).load("1-2"), Error);
  await assertRejects(() => new FileSessionStore(`${place.parent}/file`).save("1-2", SESSION), Error);
});

test("FileSessionStore loads nothing with an aborted signal", async () => {
  await using place = await Place.make();
  const reason = new Error("enough");
  assertEquals(await assertRejects(() => place.store.load("1-2", { signal: AbortSignal.abort(reason) })), reason);
});

test("FileSessionStore saves many keys at once, and what is read meanwhile is whole", async () => {
  await using place = await Place.make();
  const { store } = place;
  const keys = Array.from({ length: 12 }, (_, index) => `${index}-12`);
  await Promise.all(keys.map(async (key) => {
    for (let sequence = 1; sequence <= 8; sequence++) {
      const saving = store.save(key, { ...SESSION, sequence });
      const session = JSON.parse(await readFile(`${place.folder}/session-${key}.json`, "utf8").catch(() => "null"));
      if (sequence > 1) assert([sequence - 1, sequence].includes(session.sequence));
      await saving;
    }
  }));
  for (const key of keys) assertEquals((await store.load(key))?.sequence, 8);
  assertEquals((await readdir(place.folder)).length, keys.length);
});

test("FileSessionStore keeps one of the sessions that two processes save under one key at once", async () => {
  await using place = await Place.make();
  const sequences = Array.from({ length: 10 }, (_, index) => index);
  await Promise.all(sequences.map((sequence) => place.store.save("1-2", { ...SESSION, sequence })));
  assert(sequences.includes((await place.store.load("1-2"))?.sequence as number));
  assertEquals(await readdir(place.folder), [FILE]);
});
