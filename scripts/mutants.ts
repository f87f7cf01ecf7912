import ts from "typescript";

/** One change to a source text. */
export interface Mutant {
  /** The line that is changed, from 1. */
  line: number;
  /** That line as it was, without the space around it. */
  text: string;
  /** What is changed into what. */
  change: string;
  /** The whole text with the change made. */
  source: string;
}

interface Edit {
  node: { start: number; end: number };
  replacement: string;
}

const OPERATORS: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ["!=="]],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, ["==="]],
  [ts.SyntaxKind.LessThanToken, ["<=", ">"]],
  [ts.SyntaxKind.LessThanEqualsToken, ["<", ">"]],
  [ts.SyntaxKind.GreaterThanToken, [">=", "<"]],
  [ts.SyntaxKind.GreaterThanEqualsToken, [">", "<"]],
  [ts.SyntaxKind.AmpersandAmpersandToken, ["||"]],
  [ts.SyntaxKind.BarBarToken, ["&&"]],
  [ts.SyntaxKind.QuestionQuestionToken, ["&&"]],
  [ts.SyntaxKind.PlusToken, ["-"]],
  [ts.SyntaxKind.MinusToken, ["+"]],
]);

/**
 * Every change of one place in the source: comparisons and conditions turned, `true` and `false` swapped, one opcode or
 * close code for another, an effect left out, a phase renamed to another, a number off by one, a property that is set
 * left as it was. `words` gives the members of the constant objects that are looked up by name.
 *
 * The places are found in TypeScript's own syntax tree: what tells a comparison from a type argument, and a phase in a
 * type from one in a value, is the grammar, and a tokenizer of ours would have to guess it.
 */
export function mutantsOf(source: string, words: ReadonlyMap<string, readonly string[]>): Mutant[] {
  const file = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true);
  const unions = unionsOf(file);
  const edits: Edit[] = [];

  function visit(node: ts.Node): void {
    // Types do nothing at run time, and what `as` says is one.
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isImportDeclaration(node)) return;
    edits.push(...editsOf(node, words, unions));
    ts.forEachChild(node, visit);
  }
  visit(file);

  return edits.map(({ node: { start, end }, replacement }) => {
    const { line } = file.getLineAndCharacterOfPosition(start);
    const old = source.slice(start, end);
    return {
      line: line + 1,
      text: source.split("\n")[line]?.trim() ?? "",
      change: `${short(old)} → ${replacement === "" ? "nothing" : short(replacement)}`,
      source: source.slice(0, start) + replacement + source.slice(end),
    };
  });
}

function* editsOf(
  node: ts.Node,
  words: ReadonlyMap<string, readonly string[]>,
  unions: readonly (readonly string[])[],
): Generator<Edit> {
  const place = { start: node.getStart(), end: node.end };
  const text = node.getText();
  if (ts.isBinaryExpression(node)) {
    const { operatorToken } = node;
    for (const replacement of OPERATORS.get(operatorToken.kind) ?? []) {
      yield { node: { start: operatorToken.getStart(), end: operatorToken.end }, replacement };
    }
  } else if (node.kind === ts.SyntaxKind.TrueKeyword) yield { node: place, replacement: "false" };
  else if (node.kind === ts.SyntaxKind.FalseKeyword) yield { node: place, replacement: "true" };
  else if (ts.isNumericLiteral(node)) {
    const value = Number(text.replaceAll("_", ""));
    yield { node: place, replacement: String(value + 1) };
  } else if (ts.isStringLiteral(node)) {
    for (const union of unions) {
      const index = union.indexOf(node.text);
      const next = index === -1 ? undefined : union[(index + 1) % union.length];
      if (next !== undefined) yield { node: place, replacement: JSON.stringify(next) };
    }
  } else if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const members = words.get(node.expression.text) ?? [];
    const index = members.indexOf(node.name.text);
    const next = index === -1 ? undefined : members[(index + 1) % members.length];
    if (next !== undefined) yield { node: place, replacement: `${node.expression.text}.${next}` };
  } else if (ts.isArrayLiteralExpression(node)) {
    for (const element of node.elements) {
      if (isEffect(element)) yield { node: withComma(element), replacement: "" };
    }
  } else if (ts.isPropertyAssignment(node) && hasSpread(node.parent)) {
    yield { node: withComma(node), replacement: "" };
  }
  const condition = conditionOf(node);
  if (condition !== undefined && !isTurned(condition)) {
    yield { node: { start: condition.getStart(), end: condition.end }, replacement: `!(${condition.getText()})` };
  }
}

function conditionOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) return node.expression;
  return ts.isConditionalExpression(node) ? node.condition : undefined;
}

/** Whether the comparison at the top is turned already, by its operator. */
function isTurned(condition: ts.Expression): boolean {
  if (!ts.isBinaryExpression(condition)) return false;
  const { kind } = condition.operatorToken;
  return kind === ts.SyntaxKind.EqualsEqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsEqualsToken;
}

/** Whether an element of an array is one of a list of effects: an object that says its type, or what makes one. */
function isEffect(element: ts.Expression): boolean {
  if (isReturned(element.parent)) return false;
  return ts.isObjectLiteralExpression(element) || ts.isCallExpression(element) || ts.isIdentifier(element);
}

/** Whether the array is what a function returns: a pair, which is broken, not changed, when an element is left out. */
function isReturned({ parent }: ts.Node): boolean {
  return ts.isReturnStatement(parent) || (ts.isConditionalExpression(parent) && isReturned(parent));
}

function hasSpread(node: ts.ObjectLiteralExpression): boolean {
  return node.properties.some(ts.isSpreadAssignment);
}

/** The place of an element and of the comma after it. */
function withComma(node: ts.Node): { start: number; end: number } {
  const [comma = ""] = node.getSourceFile().text.slice(node.end).match(/^\s*,\s*/) ?? [];
  return { start: node.getStart(), end: node.end + comma.length };
}

/** The unions of texts that the file declares, and the words of `type` in its unions of objects. */
function unionsOf(file: ts.SourceFile): string[][] {
  const unions: string[][] = [];
  for (const statement of file.statements) {
    if (!ts.isTypeAliasDeclaration(statement) || !ts.isUnionTypeNode(statement.type)) continue;
    const texts = statement.type.types.flatMap((type) =>
      ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : []
    );
    if (texts.length > 1) unions.push(texts);
  }
  return unions;
}

/** The members of the constant objects that a file declares, by the objects' names. */
export function wordsOf(source: string): Map<string, string[]> {
  const file = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true);
  const words = new Map<string, string[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      const object = ts.isAsExpression(node.initializer) ? node.initializer.expression : node.initializer;
      if (ts.isObjectLiteralExpression(object)) {
        words.set(
          node.name.text,
          object.properties.flatMap(({ name }) => name && ts.isIdentifier(name) ? [name.text] : []),
        );
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return words;
}

function short(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= 60 ? line : `${line.slice(0, 57)}...`;
}
