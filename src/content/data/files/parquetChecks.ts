import type { Compressors, FileMetaData, SchemaTree } from 'hyparquet';

/** Rows that a file may say it has: some, and a multiple of its bytes. Rows that are all equal take next to none. */
const [SOME_ROWS, ROWS_A_BYTE] = [1_000_000, 100];
/** Bytes that a page may expand to: some, and a multiple of those it takes. Writers aim at pages of a megabyte. */
const [SOME_BYTES, EXPANSION] = [64 << 20, 1000];

/**
 * Checks what a Parquet file says of itself before any of it is read: that its columns are in the schema and their bytes in
 * the file. hyparquet reads columns side by side, and what goes wrong with one while it starts another is an unhandled
 * rejection, which ends a process. Throws an Error that says what is wrong.
 */
export function checkMetadata(metadata: FileMetaData, schema: SchemaTree, size: number): void {
  let rows = 0;
  for (const { num_rows, columns } of metadata.row_groups) {
    const count = Number(num_rows);
    expect(Number.isSafeInteger(count) && count >= 0, 'a row group has no number of rows');
    rows += count;
    expect(Array.isArray(columns), 'a row group has no columns');
    for (const { file_path: path, meta_data: meta } of columns) {
      expect(!path, 'a column lies in another file');
      expect(meta !== undefined, 'a column has no metadata');
      checkPath(schema, meta.path_in_schema);
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
      const bytes = Number(meta.total_compressed_size);
      const fits = Number.isSafeInteger(start) && Number.isSafeInteger(bytes) && start >= 0 && bytes >= 0;
      expect(fits && start + bytes <= size, 'the bytes of a column are not in the file');
    }
  }
  const most = SOME_ROWS + ROWS_A_BYTE * size;
  expect(rows <= most, `it claims ${rows} rows, more than ${most} for its size`);
}

function checkPath(schema: SchemaTree, path: unknown): void {
  expect(Array.isArray(path) && path.length > 0, 'a column has no path in the schema');
  let node: SchemaTree | undefined = schema;
  for (const part of path as unknown[]) node = node?.children.find(({ element }) => element.name === part);
  expect(node !== undefined && node.children.length === 0, 'a column is not in the schema');
}

/** Decompressors that refuse a page before they make one much larger than it can be. */
export function boundedCompressors(compressors: Compressors): Compressors {
  const bounded: Compressors = {};
  for (const [codec, decompress] of Object.entries(compressors) as [
    keyof Compressors,
    NonNullable<Compressors[keyof Compressors]>,
  ][]) {
    bounded[codec] = (input, length) => {
      expect(
        Number.isSafeInteger(length) && length >= 0 && length <= SOME_BYTES + EXPANSION * input.length,
        `a page of ${input.length} bytes claims to hold ${length}`,
      );
      return decompress(input, length);
    };
  }
  return bounded;
}

function expect(condition: unknown, detail: string): asserts condition {
  if (!condition) throw new Error(detail);
}
