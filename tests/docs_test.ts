import { assert, assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, readdir, readFile } from "node:fs/promises";
import { test } from "./harness.ts";

const ROOT = new URL("../", import.meta.url);

/** What there is to read beside `docs/`. */
const PAGES = ["README.md", "CONTRIBUTING.md", "BENCHMARKS.md", "RELIABILITY.md"];

function read(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), "utf8");
}

function exists(path: string | URL): Promise<boolean> {
  return access(new URL(path, ROOT)).then(() => true, () => false);
}

async function filesIn(folder: string, ending: string, recursive = false): Promise<string[]> {
  const names = await readdir(new URL(`${folder}/`, ROOT), { recursive });
  return names.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`).sort();
}

/** Files that whoever reads the guides has made. */
const YOURS = ["bot.ts", "ping_pong.ts"];

/** What begins the message of an error about an argument. */
const CHECKED = /(?:invalidState|refuse|check[A-Z]\w*)\(\s*["'`]([a-z][^:"'`$\\]+)[:"'`]/g;

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
      if (!await exists(url)) broken.push(`${page}: ${target}`);
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
  for (const file of ["README.md", ...await filesIn("docs", ".md"), "mod.ts", ...await filesIn("lib", ".ts", true)]) {
    for (const [, fence = ""] of (await read(file)).matchAll(/^(?: *\*)? *```(\S.*)$/gm)) {
      if (!["ts", "sh"].includes(fence)) fences.push(`${file}: ${fence}`);
    }
  }
  // The first is a file that runs, which another test compares; the other is for a file of the reader's.
  assertEquals(fences, ["README.md: ts ignore", "README.md: jsonc"]);
});

test("docs show commands that a shell can read, of files that are there", async () => {
  const wrong: string[] = [];
  for (const page of [...PAGES, ...await filesIn("docs", ".md"), ...await filesIn("lib", ".ts", true)]) {
    for (const [, margin = "", lines = ""] of (await read(page)).matchAll(/^( \* | *)```sh\n([^]*?)^\1```$/gm)) {
      const commands = lines.split("\n").map((line) => line.slice(margin.length)).join("\n");
      const shell = spawn("sh", ["-n"], { stdio: ["pipe", "ignore", "inherit"] });
      shell.stdin.end(commands);
      const [code] = await once(shell, "close");
      if (code !== 0) wrong.push(`${page}: ${commands}`);
      const words = commands.replaceAll(/#.*$/gm, "").match(
        /(?<=^|[\s=])[\w./-]+\.(?:ts|json|service|Dockerfile)(?=\s|$)/gm,
      );
      for (const word of words ?? []) {
        const isThere = await exists(word) || await exists(`examples/deploy/${word}`);
        if (!isThere && !YOURS.includes(word)) wrong.push(`${page}: ${word}`);
      }
    }
  }
  assertEquals(wrong, []);
});

test("BENCHMARKS.md has a figure in every row of its table", async () => {
  const [, table = ""] = (await read("BENCHMARKS.md")).split("<!-- table -->");
  const rows = table.split("\n").filter((line) => line.startsWith("|")).slice(2);
  assert(rows.length > 20, `${rows.length} rows`);
  assertEquals(rows.filter((row) => !/\d/.test(row.split("|")[3] ?? "")), []);
});

test("docs/errors.md says what to do about every error of the library", async () => {
  const page = await read("docs/errors.md");
  const missing = new Set<string>();
  for (const file of await filesIn("lib", ".ts", true)) {
    const source = await read(file);
    for (const [, name = ""] of source.matchAll(/class (\w+Error) extends/g)) {
      if (name !== "GatewayError" && !page.includes(`\`${name}`)) missing.add(name);
    }
    // The words before what differs from case to case; what checks arguments adds the first of them.
    const texts = [...source.matchAll(/["'`]Cannot ([^:"'`$\\]+)/g), ...source.matchAll(CHECKED)];
    for (const [, text = ""] of texts) {
      const words = text.replace(/ at $| with compress $| of $| to GET .*$| for a listener of $/, "").trim();
      if (words !== "" && !page.includes(`Cannot ${words}`)) missing.add(`${file}: ${words}`);
    }
  }
  assertEquals([...missing], []);
});

test("docs name tasks that exist, and CONTRIBUTING.md every one of them", async () => {
  const { tasks } = JSON.parse(await read("deno.json")) as { tasks: Record<string, unknown> };
  const pages = [...PAGES, ...await filesIn("docs", ".md")];
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
