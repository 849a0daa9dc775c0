import { GraftError } from '../../../base/lib/errors.ts';
import { hasPair, isRow, isTurn, ROW_FIELDS, TURN_FIELDS } from './fieldNames.ts';
import type { Outline, OutlineField } from './jsonOutline.ts';

/** Where the rows are in a file that starts with a JSON object. */
export type DocumentPlan =
  /** The file is a sequence of objects. */
  | { kind: 'lines' }
  /** The object itself is a row. */
  | { kind: 'one' }
  /** The objects of a list; `others` are the lists of objects that are not read. */
  | { kind: 'list'; field: OutlineField; others: string[] }
  /** One list per column (pandas: orient="list"), in `field` unless they are at the top level. */
  | { kind: 'columns'; fields: OutlineField[]; field?: OutlineField; others?: string[] }
  /** One object per column, its values by row key (pandas: orient="columns"). */
  | { kind: 'keyedColumns'; fields: OutlineField[] }
  /** One object per row, by key (pandas: orient="index"). */
  | { kind: 'keyedRows' }
  /** Column names in one list, rows as lists of cells in another (pandas: orient="split"). */
  | { kind: 'split'; columns: readonly string[]; field: OutlineField };

/** Names of fields that are lists of rows, whatever they contain. */
const LIST_NAMES = /^(?:data|dataset|train|training|rows|examples|instances|samples|items|records)$/i;
/** How many names a message lists; the user interface offers more. */
const SHOWN_NAMES = 20;
const MAX_CHOICES = 1000;
const TRAIN = /^train(?:ing)?(?:_data|_set)?$/i;

/** A field's dotted path: the names of its parent objects and its own. */
export function pathOf({ path }: OutlineField): string {
  return path.join('.');
}

/**
 * Decides where the rows are in a file that starts with a JSON object.
 * Throws `data.rows_field_unclear` if several lists could be the rows, `data.rows_field_missing` if the chosen path is
 * not a list of the file.
 * @param chosen the path of the list of rows, such as `data.train`
 */
export function planOf(outline: Outline, file: string, chosen?: string): DocumentPlan {
  const { fields, end } = outline;
  if (chosen !== undefined) return chosenPlan(outline, file, chosen);
  if (end === 'more') return { kind: 'lines' };
  if (end !== 'whole') {
    const field = fields.find((candidate) => !candidate.closed && mayHoldRows(candidate));
    if (!field || !(isRow(field.names) || LIST_NAMES.test(field.path.at(-1)!))) return { kind: 'lines' };
    const others = fields.filter((other) => other !== field && mayHoldRows(other)).map(pathOf);
    return { kind: 'list', field, others };
  }
  const top = fields.filter(({ path }) => path.length === 1);
  if (isWholeRow(top)) return { kind: 'one' };
  return (
    splitPlan(top) ??
    listPlan(fields.filter(isListOfRows), file) ??
    columnsPlan(top, file) ??
    nestedColumnsPlan(top, fields, file) ??
    keyedPlan(top) ??
    (top.some(({ path, kind }) => kind === 'text' && ROW_FIELDS.has(path[0]!)) ? { kind: 'one' } : null) ??
    listPlan(fields.filter(mayHoldRows), file) ??
    emptyPlan(top) ?? { kind: 'one' }
  );
}

function chosenPlan({ fields, end }: Outline, file: string, chosen: string): DocumentPlan {
  const field = fields.find((candidate) => candidate.kind === 'list' && pathOf(candidate) === chosen);
  const lists = fields.filter(mayHoldRows);
  const table = fields.find((candidate) => candidate.kind === 'object' && pathOf(candidate) === chosen);
  if (table && end === 'whole') {
    const columns = fields.filter(({ path }) => path.length > 1 && path.slice(0, -1).join('.') === chosen);
    const plan = columnsPlan(columns, file);
    if (plan?.kind === 'columns') {
      const top = fields.filter(({ path }) => path.length === 1);
      const others = columnSplits(top, fields, file).filter(({ field }) => field !== table);
      return { ...plan, field: table, others: others.map(({ field }) => pathOf(field)) };
    }
  }
  if (!field || end === 'more') {
    const names = lists.map(pathOf).join(', ');
    throw new GraftError('data.rows_field_missing', { file, field: chosen, fields: names || 'none' });
  }
  return { kind: 'list', field, others: lists.filter((list) => list !== field).map(pathOf) };
}

/** Whether a field holds turns of a conversation, or its content is unknown. */
function holdsTurns({ path, kind, names }: OutlineField): boolean {
  return (kind === 'list' || kind === 'object') && TURN_FIELDS.has(path.at(-1)!) && isTurn(names);
}

function mayHoldRows(field: OutlineField): boolean {
  const empty = field.members.size === 0 && !field.closed;
  return field.kind === 'list' && (field.members.has('object') || empty) && !holdsTurns(field);
}

function isListOfRows(field: OutlineField): boolean {
  const viewer = field.names.includes('row_idx') && field.names.includes('row');
  return mayHoldRows(field) && (isRow(field.names) || viewer);
}

