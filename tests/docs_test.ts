import { assert, assertEquals } from "@std/assert";
import { access, readdir, readFile } from "node:fs/promises";
import { test } from "./harness.ts";

const ROOT = new URL("../", import.meta.url);

function read(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), "utf8");
}

async function filesIn(folder: string, ending: string): Promise<string[]> {
  const names = await readdir(new URL(`${folder}/`, ROOT));
  return names.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`).sort();
}

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").trim().replaceAll(" ", "-");
}

test("docs link to files and headings that are there", async () => {
  const broken: string[] = [];
  for (const page of ["README.md", ...await filesIn("docs", ".md")]) {
    const text = (await read(page)).replaceAll(/^```[^]*?^```/gm, "");
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = target.split("#");
      const url = path === "" ? new URL(page, ROOT) : new URL(path, new URL(page, ROOT));
      const isThere = await access(url).then(() => true, () => false);
      if (!isThere) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined) {
        const headings = (await readFile(url, "utf8")).matchAll(/^#+ (.+)$/gm);
        if (![...headings].some(([, heading = ""]) => anchorOf(heading) === anchor)) broken.push(`${page}: ${target}`);
      }
    }
  }
  assertEquals(broken, []);
});

test("docs/README.md names every guide, and README.md names it", async () => {
  const index = await read("docs/README.md");
  const guides = (await filesIn("docs", ".md")).filter((file) => file !== "docs/README.md");
  assertEquals(guides.filter((file) => !index.includes(`(${file.slice("docs/".length)})`)), []);
  assert((await read("README.md")).includes("(docs/README.md)"));
});

test("docs show no TypeScript that is not run", async () => {
  const fences: string[] = [];
  for (const page of await filesIn("docs", ".md")) {
    for (const [fence = ""] of (await read(page)).matchAll(/^ *```\S.*$/gm)) {
      if (!["```ts", "```sh"].includes(fence.trim())) fences.push(`${page}: ${fence}`);
    }
  }
  assertEquals(fences, []);
});

test("docs/errors.md says what to do about every error of the library", async () => {
  const page = await read("docs/errors.md");
  const missing = new Set<string>();
  for (const file of await filesIn("lib", ".ts")) {
    const source = await read(file);
    for (const [, name = ""] of source.matchAll(/class (\w+Error) extends/g)) {
      if (name !== "GatewayError" && !page.includes(`\`${name}`)) missing.add(name);
    }
    // The words before what differs from case to case.
    for (const [, text = ""] of source.matchAll(/["'`](Cannot [^:"'`$\\]+)/g)) {
      const words = text.replace(/ at $| with compress $| of $| for a listener of $/, "").trim();
      if (words !== "Cannot" && !page.includes(words)) missing.add(words);
    }
  }
  assertEquals([...missing], []);
});

test("docs name tasks that exist, and CONTRIBUTING.md every one of them", async () => {
  const { tasks } = JSON.parse(await read("deno.json")) as { tasks: Record<string, unknown> };
  const pages = ["README.md", "CONTRIBUTING.md", "BENCHMARKS.md", "RELIABILITY.md", ...await filesIn("docs", ".md")];
  const texts = await Promise.all(pages.map(read));
  const named = texts.flatMap((text) => [...text.matchAll(/deno task ([a-z:]+)/g)].map(([, name = ""]) => name));
  assertEquals(named.filter((name) => !(name in tasks)), []);
  const contributing = await read("CONTRIBUTING.md");
  assertEquals(Object.keys(tasks).filter((name) => !new RegExp(`\`${name}[ \`]`).test(contributing)), []);
});

test("every entry point has a module doc with an example", async () => {
  const { exports } = JSON.parse(await read("deno.json")) as { exports: Record<string, string> };
  for (const file of Object.values(exports)) {
    const [doc = ""] = (await read(file)).match(/^\/\*\*[^]*?\*\//) ?? [];
    assertEquals([file, doc.includes("@module"), doc.includes("@example")], [file, true, true]);
  }
});
