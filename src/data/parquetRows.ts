import { GraftError, messageOf } from '../lib/errors.ts';
import type { ByteSource } from '../storage/types.ts';
import type { ProblemLog } from './problems.ts';
import type { Row } from './row.ts';

/**
 * The rows of a Parquet file as JSON would have them: lists, objects, numbers, strings; `line` is the row's number from
 * 1. A null is how a table says that a row has no such field, so it is left out. What JSON cannot say is a problem of
 * its row in `log`. Throws `data.parquet_invalid`, and what reading throws.
 */
export async function* parquetRows(
  source: ByteSource,
  log: ProblemLog,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<Row> {
  const { name, size } = source;
  // The page loads them when somebody has such a file.
  const [{ parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  const file = {
    byteLength: size,
    // A copy: sources may give a view of a larger buffer.
    slice: async (start: number, end = size) => new Uint8Array(await source.read(start, end - start)).buffer,
  };
  const understood = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (error instanceof GraftError && error.code !== 'storage.short_read') throw error;
      const detail = messageOf(error).slice(0, 200);
      throw new GraftError('data.parquet_invalid', { file: name, detail }, { cause: error });
    }
  };
  const metadata = await understood(() => parquetMetadataAsync(file));
  const total = Number(metadata.num_rows);
  let first = 0;
  for (const { num_rows } of metadata.row_groups) {
    // A group at a time: its columns are decoded whole, whatever part of it is asked for.
    const end = first + Number(num_rows);
    const parsers = { stringFromBytes: textOf };
    const options = { file, metadata, compressors, parsers, rowStart: first, rowEnd: end };
    const rows = await understood(() => parquetReadObjects({ ...options, rowFormat: 'object' }));
    for (const [at, row] of rows.entries()) {
      const line = first + at + 1;
      const value = log.attempt(line, () => objectOf(row, ''));
      if (value) yield { line, value };
    }
    onProgress?.(Math.round((size * end) / total), size);
    first = end;
  }
}

/** Text that is valid UTF-8; else the bytes, which become a problem of their row. */
function textOf(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes;
  }
}

function objectOf(value: object, path: string): Record<string, unknown> {
  const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(
    fields.map(([key, field]) => [key, jsonOf(field, path === '' ? key : `${path}.${key}`)]),
  );
}

function jsonOf(value: unknown, field: string): unknown {
  const refuse = (found: string): never => {
    throw new GraftError('data.bad_field', { field, found, expected: 'text, a number, a list or an object' });
  };
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : refuse(`the number ${value}, too large to be exact`);
  }
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item, at) => jsonOf(item, `${field}[${at}]`));
  // Images and sound come as bytes.
  if (ArrayBuffer.isView(value)) return refuse('bytes that are not text');
  return objectOf(value, field);
}
