import { GraftError, messageOf } from '../../../base/lib/errors.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { withTurnsAsLists } from './jsonRow.ts';
import { boundedCompressors, checkMetadata } from './parquetChecks.ts';
import { converterOf, parsers, storedAsIs } from './parquetValues.ts';
import type { Row } from './row.ts';

/**
 * The rows of a Parquet file as JSON values: lists, objects, numbers, strings; `line` is the row number from 1. Null
 * fields are omitted: in a table, null means the row lacks the field. No value rejects a row: integers beyond 2^53 − 1
 * are bigints, and bytes that are not text are marked as such. Throws `data.parquet_invalid`, and read errors.
 */
export async function* parquetRows(
  source: ByteSource,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<Row> {
  const { name, size } = source;
  // Loaded on demand, when a user opens a Parquet file.
  const [{ parquetMetadataAsync, parquetSchema }, packages, { groupRows }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
    import('./parquetGroup.ts'),
  ]);
  const compressors = boundedCompressors(packages.compressors);
  const file = {
    byteLength: size,
    // A copy, since sources may return a view of a larger buffer.
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
  const schema = await understood(() => parquetSchema(metadata));
  await understood(() => checkMetadata(metadata, schema, size));
  const scales = storedAsIs(metadata.schema);
  const toJson = await understood(() => converterOf(schema, scales));
  const total = Number(metadata.num_rows);
  let line = 0;
  for (const group of metadata.row_groups) {
    const batches = groupRows(source, group, schema, compressors);
    for (;;) {
      const { value: rows, done } = await understood(() => batches.next());
      if (done) break;
      for (const row of rows) {
        line += 1;
        yield { line, value: withTurnsAsLists(toJson(row) as Record<string, unknown>) };
      }
      onProgress?.(Math.round((size * line) / total), size);
    }
  }
}

/** Bytes of a Parquet file's rows without compression; 0 of another file, and of one that cannot be read. */
export async function uncompressedParquet(source: ByteSource): Promise<number> {
  const head = await source.read(0, Math.min(4, source.size));
  if (head.length < 4 || ![0x50, 0x41, 0x52, 0x31].every((byte, i) => head[i] === byte)) return 0;
  const { parquetMetadataAsync } = await import('hyparquet');
  const slice = async (start: number, end = source.size) =>
    new Uint8Array(await source.read(start, end - start)).buffer;
  try {
    const metadata = await parquetMetadataAsync(
      { byteLength: source.size, slice },
      { parsers, geoparquet: false },
    );
    return metadata.row_groups.reduce((sum, { total_byte_size: bytes }) => sum + Number(bytes), 0);
  } catch {
    // What is wrong with it is said by who reads its rows.
    return 0;
  }
}
