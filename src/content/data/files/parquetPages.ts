import type { ColumnMetaData, Compressors, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, isFlatColumn } from 'hyparquet/src/schema.js';
import { readVarInt } from 'hyparquet/src/thrift.js';

/** Values that the pages of a row group may claim: some, and a multiple of the file's bytes. Equal ones take next to none. */
const [SOME_VALUES, VALUES_A_BYTE] = [32 << 20, 100];
/** Bytes that the texts of a page may share with those before them: some, and a multiple of the page's. */
const [SOME_BYTES, SHARED] = [64 << 20, 1000];
/** Bit-packed values come by eights; some writers fill up more. */
const PADDING = 512;

/** What a page says of itself. */
export type PageHeader = ReturnType<typeof parquetHeader>;

/** A page that was checked. */
export interface Page {
  header: PageHeader;
  /** As they are in the file. */
  bytes: Uint8Array;
  /** Unpacked, where the check has done so: of data pages of the first version. */
  inflated: Uint8Array | null;
}

interface Reader {
  view: DataView;
  offset: number;
}

/** A column of a row group, as the metadata and the schema describe it. */
export interface PagedColumn {
  meta: Pick<ColumnMetaData, 'type' | 'codec'>;
  /** From the schema's root. */
  path: SchemaTree[];
  /** Rows of the group. */
  rows: number;
}

/**
 * Checks each page of a row group before hyparquet reads it, which makes whatever it claims: a run of a few bytes may
 * stand for two billion values, and an array that is too large ends the process, with no error to catch.
 */
export class PageChecks {
  readonly #compressors: Compressors;
  readonly #most: number;
  #values = 0;

  /** @param size of the file, in bytes */
  constructor(compressors: Compressors, size: number) {
    this.#compressors = compressors;
    this.#most = SOME_VALUES + VALUES_A_BYTE * size;
  }

  /** The pages of one column, each checked before it is given. Throws an Error that says what is wrong. */
  *pages(bytes: Uint8Array, column: PagedColumn): Generator<Page, void, void> {
    const isFlat = isFlatColumn(column.path);
    const reader = readerOf(bytes);
    let values = 0;
    while (reader.offset < bytes.byteLength - 1 && !(isFlat && values >= column.rows)) {
      const header = parquetHeader(reader);
      const size = header.compressed_page_size;
      const page = bytes.subarray(reader.offset, reader.offset + size);
      expect(size >= 0 && page.byteLength === size, 'a page is not in its column');
      reader.offset += size;
      const { count, inflated } = this.#page(page, header, column);
      values += count;
      yield { header, bytes: page, inflated };
    }
  }

  /** Returns the number of values, which a dictionary adds none to, and the bytes of a page of the first version. */
  #page(
    bytes: Uint8Array,
    header: PageHeader,
    { meta, path }: PagedColumn,
  ): { count: number; inflated: Uint8Array | null } {
    const {
      data_page_header: first,
      data_page_header_v2: second,
      dictionary_page_header: dictionary,
    } = header;
    const size = header.uncompressed_page_size;
    const inflated = (part: Uint8Array, length: number): Uint8Array =>
      decompressPage(part, length, meta.codec, this.#compressors);
    const levels = { repetition: getMaxRepetitionLevel(path), definition: getMaxDefinitionLevel(path) };
    if (header.type === 'DATA_PAGE' && first) {
      const count = this.#claimed(first.num_values);
      const page = inflated(bytes, size);
      const reader = readerOf(page);
      if (levels.repetition > 0) countLevels(reader, levels.repetition, count);
      const present = levels.definition > 0 ? countLevels(reader, levels.definition, count) : count;
      checkValues(reader, first.encoding, present, meta.type === 'BOOLEAN');
      return { count, inflated: page };
    }
    if (header.type === 'DATA_PAGE_V2' && second) {
      const count = this.#claimed(second.num_values);
      const { num_nulls: nulls, num_rows: rows } = second;
      expect(nulls >= 0 && nulls <= count && rows >= 0 && rows <= count, 'a page miscounts its rows');
      const middle = second.repetition_levels_byte_length;
      const end = middle + second.definition_levels_byte_length;
      expect(middle >= 0 && end >= middle && end <= bytes.byteLength, 'levels are not in their page');
      if (levels.repetition > 0) checkRuns(readerOf(bytes), levels.repetition, count);
      if (levels.definition > 0) checkRuns(readerOf(bytes.subarray(middle)), levels.definition, count);
      const values = bytes.subarray(end);
      const page = second.is_compressed === false ? values : inflated(values, size - end);
      checkValues(readerOf(page), second.encoding, count - nulls, second.encoding === 'RLE');
      return { count, inflated: null };
    }
    // Its smallest values are bits.
    const claimed = dictionary?.num_values ?? 0;
    expect(claimed >= 0 && claimed <= 8 * size, 'a dictionary has more values than bits');
    return { count: 0, inflated: null };
  }

  #claimed(values: number): number {
    expect(Number.isSafeInteger(values) && values >= 0, 'a page has no number of values');
    this.#values += values;
    expect(this.#values <= this.#most, `its pages claim more than ${this.#most} values`);
    return values;
  }
}

