import type { Compressors, DecodedArray, RowGroup, SchemaTree } from 'hyparquet';
import { assembleLists, assembleNested } from 'hyparquet/src/assemble.js';
import { convert, convertWithDictionary, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { readDataPage, readDataPageV2, decompressPage } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import type { ByteSource } from '../../../base/storage/types.ts';
import { PageChecks, type Page } from './parquetPages.ts';
import { parsers } from './parquetValues.ts';

/** What hyparquet needs to know of a column to read its pages. */
type ColumnDecoder = Parameters<typeof readDataPage>[2];

/** Rows that are assembled at once. */
const BATCH = 1024;

/**
 * The rows of a row group, some at a time: its columns are decoded page by page side by side, so that a group of any size
 * takes the memory of its compressed bytes and some pages. Throws Errors that say what is wrong with the file.
 */
export async function* groupRows(
  source: ByteSource,
  group: RowGroup,
  schema: SchemaTree,
  compressors: Compressors,
): AsyncGenerator<Record<string, unknown>[]> {
  const rows = Number(group.num_rows);
  const checks = new PageChecks(compressors, source.size);
  const columns: LeafColumn[] = [];
  for (const { meta_data: meta } of group.columns) {
    const start = Number(meta!.dictionary_page_offset || meta!.data_page_offset);
    const bytes = await source.read(start, Number(meta!.total_compressed_size));
    const path = getTreePath(schema, meta!.path_in_schema);
    const decoder = {
      ...meta!,
      pathInSchema: meta!.path_in_schema,
      element: path.at(-1)!.element,
      schemaPath: path,
      compressors,
      parsers: { ...DEFAULT_PARSERS, ...parsers },
    };
    columns.push(new LeafColumn(decoder, checks.pages(bytes, { meta: meta!, path, rows })));
  }
  const fields = schema.children.flatMap((field) => {
    const leaves = columns.filter(({ name }) => name === field.element.name);
    return leaves.length === 0 ? [] : [{ field, leaves }];
  });
  for (let at = 0; at < rows; at += BATCH) {
    const count = Math.min(BATCH, rows - at);
    const values = fields.map(({ field, leaves }) => fieldValues(field, leaves, count));
    yield Array.from({ length: count }, (_, row) =>
      Object.fromEntries(fields.map(({ field }, i) => [field.element.name, values[i]![row]])),
    );
  }
}

/** The values of a field in the next rows, put together of its columns. */
function fieldValues(field: SchemaTree, leaves: readonly LeafColumn[], count: number): DecodedArray {
  if (field.children.length === 0) return leaves[0]!.take(count);
  const taken = new Map(leaves.map((leaf) => [leaf.path, leaf.take(count)]));
  assembleNested(taken, field, { ...DEFAULT_PARSERS, ...parsers });
  const assembled = taken.get(field.element.name);
  if (!assembled) throw new Error('a nested column cannot be put together');
  return assembled;
}

/** A column of the file, read page by page. */
class LeafColumn {
  /** Of its field in a row, and of its own in the schema. */
  readonly name: string;
  readonly path: string;
  readonly #decoder: ColumnDecoder;
  readonly #pages: Iterator<Page, void, void>;
  #dictionary: DecodedArray | undefined;
  /** Rows that were decoded and not yet taken; the last may go on in the next page. */
  #rows: unknown[] = [];
  #ended = false;

  constructor(decoder: ColumnDecoder, pages: Iterator<Page, void, void>) {
    this.#decoder = decoder;
    this.#pages = pages;
    this.name = decoder.pathInSchema[0]!;
    this.path = decoder.pathInSchema.join('.');
  }

  /** The next rows; fewer at the end of a column that has fewer than its group. */
  take(count: number): unknown[] {
    // One more, since the last may be half a row.
    while (!this.#ended && this.#rows.length <= count) {
      const { value: page, done } = this.#pages.next();
      if (done) this.#ended = true;
      else this.#read(page);
    }
    return this.#rows.splice(0, count);
  }

  #read(page: Page): void {
    const { header } = page;
    if (header.type === 'DICTIONARY_PAGE') {
      this.#dictionary = numbersOf(convert(this.#readDictionary(page), this.#decoder));
      return;
    }
    const { data, encoding } = this.#readData(page);
    const { dataPage, definitionLevels, repetitionLevels } = data;
    const values = numbersOf(convertWithDictionary(dataPage, this.#dictionary, encoding, this.#decoder));
    const read = assembleLists(
      this.#rows,
      definitionLevels,
      repetitionLevels,
      values,
      this.#decoder.schemaPath,
    );
    // Without levels they are the values themselves, and else they were added to the rows.
    if (read !== this.#rows) for (const value of read) this.#rows.push(value);
  }

  #readDictionary({ header, bytes }: Page): DecodedArray {
    const { codec, compressors, type, element } = this.#decoder;
    const page = decompressPage(bytes, header.uncompressed_page_size, codec, compressors);
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    const count = header.dictionary_page_header?.num_values ?? 0;
    return readPlain({ view, offset: 0 }, type, count, element.type_length);
  }

  #readData({ header, bytes, inflated }: Page) {
    const { data_page_header: first, data_page_header_v2: second } = header;
    if (header.type === 'DATA_PAGE' && first && inflated)
      return { data: readDataPage(inflated, first, this.#decoder), encoding: first.encoding };
    if (header.type === 'DATA_PAGE_V2' && second)
      return { data: readDataPageV2(bytes, header, this.#decoder), encoding: second.encoding };
    throw new Error(`a page is of the type ${header.type}, which is unknown`);
  }
}

/** 64-bit integers as numbers where those are exact: a bigint each would take many times the memory and time. */
function numbersOf(values: DecodedArray): DecodedArray {
  if (!(values instanceof BigInt64Array || values instanceof BigUint64Array)) return values;
  const halves = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const signed = values instanceof BigInt64Array;
  const numbers = new Array<number | bigint>(values.length);
  for (let i = 0; i < values.length; i++) {
    const high = signed ? halves.getInt32(8 * i + 4, true) : halves.getUint32(8 * i + 4, true);
    const number = high * 2 ** 32 + halves.getUint32(8 * i, true);
    numbers[i] = Number.isSafeInteger(number) ? number : values[i]!;
  }
  return numbers;
}
