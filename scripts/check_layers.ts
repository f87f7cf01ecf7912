/**
 * Checks that imports in `lib/` go down only, that they stay inside the web platform, and that the pure layers are pure.
 * An argument names another folder than `lib`.
 *
 * @module
 */
// deno-lint-ignore-file no-console

import ts from "typescript";
import { filesBelow, ROOT } from "./command.ts";
import { isPeerOf, isWebOnly, LAYERS, TESTING_FOLDER, TYPE_PACKAGES } from "./layers.ts";

interface Import {
  specifier: string;
  typeOnly: boolean;
  line: number;
}

/** What a pure file must not name: it would wait, look at a clock, roll dice or reach out. */
const IMPURE: ReadonlySet<string> = new Set([
  ...["AbortController", "AbortSignal", "EventTarget", "Promise", "WebSocket", "console", "fetch"],
  ...["Date", "performance", "queueMicrotask", "setInterval", "setTimeout", "crypto"],
]);
const RUNTIMES: ReadonlySet<string> = new Set(["Bun", "Deno"]);

/** The layer of each file, and its group there: 0 is the helps. */
const PLACES: ReadonlyMap<string, { layer: number; group: number }> = new Map(
  LAYERS.flatMap(({ helps = [], groups }, layer) =>
    [helps, ...groups].flatMap((names, group) => names.map((name) => [`${name}.ts`, { layer, group }] as const))
  ),
);

async function main(folder: string): Promise<boolean> {
  const files = (await filesBelow(folder, ".ts")).map((file) => file.slice(folder.length + 1));
  const problems = [...PLACES.keys()]
    .filter((file) => !files.includes(file))
    .map((file) => `scripts/layers.ts: names ${folder}/${file}, which is not there`);
  const arrows = new Map<string, string[]>();
  const loads = new Map<string, string[]>();
  for (const file of files) {
    const source = await parse(new URL(`${folder}/${file}`, ROOT));
    const imports = importsOf(source);
    const say = (line: number, problem: string) => problems.push(`${folder}/${file}:${line}: ${problem}`);
    if (!file.startsWith(TESTING_FOLDER) && !PLACES.has(file)) say(1, "is in no layer of scripts/layers.ts");
    const targets: string[] = [];
    for (const { specifier, typeOnly, line } of imports) {
      const target = targetOf(file, specifier);
      if (target === undefined) checkPackage(file, specifier, typeOnly, (problem) => say(line, problem));
      else {
        const problem = problemOf(file, target);
        if (problem !== undefined) say(line, `imports ${target}: ${problem}`);
        if (!typeOnly && isWebOnly(file) && !isWebOnly(target)) {
          say(line, `imports ${target}, which is not made of web standards only`);
        }
        targets.push(target);
      }
    }
    arrows.set(file, targets);
    loads.set(
      file,
      imports.filter(({ typeOnly }) => !typeOnly).flatMap(({ specifier }) => targetOf(file, specifier) ?? []),
    );
    checkNames(file, source, say);
  }
  for (const cycle of cyclesOf(loads)) problems.push(`${folder}: imports in a circle: ${cycle.join(" -> ")}`);
  await checkFace(problems);
  print(arrows);
  for (const problem of problems) console.log(problem);
  const count = Array.from(arrows.values(), (targets) => targets.length).reduce((sum, length) => sum + length, 0);
  console.log(`${files.length} files, ${count} imports, ${problems.length} problems`);
  return problems.length === 0;
}

async function parse(url: URL): Promise<ts.SourceFile> {
  return ts.createSourceFile(url.pathname, await Deno.readTextFile(url), ts.ScriptTarget.Latest, true);
}

function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

function importsOf(source: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      imports.push({ specifier: specifier.text, typeOnly, line: lineOf(node) });
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, isTypeOnly(node));
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return imports;
}

