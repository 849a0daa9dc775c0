import type { parquetWriteBuffer } from 'hyparquet-writer';
import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import { parquetRows } from '../data/files/parquetRows.ts';
import type { TokenRow } from '../data/tokens/tokenRows.ts';

/** A row of `rows/`, `done.parquet` or `eval.parquet`. */
export interface JobRow extends TokenRow {
  /** The optimizer step that takes it, from 1, and the micro-batch in it, from 0; null where it is not trained on. */
  place: { step: number; micro: number } | null;
  /** The rows of the data set in it: several where rows are packed. */
  rows: readonly number[];
  /** The position of each token in its row, and which of the packed rows it is of; null where none are packed. */
  packed: { positions: readonly number[]; segments: readonly number[] } | null;
}

/** Which of a table's columns there are, besides those of every row. */
export interface TableShape {
  placed: boolean;
  packed: boolean;
  weighted: boolean;
}

type ParquetSchema = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>;

interface Column {
  name: string;
  type: 'INT32' | 'FLOAT';
  isList: boolean;
  of(row: JobRow): unknown;
}

/** The columns of a table, by the names that transformers has for them where it has any. */
function columnsOf({ placed, packed, weighted }: TableShape): Column[] {
  const list = (name: string, of: (row: JobRow) => ArrayLike<number>, type: Column['type'] = 'INT32') => ({
    name,
    type,
    isList: true,
    of: (row: JobRow) => Array.from(of(row)),
  });
  const number = (name: string, of: (row: JobRow) => number): Column => ({
    name,
    type: 'INT32',
    isList: false,
    of,
  });
  return [
    ...(placed
      ? [number('step', ({ place }) => place!.step), number('micro', ({ place }) => place!.micro)]
      : []),
    list('rows', ({ rows }) => rows),
    list('input_ids', ({ ids }) => ids),
    list('labels', ({ labels }) => labels),
    ...(weighted ? [list('loss_weights', ({ weights }) => weights!, 'FLOAT')] : []),
    ...(packed
      ? [
          list('position_ids', (row) => row.packed!.positions),
          list('segments', (row) => row.packed!.segments),
        ]
      : []),
  ];
}

/** Rows as a Parquet file, compressed with Snappy. */
export async function tableBytes(
  rows: readonly JobRow[],
  shape: TableShape,
): Promise<Uint8Array<ArrayBuffer>> {
  // Loaded on demand, when a job is exported.
  const writer = await import('hyparquet-writer');
  const columns = columnsOf(shape);
  const schema: ParquetSchema = [
    { name: 'root', num_children: columns.length },
    ...columns.flatMap(({ name, type, isList }): ParquetSchema =>
      isList
        ? [
            { name, repetition_type: 'REQUIRED', converted_type: 'LIST', num_children: 1 },
            { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
            { name: 'element', type, repetition_type: 'REQUIRED' },
          ]
        : [{ name, type, repetition_type: 'REQUIRED' }],
    ),
  ];
  const columnData = columns.map(({ name, of }) => ({ name, data: rows.map(of) }));
  return new Uint8Array(writer.parquetWriteBuffer({ columnData, schema, createdBy: 'graft' }));
}

/**
 * The rows of such a file: the rows of the data set in them, each by itself, and the step that takes them.
 * Throws `data.parquet_invalid`, also where it is another table.
 */
export async function* tableRows(
  source: ByteSource,
): AsyncGenerator<{ step: number | null; row: number; tokens: TokenRow }> {
  for await (const { line, value } of parquetRows(source)) {
    const columns = columnsIn(value as Record<string, unknown>);
    if (!columns) {
      const detail = `row ${line} is none of a job’s`;
      throw new GraftError('data.parquet_invalid', { file: source.name, detail });
    }
    const { step, rows, ids, labels, weights, segments } = columns;
    for (const [segment, row] of rows.entries()) {
      const start = segments ? segments.indexOf(segment) : 0;
      const end = segments ? segments.lastIndexOf(segment) + 1 : ids.length;
      const cut = (values: number[]) => values.slice(start, end);
      const tokens = { ids: cut(ids), labels: cut(labels), weights: weights && cut(weights) };
      yield { step, row, tokens };
    }
  }
}

/** The columns of a row; null where they are not of their types, or do not fit each other. */
function columnsIn(value: Record<string, unknown>) {
  const { step = null, rows, input_ids: ids, labels, loss_weights: weights = null, segments = null } = value;
  const isSame = (list: unknown, of: (value: unknown) => boolean): list is number[] =>
    Array.isArray(list) && Array.isArray(ids) && list.length === ids.length && list.every(of);
  const isStep = step === null || isCount(step);
  if (!isStep || !Array.isArray(rows) || !rows.every(isCount) || (segments === null && rows.length > 1))
    return null;
  if (!isSame(ids, isCount) || !isSame(labels, isToken)) return null;
  if (weights !== null && !isSame(weights, isWeight)) return null;
  if (
    segments !== null &&
    !(isSame(segments, isCount) && rows.every((_, segment) => segments.includes(segment)))
  )
    return null;
  return { step, rows, ids, labels, weights, segments };
}

const isToken = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) === ((value as number) | 0);
const isCount = (value: unknown): value is number => isToken(value) && value >= 0;
const isWeight = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;