/**
 * Passes over the levels, from 0 to `most`, of a page of the first version, which begin with their length.
 * @returns how many of `count` are `most`
 */
function countLevels(reader: Reader, most: number, count: number): number {
  const { view } = reader;
  const end = reader.offset + 4 + view.getUint32(reader.offset, true);
  reader.offset += 4;
  let found = 0;
  checkRunsOfWidth(reader, widthOf(most), count, (isPacked, run, seen) => {
    const used = Math.min(run, count - seen);
    if (!isPacked) found += view.getUint8(reader.offset) === most ? used : 0;
    else found += packedEqual(reader, widthOf(most), used, most);
  });
  reader.offset = end;
  return found;
}

/** How many of some bit-packed values are `value`. @param width at most 8 bits */
function packedEqual({ view, offset }: Reader, width: number, count: number, value: number): number {
  const mask = (1 << width) - 1;
  let [found, bits, held, at] = [0, 0, 0, offset];
  for (let i = 0; i < count; i++) {
    if (held < width) {
      bits |= view.getUint8(at++) << held;
      held += 8;
    }
    if ((bits & mask) === value) found += 1;
    bits >>= width;
    held -= width;
  }
  return found;
}

/** @param isPrefixed whether runs are single bits that begin with their length, as those of booleans do */
function checkValues(reader: Reader, encoding: string | undefined, count: number, isPrefixed: boolean): void {
  if (count === 0) return;
  if (encoding === 'DELTA_BYTE_ARRAY') return checkShared(reader, count);
  if (encoding !== 'RLE' && encoding !== 'PLAIN_DICTIONARY' && encoding !== 'RLE_DICTIONARY') return;
  if (isPrefixed) {
    checkRuns({ ...reader, offset: reader.offset + 4 }, 1, count);
    return;
  }
  const width = reader.view.getUint8(reader.offset);
  checkRunsOfWidth({ ...reader, offset: reader.offset + 1 }, width, count);
}

/** Runs of values from 0 to `most`. */
function checkRuns(reader: Reader, most: number, count: number): void {
  checkRunsOfWidth(reader, widthOf(most), count);
}

/**
 * Walks over runs as hyparquet does, without making their values.
 * @param onRun called with the reader at a run's values, and how many came before
 */
function checkRunsOfWidth(
  reader: Reader,
  width: number,
  count: number,
  onRun?: (isPacked: boolean, run: number, seen: number) => void,
): void {
  for (let seen = 0; seen < count;) {
    const header = readVarInt(reader);
    const isPacked = (header & 1) === 1;
    const run = isPacked ? (header >> 1) << 3 : header >>> 1;
    expect(run >= 0 && run <= count + PADDING, `a run of ${run} values is in a page of ${count}`);
    onRun?.(isPacked, run, seen);
    reader.offset += isPacked ? (run / 8) * width : (width + 7) >> 3;
    seen += run;
  }
}

/** Texts that each say how much of the one before they begin with. */
function checkShared(reader: Reader, count: number): void {
  const most = SOME_BYTES + SHARED * reader.view.byteLength;
  let bytes = 0;
  for (const lengths of [new Int32Array(count), new Int32Array(count)]) {
    deltaBinaryUnpack(reader, count, lengths);
    for (const length of lengths) bytes += Math.max(0, length);
    expect(bytes <= most, `a page of ${reader.view.byteLength} bytes claims to hold ${bytes}`);
  }
}

function widthOf(most: number): number {
  return 32 - Math.clz32(most);
}

function readerOf(bytes: Uint8Array): Reader {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

function expect(condition: unknown, detail: string): asserts condition {
  if (!condition) throw new Error(detail);
}