/** Whether the object itself has a question and an answer, turns, or token ids. */
function isWholeRow(top: readonly OutlineField[]): boolean {
  const find = (name: string) => top.find(({ path }) => path[0] === name);
  const ids = find('input_ids');
  if (ids?.kind === 'list' && [...ids.members].every((kind) => kind === 'other')) return true;
  if (top.some((field) => holdsTurns(field) && field.path[0] !== 'history')) return true;
  return hasPair((name) => {
    const field = find(name);
    return field !== undefined && (field.kind === 'text' || field.kind === 'other' || holdsTurns(field));
  });
}

/** The list of objects to read: the only one, or `train` among several. */
function listPlan(lists: readonly OutlineField[], file: string): DocumentPlan | null {
  const depth = Math.min(...lists.map(({ path }) => path.length));
  const candidates = lists.filter(({ path, count }) => path.length === depth && count > 0);
  const field =
    candidates.length === 1 ? candidates[0] : candidates.find(({ path }) => TRAIN.test(path.at(-1)!));
  if (field) {
    return { kind: 'list', field, others: candidates.filter((other) => other !== field).map(pathOf) };
  }
  if (candidates.length === 0) return null;
  throw unclear(file, candidates);
}

/** The error for several possible lists of rows. `choices` has their names as a JSON list, for programs. */
function unclear(file: string, candidates: readonly OutlineField[]): GraftError {
  const names = candidates.map(pathOf);
  const fields = names.slice(0, SHOWN_NAMES).join(', ');
  const choices = JSON.stringify(names.slice(0, MAX_CHOICES));
  return new GraftError('data.rows_field_unclear', { file, fields, first: names[0]!, choices });
}

/** A list of rows without any. */
function emptyPlan(top: readonly OutlineField[]): DocumentPlan | null {
  const field = top.find(
    ({ path, kind, count }) => kind === 'list' && count === 0 && LIST_NAMES.test(path[0]!),
  );
  return field ? { kind: 'list', field, others: [] } : null;
}

function splitPlan(top: readonly OutlineField[]): DocumentPlan | null {
  const columns = top.find(({ path }) => path[0] === 'columns');
  const field = top.find(({ path }) => path[0] === 'data');
  if (columns?.kind !== 'list' || field?.kind !== 'list') return null;
  const named = columns.texts.length === columns.count && columns.count > 0;
  return named && field.members.has('list') ? { kind: 'split', columns: columns.texts, field } : null;
}

function columnsPlan(columns: readonly OutlineField[], file: string): DocumentPlan | null {
  const count = columns[0]?.count ?? 0;
  if (count === 0 || !columns.every(({ kind }) => kind === 'list')) return null;
  const named = columns.some(({ path, members }) => ROW_FIELDS.has(path.at(-1)!) && !members.has('object'));
  if (columns.every((column) => column.count === count)) {
    return named || !columns.some(mayHoldRows) ? { kind: 'columns', fields: [...columns] } : null;
  }
  if (!named) return null;
  const lengths = columns.slice(0, 20).map((column) => `${column.path.at(-1)} ${column.count}`);
  throw new GraftError('data.columns_differ', { file, columns: lengths.join(', ') });
}

/** The column table to read: the only one, or `train` among several. */
function nestedColumnsPlan(
  top: readonly OutlineField[],
  fields: readonly OutlineField[],
  file: string,
): DocumentPlan | null {
  const splits = columnSplits(top, fields, file);
  const chosen = splits.length === 1 ? splits[0] : splits.find(({ field }) => TRAIN.test(field.path[0]!));
  if (!chosen && splits.length > 1) {
    throw unclear(
      file,
      splits.map(({ field }) => field),
    );
  }
  if (!chosen) return null;
  const others = splits.filter((split) => split !== chosen).map(({ field }) => pathOf(field));
  return { kind: 'columns', ...chosen, others };
}

/** The objects of a file that hold columns. */
function columnSplits(
  top: readonly OutlineField[],
  fields: readonly OutlineField[],
  file: string,
): { field: OutlineField; fields: OutlineField[] }[] {
  return top.flatMap((field) => {
    const name = field.path[0]!;
    const children = fields.filter(({ path }) => path.length === 2 && path[0] === name);
    const named = children.some(({ path }) => ROW_FIELDS.has(path[1]!));
    const isRow =
      field.kind !== 'object' || TURN_FIELDS.has(name) || !named || isWholeRow(children.map(inner));
    const plan = isRow ? null : columnsPlan(children, file);
    return plan?.kind === 'columns' ? [{ field, fields: plan.fields }] : [];
  });
}

/** A nested field as if it were a top-level one. */
function inner(field: OutlineField): OutlineField {
  return { ...field, path: field.path.slice(1) };
}

function keyedPlan(top: readonly OutlineField[]): DocumentPlan | null {
  if (top.length === 0 || !top.every(({ kind, count }) => kind === 'object' && count > 0)) return null;
  const isIndex = (names: readonly string[]) => names.every((name) => /^\d+$/.test(name));
  const outer = top.map(({ path }) => path[0]!);
  const inner = top[0]!.names;
  const columns = top.every(({ count }) => count === top[0]!.count);
  if (columns && (outer.some((name) => ROW_FIELDS.has(name)) || (isIndex(inner) && !isIndex(outer)))) {
    return { kind: 'keyedColumns', fields: [...top] };
  }
  return isRow(inner) || isIndex(outer) ? { kind: 'keyedRows' } : null;
}
