import type { ByteSource } from '../../../base/storage/types.ts';
import {
  isParquetHead,
  parseDataset,
  rowBatches,
  type ParseOptions,
  type ParsedDataset,
} from '../files/parse.ts';
import type { Row } from '../files/row.ts';

/** What of a file is looked at before all of it is read: so many rows of its first bytes. */
const SAMPLE_ROWS = 4096;
const SAMPLE_BYTES = 8 * 1024 * 1024;

/**
 * The first rows of a data file as if they were all of it. Its last problem may come from where it was cut, and is left out.
 * Throws as `parseDataset` does.
 */
export async function sampleOf(source: ByteSource, options: ParseOptions = {}): Promise<ParsedDataset> {
  const head = await source.read(0, Math.min(4, source.size));
  if (isParquetHead(head)) return parquetSample(source);
  if (source.size <= SAMPLE_BYTES) return cut(await parseDataset(source, undefined, options));
  // Whole characters, in encodings of two and four bytes, too.
  const first: ByteSource = {
    name: source.name,
    size: SAMPLE_BYTES,
    read: (offset, length) => source.read(offset, length),
    readInto: (offset, target) => source.readInto(offset, target),
  };
  const parsed = await parseDataset(first, undefined, options);
  const last = parsed.rows.length > 1 ? parsed.rows.at(-1)! : null;
  const end = last?.line ?? Infinity;
  const problems = parsed.problems.filter(({ line }) => line < end);
  const dropped = parsed.problems.length - problems.length;
  const rows = last ? parsed.rows.slice(0, -1) : parsed.rows;
  return cut({ ...parsed, rows, problems, problemCount: parsed.problemCount - dropped });
}

function cut(parsed: ParsedDataset): ParsedDataset {
  return { ...parsed, rows: parsed.rows.slice(0, SAMPLE_ROWS) };
}

async function parquetSample(source: ByteSource): Promise<ParsedDataset> {
  const rows: Row[] = [];
  const batches = rowBatches(source);
  let next = await batches.next();
  for (; !next.done && rows.length < SAMPLE_ROWS; next = await batches.next())
    for (const row of next.value) rows.push(row);
  if (next.done) return { ...next.value, rows };
  await batches.return(undefined as never);
  return { name: source.name, kind: 'parquet', encoding: 'utf-8', rows, problems: [], problemCount: 0 };
}
