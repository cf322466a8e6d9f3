/**
 * Tables as data, rendered twice from one definition: aligned text for people, JSON for programs.
 * A library was looked for: the typed ones bring borders, colours and string-width for text that the
 * array has already made printable.
 */

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

export interface Column<Row> {
  /** Absent where the column is only in JSON. */
  readonly header?: string;
  readonly alignRight?: boolean;
  /** One cell, printable, without line breaks; an empty cell is shown as `-`. */
  readonly text?: (row: Row) => string;
  /** The properties the column adds to the row's object. */
  readonly json: (row: Row) => { readonly [key: string]: Json };
}

/** Many rows: a line and a JSON object per row. Or one row: a line per column, one object. */
export interface Table<Row> {
  readonly shape: 'rows' | 'record';
  readonly columns: readonly Column<Row>[];
}

export function tableText<Row>(table: Table<Row>, rows: readonly Row[]): string {
  const shown = table.columns.filter((column) => column.header !== undefined);
  const cells = (row: Row) => shown.map((column) => column.text?.(row) || '-');
  const headers = shown.map((column) => column.header ?? '');
  if (table.shape === 'record') {
    return rows.map((row) => recordText(headers, cells(row))).join('');
  }
  return alignedText(
    [headers, ...rows.map(cells)],
    shown.map((column) => column.alignRight ?? false),
  );
}

export function tableJson<Row>(table: Table<Row>, rows: readonly Row[]): string {
  const objects = rows.map((row) =>
    Object.assign({}, ...table.columns.map((column) => column.json(row))),
  );
  if (table.shape === 'record') return `${JSON.stringify(objects[0], null, 2)}\n`;
  if (objects.length === 0) return '[]\n';
  // One row per line: greppable, and half the size of an indented text.
  return `[\n${objects.map((object) => JSON.stringify(object)).join(',\n')}\n]\n`;
}

/** Lines of cells, columns as wide as their widest cell and two blanks apart. */
export function alignedText(
  lines: readonly (readonly string[])[],
  alignRight: readonly boolean[] = [],
): string {
  const widths: number[] = [];
  for (const line of lines) {
    line.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  const pad = (cell: string, index: number) => {
    const width = widths[index] ?? 0;
    return alignRight[index] ? cell.padStart(width) : cell.padEnd(width);
  };
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

function recordText(headers: readonly string[], cells: readonly string[]): string {
  return alignedText(headers.map((header, index) => [header, cells[index] ?? '-']));
}
