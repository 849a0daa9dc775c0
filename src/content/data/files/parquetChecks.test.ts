import type { FileMetaData, SchemaTree } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { boundedCompressors, checkMetadata } from './parquetChecks.ts';

const leaf = { element: { name: 'text' }, children: [] };
const schema = { element: { name: 'schema' }, children: [leaf] } as unknown as SchemaTree;

/** Metadata of a file with one column, with some fields changed. */
function metadataOf(column: object = {}, rows: unknown = 3n): FileMetaData {
  const meta_data = { path_in_schema: ['text'], data_page_offset: 4n, total_compressed_size: 96n, ...column };
  return { row_groups: [{ num_rows: rows, columns: [{ meta_data }] }] } as unknown as FileMetaData;
}

describe('metadata of a Parquet file', () => {
  it('is taken where its columns are in the schema and in the file', () => {
    expect(() => checkMetadata(metadataOf(), schema, 100)).not.toThrow();
    expect(() => checkMetadata(metadataOf({}, 1_000_000n), schema, 100)).not.toThrow();
  });

  it.each<[string, object, unknown, string]>([
    ['a column beyond the end', { total_compressed_size: 97n }, 3n, 'not in the file'],
    ['a column before the start', { data_page_offset: -4n }, 3n, 'not in the file'],
    ['a column of a negative size', { total_compressed_size: -1n }, 3n, 'not in the file'],
    ['a column of no size', { total_compressed_size: undefined }, 3n, 'not in the file'],
    ['a column that the schema lacks', { path_in_schema: ['other'] }, 3n, 'not in the schema'],
    ['a column that is a group', { path_in_schema: [] }, 3n, 'no path'],
    ['rows beyond measure', {}, 2n ** 40n, 'more than'],
    ['a negative number of rows', {}, -1n, 'no number of rows'],
  ])('is refused for %s', (_, column, rows, detail) => {
    expect(() => checkMetadata(metadataOf(column, rows), schema, 100)).toThrow(detail);
  });
});

describe('decompressors', () => {
  it('expand a page by a thousand at most, and some megabytes', () => {
    const compressors = boundedCompressors({ ZSTD: (_, length) => new Uint8Array(Math.min(length, 1)) });
    const page = new Uint8Array(1000);
    expect(compressors.ZSTD!(page, 60 << 20)).toHaveLength(1);
    expect(() => compressors.ZSTD!(page, 2 ** 31 - 1)).toThrow('claims to hold 2147483647');
    expect(() => compressors.ZSTD!(page, -1)).toThrow('claims to hold -1');
  });
});