// `import { type X }` is no type-only import: it still loads the module under `verbatimModuleSyntax`.
function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** The file of `lib/` that a specifier means, or `undefined` where it means something else. */
function targetOf(file: string, specifier: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  const base = "file:///lib/";
  const { href } = new URL(specifier, `${base}${file}`);
  return href.startsWith(base) ? href.slice(base.length) : `../${href.slice("file:///".length)}`;
}

function problemOf(file: string, target: string): string | undefined {
  if (target.startsWith("../")) return "lies outside of lib";
  if (file.startsWith(TESTING_FOLDER)) {
    return target.startsWith(TESTING_FOLDER) || PLACES.get(target)?.layer === 0
      ? undefined
      : "testing has rules of its own";
  }
  const [from, to] = [PLACES.get(file), PLACES.get(target)];
  // Reported once, at the file itself.
  if (from === undefined || to === undefined) return undefined;
  if (from.layer < to.layer) return `goes up, from layer ${from.layer} to ${to.layer}`;
  if (from.layer > to.layer || to.group === 0 || from.group === to.group) return undefined;
  return "is in the same layer, but not in the same group";
}

function checkPackage(file: string, specifier: string, typeOnly: boolean, say: (problem: string) => void): void {
  if (!isWebOnly(file) || isPeerOf(file, specifier)) return;
  const known = TYPE_PACKAGES.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  if (!known) say(`imports ${specifier}: lib loads nothing`);
  else if (!typeOnly) say(`imports ${specifier}: only "import type" may name it, since lib loads nothing`);
}

function checkNames(file: string, source: ts.SourceFile, say: (line: number, problem: string) => void): void {
  const pure = LAYERS[PLACES.get(file)?.layer ?? -1]?.pure === true;
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      if (isWebOnly(file) && RUNTIMES.has(node.text)) {
        say(lineOf(node), `names ${node.text}: lib uses web standards only`);
      }
      if (pure && IMPURE.has(node.text) && !isMember(node)) say(lineOf(node), `names ${node.text}: this layer is pure`);
    }
    if (pure && ts.isPropertyAccessExpression(node) && node.getText() === "Math.random") {
      say(lineOf(node), "names Math.random: this layer is pure");
    }
    if (pure && (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AsyncKeyword)) {
      say(lineOf(node), "waits: this layer is pure");
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/** Whether the identifier is what a dot leads to, and so no global. */
function isMember(node: ts.Identifier): boolean {
  return ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
}

/** The circles in what files load, each found once; types are gone by then. */
function cyclesOf(loads: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const index = path.indexOf(file);
    if (index !== -1) cycles.push([...path.slice(index), file]);
    if (index !== -1 || done.has(file)) return;
    for (const target of loads.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of loads.keys()) visit(file, []);
  return cycles;
}

/** The public face names what it exports, one by one, and everything it exports is of `lib/`. */
async function checkFace(problems: string[]): Promise<void> {
  for (const statement of (await parse(new URL("mod.ts", ROOT))).statements) {
    const say = (problem: string) => problems.push(`mod.ts:${lineOf(statement)}: ${problem}`);
    if (!ts.isExportDeclaration(statement)) say("only export declarations belong here");
    else if (!statement.exportClause) say("names what it exports: no export *");
    else if (!statement.moduleSpecifier?.getText().startsWith('"./lib/')) say("exports only what is in lib");
  }
}

function print(arrows: ReadonlyMap<string, readonly string[]>): void {
  const stem = (file: string) => file.replace(/\.ts$/, "");
  const titles = [...LAYERS.map(({ name }, layer) => `L${layer} ${name}`), "testing"].reverse();
  for (const [index, title] of titles.entries()) {
    const layer = LAYERS.length - index;
    console.log(title);
    for (const [file, targets] of arrows) {
      if ((PLACES.get(file)?.layer ?? LAYERS.length) !== layer) continue;
      const names = [...new Set(targets)].map(stem);
      console.log(`  ${stem(file)}${names.length === 0 ? "" : ` -> ${names.join(" ")}`}`);
    }
  }
}

if (!await main(Deno.args[0] ?? "lib")) Deno.exit(1);
