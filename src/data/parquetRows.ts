import { GraftError, messageOf } from '../lib/errors.ts';
import type { ByteSource } from '../storage/types.ts';
import { withTurnsAsLists } from './jsonRow.ts';
import { converterOf, parsers, storedAsIs } from './parquetValues.ts';
import type { Row } from './row.ts';

/**
 * The rows of a Parquet file as JSON would have them: lists, objects, numbers, strings; `line` is the row's number from
 * 1. A null is how a table says that a row has no such field, so it is left out. No value refuses a row: integers beyond
 * 2^53 − 1 are bigints, bytes that are no text are marked as such. Throws `data.parquet_invalid`, and what reading throws.
 */
export async function* parquetRows(
  source: ByteSource,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<Row> {
  const { name, size } = source;
  // The page loads them when somebody has such a file.
  const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  const file = {
    byteLength: size,
    // A copy: sources may give a view of a larger buffer.
    slice: async (start: number, end = size) => new Uint8Array(await source.read(start, end - start)).buffer,
  };
  const understood = async <T>(read: () => Promise<T> | T): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (error instanceof GraftError && error.code !== 'storage.short_read') throw error;
      const detail = messageOf(error).slice(0, 200);
      throw new GraftError('data.parquet_invalid', { file: name, detail }, { cause: error });
    }
  };
  const metadata = await understood(() => parquetMetadataAsync(file, { parsers, geoparquet: false }));
  const scales = storedAsIs(metadata.schema);
  const toJson = await understood(() => converterOf(parquetSchema(metadata), scales));
  const total = Number(metadata.num_rows);
  let first = 0;
  for (const { num_rows } of metadata.row_groups) {
    // A group at a time: its columns are decoded whole, whatever part of it is asked for.
    const end = first + Number(num_rows);
    const options = { file, metadata, compressors, parsers, rowStart: first, rowEnd: end };
    const rows = await understood(() => parquetReadObjects({ ...options, rowFormat: 'object' }));
    for (const [at, row] of rows.entries()) {
      yield { line: first + at + 1, value: withTurnsAsLists(toJson(row) as Record<string, unknown>) };
    }
    onProgress?.(Math.round((size * end) / total), size);
    first = end;
  }
}
