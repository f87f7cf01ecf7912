/** A cell of a table; numbers and what belongs to them are set to the right. */
export type Cell = string;

/** Sets a table in plain text, for a terminal. */
export function textTable(rows: readonly (readonly Cell[])[]): string {
  const widths = widthsOf(rows);
  const line = (row: readonly Cell[]) =>
    row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join("  ").trimEnd();
  const [head = [], ...body] = rows;
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...body.map(line)].join("\n");
}

/** Sets the same table in Markdown. */
export function markdownTable(rows: readonly (readonly Cell[])[]): string {
  const [head = [], ...body] = rows;
  const line = (row: readonly Cell[]) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map((_, column) => isWord(column) ? "---" : "---:")), ...body.map(line)].join("\n");
}

/** The first columns say what was measured, and where. */
function isWord(column: number): boolean {
  return column < 2;
}

function pad(cell: Cell, width: number, column: number): string {
  return isWord(column) ? cell.padEnd(width) : cell.padStart(width);
}

function widthsOf(rows: readonly (readonly Cell[])[]): number[] {
  return rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
}
