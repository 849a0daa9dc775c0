/**
 * A table as CSV (RFC 4180): lines end with CR LF, and cells with a comma, a quote or a line break are quoted. Cells are
 * exact: none is changed for the sake of spreadsheets.
 */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
