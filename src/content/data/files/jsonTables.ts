import type { DocumentPlan } from './jsonDocument.ts';
import type { OutlineField } from './jsonOutline.ts';
import type { JsonCursor } from './jsonCursor.ts';
import { readMembers, type Member } from './jsonMembers.ts';
import { jsonValue, objectRow, type ParseLog } from './jsonRow.ts';
import { kindName, type Row } from './row.ts';

/** Opens a cursor at a value of the file, given its offset and line. */
export type CursorAt = (start: { offset: number; line: number }) => JsonCursor;

/**
 * Rows of a JSON list: its objects, each with the line where it starts. A missing closing bracket is a problem; what
 * follows the list is left to the caller.
 */
export async function listRows(cursor: JsonCursor, log: ParseLog, rows: Row[]): Promise<void> {
  const end = await eachMember(cursor, (member) => {
    const value = soundValue(member, log);
    if (!value) return;
    const row = objectRow(value.value, member.value.line, log);
    const inner = row && (isViewerRow(row.value) ? viewerRow(row, log) : row);
    if (inner) rows.push(inner);
  });
  if (end.end === 'unclosed') log.add(end.line, 'data.array_unclosed', { from: end.last });
}

/**
 * Rows of a JSON object that holds a table. Their lines are those of the file where each row has one, otherwise row
 * numbers from 1.
 */
export async function tableRows(
  plan: Extract<DocumentPlan, { kind: 'columns' | 'keyedColumns' | 'keyedRows' | 'split' }>,
  cursorAt: CursorAt,
  start: { offset: number; line: number },
  log: ParseLog,
  rows: Row[],
): Promise<void> {
  if (plan.kind === 'keyedRows') {
    await eachMember(cursorAt(start), (member) => {
      const value = soundValue(member, log);
      const row = value && objectRow(value.value, member.value.line, log);
      if (row) rows.push(row);
    });
  } else if (plan.kind === 'split') {
    await eachMember(cursorAt(plan.field), (member) => {
      const { line } = member.value;
      const value = soundValue(member, log);
      if (!value) return;
      const cells = value.value;
      if (!Array.isArray(cells)) log.add(line, 'data.row_not_list', { found: kindName(cells) });
      else if (cells.length !== plan.columns.length) {
        log.add(line, 'data.csv_cells', { found: cells.length, expected: plan.columns.length });
      } else {
        const row = objectRow(Object.fromEntries(plan.columns.map((name, i) => [name, cells[i]])), line, log);
        if (row) rows.push(row);
      }
    });
  } else await columnRows(plan.fields, plan.kind === 'keyedColumns', cursorAt, log, rows);
}

async function columnRows(
  fields: readonly OutlineField[],
  keyed: boolean,
  cursorAt: CursorAt,
  log: ParseLog,
  rows: Row[],
): Promise<void> {
  const table: Map<string, unknown>[] = [];
  const unreadable = new Set<number>();
  const numbers = new Map<string, number>();
  for (const field of fields) {
    let at = 0;
    await eachMember(cursorAt(field), (member) => {
      const number = keyed ? numberOf(member.key ?? '', numbers) : at++;
      const value = soundValue({ ...member, value: { ...member.value, line: number + 1 } }, log);
      const row = (table[number] ??= new Map());
      if (value) row.set(field.path.at(-1)!, value.value);
      else unreadable.add(number);
    });
  }
  table.forEach((cells, at) => {
    const row = unreadable.has(at) ? null : objectRow(Object.fromEntries(cells), at + 1, log);
    if (row) rows.push(row);
  });
}

function numberOf(key: string, numbers: Map<string, number>): number {
  const known = numbers.get(key) ?? numbers.size;
  numbers.set(key, known);
  return known;
}

async function eachMember(cursor: JsonCursor, take: (member: Member) => void) {
  const members = readMembers(cursor);
  let next = await members.next();
  for (; !next.done; next = await members.next()) take(next.value);
  return next.value;
}

/**
 * The parsed member; null if it is broken, or if no comma separates it from the previous one, which adds a problem to
 * `log`.
 */
function soundValue({ value, missingComma }: Member, log: ParseLog): { value: unknown } | null {
  if (missingComma) {
    log.add(value.line, 'data.json_missing_comma');
    return null;
  }
  return jsonValue(value, log);
}

/** Whether a row comes from the Hub's dataset viewer: `{row_idx, row, truncated_cells}`. */
function isViewerRow(value: Record<string, unknown>): boolean {
  const names = Object.keys(value);
  return (
    names.every((name) => ['row_idx', 'row', 'truncated_cells'].includes(name)) &&
    names.includes('row_idx') &&
    names.includes('row')
  );
}

/** The inner row; null if the viewer truncated it. */
function viewerRow({ line, value }: Row, log: ParseLog): Row | null {
  const cut = value.truncated_cells;
  if (Array.isArray(cut) && cut.length > 0) {
    log.add(line, 'data.row_truncated', { cells: cut.map(String).join(', ') });
    return null;
  }
  return objectRow(value.row, line, log);
}
